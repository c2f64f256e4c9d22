"""Where Milvus is and how it is to be used: what settings say, and `index.milvus` does."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

MILVUS = "milvus"
"""The kind of index, as settings name it."""

IndexType: TypeAlias = Literal["FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "DISKANN", "AUTOINDEX"]
Consistency: TypeAlias = Literal["Strong", "Bounded", "Session", "Eventually"]


@dataclass(frozen=True, slots=True)
class MilvusOptions:
    """Where Milvus is, and how it is to be used.

    Attributes:
        uri: `http://host:19530`.
        token: `user:password`, or an API key; empty without authentication. It is never shown.
        index_type: what Milvus builds of large segments; small ones it searches exactly.
        consistency: how soon a search sees what this process wrote: "Session" at once.
    """

    uri: str
    token: str = ""
    index_type: IndexType = "HNSW"
    consistency: Consistency = "Session"
