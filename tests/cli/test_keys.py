"""`lookalike keys` and `lookalike audit`, as a user types them."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app


@pytest.fixture
def lookalike(tmp_path, monkeypatch):
    """Runs the command in an empty folder: `lookalike("keys", "list")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *words, **more: CliRunner().invoke(app, [str(word) for word in words], **more)


def create(lookalike, role="search", *more):
    result = lookalike("keys", "create", "--role", role, *more)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_key_is_printed_once_alone_and_listed_without_it(lookalike):
    secret = create(lookalike, "enroll", "--name", "front desk")
    assert secret.startswith("lookalike_")
    assert "\n" not in secret
    listed = lookalike("keys", "list").stdout
    assert "enroll" in listed
    assert "never used" in listed
    assert "front desk" in listed
    assert secret not in listed


def test_revoking_the_last_key_says_that_nobody_gets_in(lookalike):
    create(lookalike)
    key_id = lookalike("keys", "list").stdout.split()[0]
    result = lookalike("keys", "revoke", key_id)
    assert result.exit_code == 0
    assert "lets nobody in" in result.stderr
    assert "revoked" in lookalike("keys", "list").stdout


def test_removing_all_keys_must_be_meant(lookalike):
    create(lookalike)
    assert lookalike("keys", "remove-all", input="n\n").exit_code == 1
    assert lookalike("keys", "list").stdout
    assert "removed 1 keys" in lookalike("keys", "remove-all", "--yes").stdout
    assert lookalike("keys", "list").stdout == ""


def test_mistakes_are_told_in_one_line(lookalike):
    for words in (("keys", "list"), ("keys", "revoke", "x"), ("audit",)):
        result = lookalike(*words)
        assert result.exit_code == 1
        assert "no gallery has the folder" in result.stderr
    create(lookalike)
    assert "no key has the id 'x'" in lookalike("keys", "revoke", "x").stderr
    assert lookalike("keys", "create", "--role", "king").exit_code == 2


def test_the_audit_log_tells_what_was_done_to_keys(lookalike):
    create(lookalike)
    key_id = lookalike("keys", "list").stdout.split()[0]
    lookalike("keys", "revoke", key_id)
    lines = [json.loads(line) for line in lookalike("audit", "--json").stdout.splitlines()]
    assert [line["action"] for line in lines] == ["make-key", "revoke-key"]
    assert all(line["key_id"] == key_id and line["actor"] == "cli" for line in lines)
    [line] = lookalike("audit", "--days", 1, "--action", "revoke-key").stdout.splitlines()
    assert f"key_id={key_id}" in line
