"""Names of people and of collections: what they may be, and how listings sort and search them."""

import re
import unicodedata

from index.errors import InvalidName

MAX_NAME_CHARACTERS = 200

_PERSON_ALLOWED = f"1 to {MAX_NAME_CHARACTERS} characters, none of them a control character"
_COLLECTION_ALLOWED = "1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or a digit"
_COLLECTION = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Stands in paths and query strings as it is, and cannot be "." or ".."."""

_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, halves of surrogate pairs, line and paragraph separators."""


def clean_name(name: str) -> str:
    """The name as it is stored: composed (Unicode NFC), without white space around it.

    Two names are the same person if this is equal; upper and lower case differ.

    Raises:
        InvalidName: fewer than 1 or more than 200 characters, or control characters.
    """
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= MAX_NAME_CHARACTERS:
        raise InvalidName(
            f"person = {clean[:40]!r} has {len(clean)} characters; "
            f"1 to {MAX_NAME_CHARACTERS} are allowed",
            field="person",
            allowed=_PERSON_ALLOWED,
        )
    bad = next((sign for sign in clean if unicodedata.category(sign) in _FORBIDDEN), None)
    if bad is not None:
        raise InvalidName(
            f"person = {clean[:40]!r} holds the control character {bad!r}",
            field="person",
            allowed=_PERSON_ALLOWED,
        )
    return clean


def clean_collection(name: str) -> str:
    """The name of a new collection, if it can be one.

    Raises:
        InvalidName: other characters than those that need no escaping anywhere.
    """
    if not _COLLECTION.fullmatch(name):
        raise InvalidName(
            f"collection = {name[:80]!r} is not allowed: {_COLLECTION_ALLOWED}",
            field="name",
            allowed=_COLLECTION_ALLOWED,
        )
    return name


def fold(text: str) -> str:
    """Text without differences of case or width, for sorting and for searching by prefix.

    Its beginning is enough for both: single signs fold to up to 18.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded[:MAX_NAME_CHARACTERS]
