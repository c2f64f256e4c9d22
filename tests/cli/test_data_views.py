"""`lookalike data views`: a contact sheet, or one line that says what is wrong."""

from typer.testing import CliRunner

from cli.main import app
from faces.decode import decode_image
from samples import people_folder


def test_a_contact_sheet_has_a_row_for_each_photo(tmp_path):
    sheet = tmp_path / "sheet.png"
    size = ["--photos", "2", "--columns", "3", "--size-px", "32"]
    result = CliRunner().invoke(
        app, ["data", "views", str(people_folder()), "--to", str(sheet), *size]
    )
    assert result.exit_code == 0, result.output
    assert decode_image(sheet.read_bytes()).shape == (2 * 34, 4 * 34, 3)
    assert "2 photos, each plain and in 3 views by face" in result.output


def test_an_unknown_policy_is_told_in_one_line(tmp_path):
    result = CliRunner().invoke(app, ["data", "views", str(tmp_path), "--policy", "rainbow"])
    assert result.exit_code == 1
    assert "views = 'rainbow' is none of none" in result.output
