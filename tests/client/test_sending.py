"""Keys, retries, and services that answer oddly; the service is played."""

import httpx
import pytest

from client import (
    InvalidRequest,
    NotReady,
    Overloaded,
    Problem,
    RateLimited,
    Retries,
    UnexpectedAnswer,
    Unreachable,
)


def problem(slug, status, retry_after=None, **more):
    headers = {"Content-Type": "application/problem+json"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    body = {"type": f"/problems/{slug}", "title": slug, "status": status, "detail": f"it is {slug}"}
    return httpx.Response(status, json={**body, "request_id": "r1", **more}, headers=headers)


class Played:
    """A service that gives these answers one after another, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        # a response can be read once
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


HEALTHY = httpx.Response(200, json={"status": "live"})
ENROLLED = httpx.Response(201, json={"person": "Ada", "enrolled": [], "rejected": []})


def test_the_key_and_the_prefix_of_the_service_are_sent(answering):
    service = Played(HEALTHY)
    assert answering(service, key="secret").live().status == "live"
    [request] = service.asked
    assert request.headers["authorization"] == "Bearer secret"
    assert str(request.url) == "http://localhost/faces/health/live"


def test_ids_cannot_lead_to_another_path(answering):
    service = Played(problem("not-found", 404))
    with pytest.raises(Problem):
        answering(service).erase_face("../people/x?y")
    assert service.asked[0].url.raw_path == b"/faces/gallery/..%2Fpeople%2Fx%3Fy"


def test_a_busy_service_is_asked_again_when_it_says(answering):
    service = Played(problem("overloaded", 503, "0"), problem("rate-limited", 429, "0"), HEALTHY)
    assert answering(service).live().status == "live"
    assert len(service.asked) == 3


def test_an_enrolment_is_sent_again_under_its_key(answering):
    service = Played(problem("overloaded", 503, "0"), ENROLLED)
    answering(service).enrol("Ada", [b"photo"])
    first, second = service.asked
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.read().count(b"photo") == second.read().count(b"photo") > 0


def test_patience_has_an_end(answering):
    service = Played(*[problem("overloaded", 503, "0") for _ in range(9)])
    with pytest.raises(Overloaded) as caught:
        answering(service, retries=Retries(attempts=3)).live()
    assert len(service.asked) == 3
    assert (caught.value.retry_after_s, caught.value.request_id) == (0, "r1")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (problem("rate-limited", 429, "3600"), RateLimited),
        (problem("overloaded", 503), Overloaded),
        (problem("overloaded", 503, "Fri, 31 Dec 2027 23:59:59 GMT"), Overloaded),
        (problem("validation", 422, "0"), InvalidRequest),
        (problem("of-tomorrow", 418), Problem),
    ],
)
def test_where_waiting_does_not_help_the_problem_is_raised_at_once(answering, answer, expected):
    service = Played(answer)
    with pytest.raises(expected):
        answering(service).live()
    assert len(service.asked) == 1


def test_what_cannot_be_repeated_is_sent_once(answering):
    for ask in (
        lambda lookalike: lookalike.make_collection("x"),
        lambda lookalike: lookalike.ready(),
    ):
        service = Played(problem("not-ready", 503, "0"))
        with pytest.raises(NotReady):
            ask(answering(service))
        assert len(service.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<h1>Bad gateway</h1>", headers={"Content-Type": "text/html"}),
        httpx.Response(200, text="<h1>Welcome</h1>"),
        httpx.Response(200, json=["something", "else"]),
        httpx.Response(200, json={"status": 7}),
        httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx.Response(500, text="{", headers={"Content-Type": "application/problem+json"}),
    ],
)
def test_what_is_no_answer_of_ours_is_told(answering, answer):
    with pytest.raises(UnexpectedAnswer):
        answering(Played(answer)).live()


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_where_no_answer_comes_the_service_is_unreachable(answering, error):
    service = Played(error)
    with pytest.raises(Unreachable, match=r"refused|slow"):
        answering(service).live()
    assert len(service.asked) == 1


def test_a_newer_service_may_say_more(answering):
    service = Played(httpx.Response(200, json={"status": "live", "mood": "fine"}))
    assert answering(service).live().status == "live"
