"""The vector index on a Milvus server: the only module that speaks to one.

    add     -> upsert by face key: again does no harm
    remove  -> delete by face key
    search  -> the server's index, among the faces of one collection of ours

One Milvus collection holds the faces of one gallery by one encoder:

    face_key        INT64, primary
    collection_key  INT64: which collection of ours
    person_key      INT64: whose face, as it was when the face came here; the store knows better
    embedding       FLOAT_VECTOR (D), cosine

The row with the face key -1 is no face. Its `person_key` is the number of the last change that
the whole collection has, so that what is said of it is lost together with it.

Axes: N faces, Q queries, K candidates, D embedding dimension.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import numpy as np
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

from faces.types import Embeddings
from index.errors import IndexUnavailable
from index.milvus_options import MILVUS, IndexType, MilvusOptions
from index.vector_index import Keys, Similarities
from index.vectors import checked

TIMEOUT_S = 10.0

MAKING_TIMEOUT_S = 60.0
"""To make, load or drop a collection; a server that has just started takes its time."""

MOST_MATCHES = 16_384
"""Milvus gives no more for one query."""

ROWS_AT_ONCE = 1000
"""Vectors of 512 numbers: 2 MB, well below the 64 MB that Milvus takes in one message."""

STATE_KEY = -1
NO_COLLECTION = -1

_PARAMETERS: dict[IndexType, dict[str, int]] = {
    "FLAT": {},
    "HNSW": {"M": 32, "efConstruction": 200},
    "IVF_FLAT": {"nlist": 1024},
    "IVF_SQ8": {"nlist": 1024},
    "DISKANN": {},
    "AUTOINDEX": {},
}
"""Kinds of index and how they are built."""

_LEAST_EF = 128
"""Candidates that HNSW keeps in a search, at least; more find better and take longer."""


class MilvusFaces:
    """The faces of one gallery by one encoder. Thread-safe."""

    def __init__(self, options: MilvusOptions, name: str, dimension: int) -> None:
        """Use a Milvus collection, or make it.

        Raises:
            IndexUnavailable: Milvus is away, lets nobody in, or holds vectors of another dimension.
        """
        self.name = name
        self.dimension = dimension
        self.behind = False  # something was written that a session does not wait for
        self._options = options
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs all that it raises
        with self._explained():
            self._client = MilvusClient(
                uri=options.uri, token=options.token, timeout=TIMEOUT_S, dedicated=True
            )
            if self._client.has_collection(name, timeout=TIMEOUT_S):
                self._check()
            else:
                self._make()
            self._client.load_collection(name, timeout=MAKING_TIMEOUT_S)

    def upsert(self, keys: Keys, vectors: Embeddings, *, collections: Keys, people: Keys) -> None:
        """Hold these faces (N,), (N, D), each in a collection and of a person."""
        rows = [
            {
                "face_key": int(key),
                "collection_key": int(collection),
                "person_key": int(person),
                "embedding": vector,
            }
            for key, collection, person, vector in zip(
                keys, collections, people, vectors, strict=True
            )
        ]
        with self._explained():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                part = rows[start : start + ROWS_AT_ONCE]
                self._client.upsert(self.name, part, timeout=TIMEOUT_S)

    def delete(self, keys: Keys) -> None:
        """Let go of these faces (N,)."""
        with self._explained():
            for start in range(0, len(keys), ROWS_AT_ONCE):
                part = keys[start : start + ROWS_AT_ONCE].tolist()
                self._client.delete(self.name, ids=part, timeout=TIMEOUT_S)
        self.behind = True  # a session does not wait for what it deletes

    def empty(self) -> None:
        """Let go of all faces, and of how far they were."""
        with self._explained():
            self._client.delete(self.name, filter="face_key >= -1", timeout=TIMEOUT_S)
        self.behind = True

    def count(self, collection_key: int | None = None) -> int:
        """How many faces there are, in one collection of ours or in all."""
        with self._explained():
            [row] = self._client.query(
                self.name,
                filter=_of(collection_key),
                output_fields=["count(*)"],
                consistency_level=self._level(),
                timeout=TIMEOUT_S,
            )
        return int(row["count(*)"])

    def search(
        self, collection_key: int | None, queries: Embeddings, count: int
    ) -> list[list[tuple[float, int]]]:
        """For each query (Q, D) similarity and face key of the nearest, best first."""
        wanted = min(count, MOST_MATCHES)
        if not wanted or not len(queries):
            return [[] for _ in queries]
        parameters = {"ef": max(wanted, _LEAST_EF)} if self._options.index_type == "HNSW" else {}
        with self._explained():
            answers = self._client.search(
                self.name,
                data=list(queries),
                limit=wanted,
                filter=_of(collection_key),
                search_params={"metric_type": "COSINE", "params": parameters},
                consistency_level=self._level(),
                timeout=TIMEOUT_S,
            )
        return [[(float(hit["distance"]), int(hit["id"])) for hit in hits] for hits in answers]

    def fed_seq(self) -> int | None:
        """The last change that is wholly here; None if none ever was."""
        with self._explained():
            rows = self._client.query(
                self.name,
                filter=f"face_key == {STATE_KEY}",
                output_fields=["person_key"],
                consistency_level="Strong",
                timeout=TIMEOUT_S,
            )
        return int(rows[0]["person_key"]) if rows else None

    def note_fed(self, seq: int) -> None:
        """Say that everything up to this change is here; after it is."""
        nowhere = np.zeros((1, self.dimension), np.float32)
        nowhere[0, 0] = 1
        state = np.array([STATE_KEY], np.int64)
        self.upsert(
            state,
            nowhere,
            collections=np.array([NO_COLLECTION], np.int64),
            people=np.array([seq], np.int64),
        )

    def drop(self) -> None:
        """Remove everything."""
        with self._explained():
            self._client.drop_collection(self.name, timeout=MAKING_TIMEOUT_S)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _level(self) -> str:
        """How much the next search must see."""
        if self.behind and self._options.consistency == "Session":
            self.behind = False
            return "Strong"
        return self._options.consistency

    def _make(self) -> None:
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("face_key", DataType.INT64, is_primary=True)
        schema.add_field("collection_key", DataType.INT64)
        schema.add_field("person_key", DataType.INT64)
        schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=self.dimension)
        index = MilvusClient.prepare_index_params()
        kind = self._options.index_type
        index.add_index(
            "embedding", index_type=kind, metric_type="COSINE", params=_PARAMETERS[kind]
        )
        self._client.create_collection(
            self.name,
            schema=schema,
            index_params=index,
            consistency_level=self._options.consistency,
            timeout=MAKING_TIMEOUT_S,
        )

    def _check(self) -> None:
        fields = {f["name"]: f for f in self._client.describe_collection(self.name)["fields"]}
        found = fields.get("embedding", {}).get("params", {}).get("dim")
        if found is None or int(found) != self.dimension:
            raise IndexUnavailable(
                f"the Milvus collection {self.name!r} at {self._options.uri} holds vectors of "
                f"{found} numbers, not of {self.dimension}: drop it there, and it is built again"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what Milvus says into an error of ours."""
        try:
            yield
        except (MilvusException, grpc.RpcError, OSError) as error:
            said = " ".join(str(getattr(error, "message", error)).split())[:300]
            wrong = "auth" in said.lower() or "credential" in said.lower()
            advice = (
                "check LOOKALIKE_MILVUS_TOKEN"
                if wrong
                else "is Milvus running there, and is LOOKALIKE_MILVUS_URI right?"
            )
            raise IndexUnavailable(
                f"Milvus at {self._options.uri} cannot be used ({said}): {advice}"
            ) from error


