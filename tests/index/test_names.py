import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import InvalidName
from index.names import clean_name, fold


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("Ana", "Ana"),
        ("  Ana\u00a0Lucía ", "Ana\u00a0Lucía"),
        ("Zoe\u0308", "Zoë"),
        ("x" * 200, "x" * 200),
        ("👩‍🚀", "👩‍🚀"),
    ],
)
def test_a_name_is_stored_composed_and_trimmed(given_name, stored):
    assert clean_name(given_name) == stored


@pytest.mark.parametrize("name", ["", " \t ", "x" * 201])
def test_a_name_has_1_to_200_characters(name):
    with pytest.raises(InvalidName, match="1 to 200 are allowed"):
        clean_name(name)


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "a\x1b[31m", "a\u2028b", "a\ud800b"])
def test_a_name_holds_no_control_characters(name):
    with pytest.raises(InvalidName, match="control character"):
        clean_name(name)


@given(st.text())
def test_cleaning_twice_changes_nothing(name):
    try:
        clean = clean_name(name)
    except InvalidName:
        return
    assert clean_name(clean) == clean


def test_folding_ignores_case_and_width():
    assert fold("ＡＬ Straße") == fold("al STRASSE")
    assert fold("Ana") != fold("Anna")


def test_a_folded_name_is_no_longer_than_a_name():
    assert len(fold("\ufdfa" * 200)) == 200
