"""Cursors: where a page of a listing ended, opaque to whoever carries it.

A cursor holds the sort key of the last item, not an offset, so that what is enrolled or erased
meanwhile neither repeats nor hides another item.
"""

import base64
import binascii
import json

from index.errors import InvalidCursor

MAX_CURSOR_CHARACTERS = 4096
"""More than the longest sort key needs: a folded name of 200 characters in base64."""


def encode_cursor(listing: str, last: list[str | int]) -> str:
    """A cursor after the item whose sort key is `last`, for one kind of listing."""
    text = json.dumps([listing, *last], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(listing: str, cursor: str, types: tuple[type, ...]) -> list[str | int]:
    """The sort key in a cursor of this listing.

    Args:
        listing: the name that `encode_cursor` was given.
        cursor: from outside.
        types: of the parts of the sort key.

    Raises:
        InvalidCursor: it was not made by `encode_cursor` for this listing.
    """
    try:
        if len(cursor) > MAX_CURSOR_CHARACTERS:
            raise InvalidCursor(cursor)
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        raise InvalidCursor(cursor) from None
    if not isinstance(parts, list) or [type(part) for part in parts] != [str, *types]:
        raise InvalidCursor(cursor)
    if parts[0] != listing or not all(map(_fits_the_store, parts)):
        raise InvalidCursor(cursor)
    return parts[1:]


def _fits_the_store(part: str | int) -> bool:
    """Whether the database can take the value: valid Unicode, or at most 64 bits."""
    if isinstance(part, int):
        return abs(part) < 2**63
    return not any(0xD800 <= ord(sign) <= 0xDFFF for sign in part)
