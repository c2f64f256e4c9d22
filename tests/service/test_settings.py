from pathlib import Path

import pytest

from service.errors import SettingsError
from service.settings import PREFIX, Settings, read_settings, unknown_variables

OPERATING = Path(__file__).resolve().parents[2] / "docs" / "operating.md"


def test_the_environment_is_read_and_an_option_goes_before_it(monkeypatch):
    monkeypatch.setenv("LOOKALIKE_PORT", "9000")
    monkeypatch.setenv("LOOKALIKE_HOST", "127.0.0.2")
    settings = read_settings(port=9001, host=None)
    assert (settings.host, settings.port) == ("127.0.0.2", 9001)


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("LOOKALIKE_ENCODER", "")
    assert read_settings().encoder is None


def test_hosts_are_separated_by_commas_and_compared_in_lower_case(monkeypatch):
    monkeypatch.setenv("LOOKALIKE_ALLOWED_HOSTS", "faces.example, Photos.Example ,")
    assert read_settings().allowed_hosts == ("faces.example", "photos.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seventy"),
        ("PORT", "70000"),
        ("DEVICE", "tpu"),
        ("MAX_BYTES", "0"),
        ("WORKERS", "0"),
        ("LOG_LEVEL", "loud"),
        ("ROOT_PATH", "lookalike"),
        ("SAMPLE_PEOPLE", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError, match=f"{PREFIX}{name}='{value}' is not allowed: "):
        read_settings()


def test_device_and_log_level_may_be_written_in_capitals(monkeypatch):
    monkeypatch.setenv("LOOKALIKE_DEVICE", "CPU")
    monkeypatch.setenv("LOOKALIKE_LOG_LEVEL", "WARNING")
    settings = read_settings()
    assert (settings.device, settings.log_level) == ("cpu", "warning")


def test_a_root_path_loses_its_last_slash():
    assert read_settings(root_path="/faces/").root_path == "/faces"


def test_misspelt_variables_are_found():
    environment = {"LOOKALIKE_PROT": "1", "LOOKALIKE_PORT": "1", "HOME": "/", "PORT": "2"}
    assert unknown_variables(environment) == ["LOOKALIKE_PROT"]


def test_every_setting_is_in_the_operating_manual_with_its_default():
    rows = {
        cells[1].strip(" `"): cells[2].strip(" `")
        for cells in (line.split("|") for line in OPERATING.read_text("utf-8").splitlines())
        if len(cells) > 3 and cells[1].strip().startswith(f"`{PREFIX}")
    }
    assert rows.keys() == {PREFIX + name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | int) and field.default != "":
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            assert rows[PREFIX + name.upper()] == str(shown), name
