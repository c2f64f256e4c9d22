"""Clusters: unnamed faces that are likely of one person, proposed as people.

    embeddings of unnamed people -> pairs at least as alike as asked for -> groups -> proposals

Groups form by "Chinese whispers" (Biemann 2006, TextGraphs, section 2): each face takes again and
again the group that its neighbours vote for by similarity. Unlike single linkage, a chain of faces
each a bit like the next does not grow together into one person. The order of the votes follows from
a fixed seed, so the same faces give the same groups.

Axes: N faces, D embedding dimension.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from faces.types import Embeddings
from index.tables import EmbeddingRow, FaceRow, PersonRow
from index.vectors import from_bytes

ROUNDS = 20
"""Votes settle within some ten rounds."""

NEIGHBOURS = 64
"""Votes that a face listens to, at most: the most alike."""

BLOCK = 1024
"""Faces compared with all others at once, which bounds the memory."""

Labels = npt.NDArray[np.int64]
"""The group of each face: int64 (N,)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """People who look like one: their ids, the first of whom would keep the faces of all."""

    person_ids: tuple[str, ...]
    face_ids: tuple[str, ...]


def propose(
    connection: Connection,
    *,
    collection_key: int,
    encoder_key: int,
    dimension: int,
    min_similarity: float,
) -> list[Proposal]:
    """Groups of two or more unnamed people in a collection, the largest first."""
    rows = connection.execute(
        select(PersonRow.id.label("person"), FaceRow.id.label("face"), EmbeddingRow.vector)
        .join(FaceRow, FaceRow.person_key == PersonRow.key)
        .join(EmbeddingRow, EmbeddingRow.face_key == FaceRow.key)
        .where(
            PersonRow.collection_key == collection_key,
            PersonRow.named.is_(False),
            EmbeddingRow.encoder_key == encoder_key,
        )
        .order_by(FaceRow.key)
    ).all()
    if not rows:
        return []
    labels = grouped(from_bytes([row.vector for row in rows], dimension), min_similarity)
    members = defaultdict(list)
    for row, label in zip(rows, labels.tolist(), strict=True):
        members[label].append(row)
    proposals = [
        Proposal(
            tuple(dict.fromkeys(row.person for row in group)), tuple(row.face for row in group)
        )
        for group in members.values()
    ]
    several = [proposal for proposal in proposals if len(proposal.person_ids) > 1]
    return sorted(several, key=lambda proposal: (-len(proposal.face_ids), proposal.person_ids))


def grouped(vectors: Embeddings, min_similarity: float) -> Labels:
    """The group of each of N vectors (N, D) of unit length."""
    neighbours = _neighbours(vectors, min_similarity)
    labels = np.arange(len(vectors))
    dice = np.random.default_rng(0)
    for _ in range(ROUNDS):
        before = labels.copy()
        for face in dice.permutation(len(vectors)).tolist():
            near, similarities = neighbours[face]
            if len(near):
                labels[face] = _most_voted(labels[near], similarities)
        if np.array_equal(before, labels):
            break
    return labels


def _most_voted(labels: Labels, similarities: npt.NDArray[np.float32]) -> int:
    """The label with the largest sum of similarities; of equals the lowest."""
    found, place = np.unique(labels, return_inverse=True)
    return int(found[np.argmax(np.bincount(place, weights=similarities))])


def _neighbours(
    vectors: Embeddings, min_similarity: float
) -> Sequence[tuple[Labels, npt.NDArray[np.float32]]]:
    """For each vector those at least so alike, and how alike they are."""
    found = []
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK] @ vectors.T
        for place, row in enumerate(block, start=start):
            row[place] = -1
            near = np.flatnonzero(row >= min_similarity)
            if len(near) > NEIGHBOURS:
                near = near[np.argpartition(row[near], -NEIGHBOURS)[-NEIGHBOURS:]]
            found.append((near, row[near]))
    return found
