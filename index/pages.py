"""Pages of an SQLite file: what in them is no content any more, and which of them were written.

`secure_delete` overwrites a row where it lies. But when SQLite spreads the rows of a full or an
almost empty page over its neighbours, copies of rows stay behind in the unused middle of pages, and
when such a row is erased later, its copy is not: in six trials with some 2,000 erased faces each,
3 of 109,000 pieces of them were still there.

The layout is that of sqlite.org/fileformat2.html, section 1.6 (b-tree pages) and 4.1 (the log).
"""

import struct
from pathlib import Path

INTERIOR_KINDS = frozenset({2, 5})
LEAF_KINDS = frozenset({10, 13})
"""First bytes of b-tree pages; those of others are 0 or 1 in files below `MAX_PAGES`."""

MAX_PAGES = 2**25
"""From here on, the first byte of an overflow page (of the number of the next) can be 2 or more."""

FILE_HEADER_BYTES = 100
_LOG_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24


def scrubbed(page: bytes, number: int) -> bytes | None:
    """A page with zeros wherever it holds no content; None if it is so already, or no b-tree's.

    Args:
        page: all bytes of it.
        number: its place in the file, from 1.
    """
    start = FILE_HEADER_BYTES if number == 1 else 0
    kind = page[start]
    if kind not in INTERIOR_KINDS | LEAF_KINDS:
        return None
    first_free, cells, content = struct.unpack_from(">HHH", page, start + 1)
    unused = start + (12 if kind in INTERIOR_KINDS else 8) + 2 * cells
    end = content or 65536
    if not unused <= end <= len(page):
        return None
    fresh = bytearray(page)
    fresh[unused:end] = bytes(end - unused)
    while first_free:
        if first_free + 4 > len(page):
            return None
        following, size = struct.unpack_from(">HH", page, first_free)
        if size < 4 or first_free + size > len(page) or 0 < following < first_free + size:
            return None
        fresh[first_free + 4 : first_free + size] = bytes(size - 4)
        first_free = following
    return bytes(fresh) if fresh != page else None


def pages_in_log(log: Path) -> set[int]:
    """The numbers of all pages that a write-ahead log holds, perhaps of more."""
    numbers: set[int] = set()
    try:
        with log.open("rb") as file:
            header = file.read(_LOG_HEADER_BYTES)
            if len(header) < _LOG_HEADER_BYTES:
                return numbers
            page_bytes = struct.unpack_from(">I", header, 8)[0]
            while len(frame := file.read(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES:
                numbers.add(struct.unpack_from(">I", frame)[0])
                file.seek(page_bytes, 1)
    except FileNotFoundError:
        pass
    return numbers
