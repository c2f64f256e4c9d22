import pytest

from index.errors import StorageFull
from index.lookups import Lookup
from service.audit import Audit
from service.errors import RateLimited
from service.rates import LatestCounts, Rates, counted_address
from tests.service.keyed import bearer


def test_what_is_allowed_is_allowed_and_then_no_more():
    rates = Rates("3/minute")
    for _ in range(3):
        rates.spend("a")
    with pytest.raises(RateLimited) as caught:
        rates.spend("a")
    assert 1 <= caught.value.wait_s <= 60
    rates.spend("b")


def test_the_tightest_of_several_limits_counts():
    rates = Rates("2/second;3/hour")
    rates.spend("a")
    rates.spend("a")
    with pytest.raises(RateLimited, match="2 per 1 second"):
        rates.spend("a")


def test_without_a_limit_there_is_none():
    rates = Rates("")
    for _ in range(1000):
        rates.spend("a")


def test_a_window_that_has_ended_begins_anew(monkeypatch):
    counts = LatestCounts()
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    assert [counts.incr("a", 60) for _ in range(3)] == [1, 2, 3]
    assert (counts.get("a"), counts.get_expiry("a")) == (3, 1060)
    now[0] = 1060.0
    assert counts.get("a") == 0
    assert counts.incr("a", 60) == 1


def test_however_many_addresses_come_memory_is_bounded():
    rates = Rates("3/minute", max_counted=100)
    for number in range(10_000):
        rates.spend(f"2001:db8:{number:x}::/64")
    assert len(rates._counts) == 100


def test_one_who_goes_on_is_not_forgotten_for_others():
    rates = Rates("50/minute", max_counted=100)
    for number in range(50):
        rates.spend("steady")
        for other in range(50):
            rates.spend(f"{number}-{other}")
    with pytest.raises(RateLimited):
        rates.spend("steady")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_addresses_of_one_subscriber_are_counted_together(address, counted):
    assert counted_address(address) == counted


def test_each_key_has_a_rate_of_its_own_and_so_have_those_without(start, assert_problem):
    client = start(rate_limit="2/minute")
    for _ in range(2):
        assert client.get("/info").status_code == 200
    answer = client.get("/info")
    assert_problem(answer, "rate-limited", 429)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    for _ in range(5):
        assert client.get("/health/ready").status_code == 200
    for headers in (bearer(client, "search"), bearer(client, "search")):
        answers = [client.get("/info", headers=headers).status_code for _ in range(3)]
        assert answers == [200, 200, 429]


def test_wrong_keys_are_limited_by_address_and_a_right_one_goes_on(client, assert_problem):
    right = bearer(client, "search")
    answers = [
        client.get("/info", headers={"X-API-Key": f"lookalike_{guess}"}).status_code
        for guess in range(30)
    ]
    assert answers == [401] * 10 + [429] * 20
    assert client.get("/info", headers=right).status_code == 200


def test_behind_a_trusted_proxy_each_client_is_counted(start):
    client = start(rate_limit="1/minute", trusted_proxies="10.0.0.0/8,testclient"[:10])
    client._transport.client = ("10.1.2.3", 1)

    def asked(address):
        return client.get("/info", headers={"X-Forwarded-For": address}).status_code

    assert [asked("192.0.2.1"), asked("192.0.2.2"), asked("192.0.2.1")] == [200, 200, 429]
    assert asked("192.0.2.9, 192.0.2.1") == 429  # the proxy has added the last one


def test_nobody_else_says_where_a_request_comes_from(start):
    client = start(rate_limit="1/minute", trusted_proxies="10.0.0.1")
    answers = [
        client.get("/info", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(2)
    ]
    assert answers == [200, 429]


class FullLog:
    def __init__(self):
        self.stored = []
        self.full = True

    def append(self, lookups, *, used_keys=()):
        if self.full:
            raise StorageFull("full")
        self.stored += lookups

    def forget_lookups(self, *, days):
        return 0


def test_lookups_that_could_not_be_logged_are_logged_later_in_their_order():
    log = FullLog()
    audit = Audit(log, keep_days=1)
    audit.note("a", "search", faces=1)
    with pytest.raises(StorageFull):
        audit.flush()
    audit.note("a", "verify", faces=2)
    log.full = False
    audit.flush()
    assert [(item.kind, item.faces) for item in log.stored] == [("search", 1), ("verify", 2)]
    assert isinstance(log.stored[0], Lookup)


def test_at_the_end_lookups_that_cannot_be_logged_are_told_of(caplog):
    audit = Audit(FullLog(), keep_days=1)
    audit.note("a", "search", faces=1)
    audit.close()
    assert caplog.records[-1].fields["lost"] == 1
