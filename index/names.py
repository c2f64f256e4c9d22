"""Names of people: one rule for what a name may be, and how listings sort and search it."""

import unicodedata

from index.errors import InvalidName

MAX_NAME_CHARACTERS = 200

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
            f"1 to {MAX_NAME_CHARACTERS} are allowed"
        )
    bad = next((sign for sign in clean if unicodedata.category(sign) in _FORBIDDEN), None)
    if bad is not None:
        raise InvalidName(f"person = {clean[:40]!r} holds the control character {bad!r}")
    return clean


def fold(text: str) -> str:
    """Text without differences of case or width, for sorting and for searching by prefix.

    Its beginning is enough for both: single signs fold to up to 18.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded[:MAX_NAME_CHARACTERS]
