import pytest

from service.app import create_app
from service.errors import SettingsError


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]:8000", "faces.example"],
)
def test_this_machine_and_allowed_names_get_in(start, host):
    client = start(wait=False, allowed_hosts="faces.example")
    assert client.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "10.0.0.1"],
)
def test_a_rebound_name_is_refused(start, assert_problem, host):
    client = start(wait=False, allowed_hosts="faces.example")
    answer = client.get("/health/live", headers={"Host": host})
    assert "Host" in assert_problem(answer, "forbidden", 403)["detail"]


@pytest.mark.parametrize(
    "origin", ["null", "", "https://evil.example", "http://localhost.evil.example", "http://[::1"]
)
def test_another_web_page_is_refused_on_every_path(start, assert_problem, origin):
    client = start(wait=False)
    for path in ("/search", "/gallery", "/nowhere", "/", "/assets/app.js"):
        answer = client.post(path, headers={"Origin": origin})
        assert "Origin" in assert_problem(answer, "forbidden", 403)["detail"]


@pytest.mark.parametrize("origin", ["http://localhost:8000", "https://faces.example"])
def test_our_own_page_is_let_in(start, origin):
    client = start(wait=False, allowed_hosts="faces.example")
    assert client.get("/health/live", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "my-computer"])
def test_listening_beyond_this_machine_must_be_meant(make_settings, host):
    with pytest.raises(SettingsError, match="LOOKALIKE_ALLOW_ANONYMOUS=true"):
        create_app(make_settings(host=host))
    assert create_app(make_settings(host=host, allow_anonymous=True))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_listening_on_this_machine_needs_no_leave(make_settings, host):
    assert create_app(make_settings(host=host))
