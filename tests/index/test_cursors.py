import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.cursors import decode_cursor, encode_cursor
from index.errors import InvalidCursor


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(0, 2**63 - 1))
def test_a_cursor_gives_back_what_it_was_made_of(name, key):
    cursor = encode_cursor("people", [name, key])
    assert decode_cursor("people", cursor, (str, int)) == [name, key]


@given(st.text())
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidCursor):
        decode_cursor("people", text, (str, int))


def raw(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "äöü",
        "a" * 5000,
        raw({"people": 1}),
        raw(["people"]),
        raw(["people", 1, "a"]),
        raw(["people", "a", True]),
        raw(["people", "a", 2**64]),
        raw(["people", "\ud800", 1]),
        raw(["faces", "a", 1]),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
    ],
)
def test_a_cursor_of_another_shape_or_listing_is_refused(cursor):
    with pytest.raises(InvalidCursor, match="not given out by this listing"):
        decode_cursor("people", cursor, (str, int))
