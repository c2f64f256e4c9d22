"""The kinds of vector index by the names that settings give them."""

from index.covered import Accelerate
from index.errors import UnknownIndexKind
from index.faiss_index import GpuFlat, gpu_count
from index.gpu import GPU, GpuOwner
from index.merge_rules import AUTO, KINDS
from index.milvus_options import MILVUS


def choose_kind(named: str, *, serve: bool) -> tuple[str, Accelerate | None]:
    """The kind that a name means on this machine, and what brings its bases to a GPU.

    `auto` means the GPU where FAISS finds one. Only a process that serves occupies it.

    Raises:
        UnknownIndexKind: there is no such kind, or it needs a GPU and FAISS finds none.
    """
    if named == MILVUS:
        raise UnknownIndexKind("index = 'milvus' needs LOOKALIKE_MILVUS_URI=http://HOST:19530")
    if named not in KINDS:
        raise UnknownIndexKind(
            f"index = {named!r} is unknown; use one of {', '.join((*KINDS, MILVUS))}"
        )
    if named not in {AUTO, GPU}:
        return named, None
    if gpu_count():
        return GPU, GpuOwner(GpuFlat).bring if serve else None
    if named == GPU:
        raise UnknownIndexKind(
            "index = 'gpu', but FAISS finds no GPU: install lookalike[gpu] on a machine with one"
        )
    return AUTO, None
