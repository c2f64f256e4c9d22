"""`lookalike index build` and `lookalike search`, as a user types them."""

import pytest
from typer.testing import CliRunner

from cli.main import app
from faces.decode import decode_image


@pytest.fixture
def lookalike(tmp_path, tiny_encoder, monkeypatch):
    """Runs the command in an empty folder with the tiny encoder: `lookalike("search", ...)`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOKALIKE_ENCODER", str(tiny_encoder))
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def people(tmp_path, face_jpeg, empty_jpeg):
    """A folder per person; one of the photos is of a sky."""
    folder = tmp_path / "people"
    for person, content in {"Ana [b]": face_jpeg, "Sky": empty_jpeg}.items():
        (folder / person).mkdir(parents=True)
        (folder / person / "1.jpg").write_bytes(content)
    return folder


def test_a_build_ends_with_a_summary(lookalike, people):
    result = lookalike("index", "build", people)
    assert result.exit_code == 0
    assert "2 photos in" in result.stdout
    assert "enrolled   1" in result.stdout
    assert "rejected   1\n    1 no face\n    Sky/1.jpg: no face was found" in result.stdout
    assert "data has 1 people and 1 faces now" in result.stdout
    assert "2/2" in result.stderr


def test_a_second_build_skips_what_is_enrolled(lookalike, people):
    lookalike("index", "build", people)
    result = lookalike("index", "build", people, "--workers", "1")
    assert "skipped    1  (enrolled before)" in result.stdout


def test_a_long_list_of_rejections_is_cut(lookalike, people, empty_jpeg):
    for number in range(9):
        (people / "Sky" / f"more-{number}.jpg").write_bytes(b"no image")
    result = lookalike("index", "build", people)
    assert "    9 bad image\n    1 no face\n" in result.stdout
    assert "and 5 more" in result.stdout


def test_a_search_prints_a_table_of_matches(lookalike, people, face_jpeg, tmp_path):
    lookalike("index", "build", people)
    result = lookalike("search", people / "Ana [b]" / "1.jpg")
    assert result.exit_code == 0
    assert "face at (" in result.stdout
    row = next(line for line in result.stdout.splitlines() if "Ana [b]" in line)
    assert row.split()[:2] == ["1", "1.0000"]


def test_a_search_draws_its_answer(lookalike, people, tmp_path):
    lookalike("index", "build", people)
    photo = people / "Ana [b]" / "1.jpg"
    result = lookalike("search", photo, "--save", tmp_path / "out.png", "--faces", "all")
    assert "out.png" in result.stdout.replace("\n", "")
    sheet = decode_image((tmp_path / "out.png").read_bytes())
    assert sheet.shape[0] > 320


@pytest.mark.parametrize("target", ["out.nonsense", "missing/out.png"])
def test_a_picture_that_cannot_be_written_is_told(lookalike, people, tmp_path, target):
    lookalike("index", "build", people)
    result = lookalike("search", people / "Ana [b]" / "1.jpg", "--save", tmp_path / target)
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_gallery_may_lie_anywhere(lookalike, people, tmp_path, monkeypatch):
    monkeypatch.setenv("LOOKALIKE_DATA", str(tmp_path / "elsewhere"))
    assert lookalike("index", "build", people).exit_code == 0
    assert (tmp_path / "elsewhere" / "gallery.sqlite").is_file()
    assert lookalike("search", people / "Ana [b]" / "1.jpg").exit_code == 0
    other = lookalike("search", people / "Ana [b]" / "1.jpg", "--data", tmp_path / "other")
    assert other.exit_code == 1
    assert not (tmp_path / "other").exists()


def failure(result):
    """The one line on stderr of a command that failed as it should."""
    assert result.exit_code == 1
    assert result.stdout == ""
    [line] = result.stderr.strip().splitlines()
    return line


def test_an_empty_gallery_is_told_and_how_to_fill_it(lookalike, people, tmp_path):
    assert "empty; fill it first: lookalike index build" in failure(
        lookalike("search", people / "Sky" / "1.jpg")
    )
    (tmp_path / "data").mkdir()
    assert "is empty" in failure(lookalike("search", people / "Sky" / "1.jpg"))


def test_what_a_user_can_mend_is_one_line_without_a_traceback(lookalike, people, tmp_path):
    lookalike("index", "build", people)
    assert "no face was found" in failure(lookalike("search", people / "Sky" / "1.jpg"))
    assert "cannot be read: No such file" in failure(lookalike("search", tmp_path / "gone.jpg"))
    assert "is not a folder" in failure(lookalike("index", "build", tmp_path / "gone"))
    (tmp_path / "empty").mkdir()
    assert "holds no photos" in failure(lookalike("index", "build", tmp_path / "empty"))


def test_a_gallery_of_another_encoder_is_refused_by_both_names(lookalike, people, make_encoder):
    lookalike("index", "build", people)
    result = lookalike("search", people / "Sky" / "1.jpg", "--encoder", make_encoder(7))
    assert "belongs to encoder 'tiny-0'" in failure(result)
    assert "'tiny-7'" in failure(result)


def test_a_stopped_build_says_how_to_go_on(lookalike, people, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("index.build.build", stop)
    result = lookalike("index", "build", people)
    assert result.exit_code == 130
    assert "run it again to go on" in result.stderr


@pytest.mark.parametrize("verb", [["index", "build"], ["search"]])
def test_help_shows_an_example(lookalike, verb):
    result = lookalike(*verb, "--help")
    assert result.exit_code == 0
    assert "Example: " in result.stdout