class MilvusIndex:
    """A `VectorIndex`: the faces of one collection of ours."""

    kind = MILVUS

    def __init__(self, faces: MilvusFaces, collection_key: int | None) -> None:
        """See one collection of ours among the faces of a gallery; None sees all."""
        self._faces = faces
        self._collection_key = collection_key

    @property
    def size(self) -> int:
        """How many faces it holds."""
        return self._faces.count(self._collection_key)

    def add(self, keys: Keys, vectors: Embeddings) -> None:
        """Hold these faces; see `VectorIndex.add`."""
        vectors = checked(vectors, self._faces.dimension)
        assert self._collection_key is not None
        mine = np.full(len(keys), self._collection_key, np.int64)
        self._faces.upsert(keys, vectors, collections=mine, people=np.zeros_like(mine))

    def remove(self, keys: Keys) -> None:
        """Let go of these faces; see `VectorIndex.remove`."""
        self._faces.delete(keys)

    def search(self, queries: Embeddings, count: int) -> tuple[Similarities, Keys]:
        """The nearest faces of each query; see `VectorIndex.search`."""
        queries = checked(queries, self._faces.dimension)
        found = self._faces.search(self._collection_key, queries, count)
        least = min((len(hits) for hits in found), default=0)
        shape = (len(queries), least)
        similarities = np.array([[s for s, _ in hits[:least]] for hits in found], np.float32)
        keys = np.array([[key for _, key in hits[:least]] for hits in found], np.int64)
        return similarities.reshape(shape), keys.reshape(shape)


def _of(collection_key: int | None) -> str:
    """What tells the faces of one collection, or all faces, from the rest."""
    if collection_key is None:
        return "face_key >= 0"
    return f"face_key >= 0 and collection_key == {collection_key}"


def collection_name(gallery_id: str, encoder_key: int) -> str:
    """What the Milvus collection of a gallery and an encoder is called."""
    return f"lookalike_{gallery_id}_{encoder_key}"
