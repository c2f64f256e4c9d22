"""Ranking: from the vector index's candidates to matches that the store vouches for.

    queries -> vector index -> candidates -> in the store? -> one a person? -> best k -> matches

The index may know a face that is erased already, and many faces of one person can crowd out others,
so more candidates are fetched until there are k answers or nothing is left to fetch.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from faces.types import Embeddings
from index.reading import faces_by_key, faces_of_people, owners
from index.records import GroupBy, Match
from index.vector_index import VectorIndex

FIRST_CANDIDATES = 4
"""Candidates for each answer wanted at first, and by how much a further attempt grows."""

DECIMALS = 6
"""Similarities are rounded to what float32 sums carry, so that equal faces tie in any order."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A face that the store still has; sorts best first."""

    similarity: float
    face_id: str
    face_key: int
    person_key: int


def nearest(
    connection: Connection,
    index: VectorIndex,
    queries: Embeddings,
    k: int,
    group_by: GroupBy,
    collection_key: int,
) -> list[list[Match]]:
    """The k best matches of each query (Q, D) in one collection.

    Best first, of equals the lower face id first.
    """
    ranked: list[list[_Candidate]] = [[] for _ in queries]
    owner_of: dict[int, tuple[str, int]] = {}
    asked = np.empty(0, np.int64)
    pending, count = list(range(len(queries))), k * FIRST_CANDIDATES
    while pending:
        size = index.size
        similarities, keys = index.search(queries[pending], count)
        fresh = np.setdiff1d(keys, asked)
        owner_of |= owners(connection, fresh.tolist(), collection_key)
        asked = np.concatenate([asked, fresh])
        complete = count >= size
        unsettled = []
        for query, row, row_keys in zip(pending, similarities, keys, strict=True):
            scores = np.round(row.astype(np.float64), DECIMALS).clip(-1, 1).tolist()
            ranked[query] = _best(_candidates(scores, row_keys.tolist(), owner_of), k, group_by)
            if scores and not complete and not _settled(ranked[query], k, worst=scores[-1]):
                unsettled.append(query)
        pending, count = unsettled, count * FIRST_CANDIDATES
    return _matches(connection, ranked)


def _candidates(
    scores: list[float], face_keys: list[int], owner_of: dict[int, tuple[str, int]]
) -> list[_Candidate]:
    """Those of the faces that are in the store, in the order of the answer."""
    known = [
        _Candidate(score, owner_of[key][0], key, owner_of[key][1])
        for score, key in zip(scores, face_keys, strict=True)
        if key in owner_of
    ]
    return sorted(known, key=lambda candidate: (-candidate.similarity, candidate.face_id))


def _best(candidates: Iterable[_Candidate], k: int, group_by: GroupBy) -> list[_Candidate]:
    """The first k, or the first of each of k people."""
    taken: dict[int, _Candidate] = {}
    for candidate in candidates:
        group = candidate.person_key if group_by == "person" else candidate.face_key
        taken.setdefault(group, candidate)
        if len(taken) == k:
            break
    return list(taken.values())


def _settled(best: list[_Candidate], k: int, *, worst: float) -> bool:
    """Whether no face that was not fetched can be among the best, not even by its id."""
    return len(best) == k and best[-1].similarity > worst


def _matches(connection: Connection, ranked: list[list[_Candidate]]) -> list[list[Match]]:
    keys = {candidate.face_key for row in ranked for candidate in row}
    faces = faces_by_key(connection, sorted(keys))
    sizes = faces_of_people(connection, sorted({face.person_id for face in faces.values()}))
    return [
        [
            Match(
                face=faces[candidate.face_key],
                similarity=candidate.similarity,
                faces_of_person=sizes[faces[candidate.face_key].person_id],
            )
            for candidate in row
        ]
        for row in ranked
    ]
