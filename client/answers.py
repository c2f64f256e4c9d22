"""From what came over the wire to what a call answers, or to the exception for it."""

from json import JSONDecodeError
from typing import TypeVar

import httpx

from client.calls import Call
from client.problems import Problem, Said, UnexpectedAnswer, Unreachable, problem_of
from client.reading import read
from client.records import FieldError, Rejected

T = TypeVar("T")

PROBLEM = "application/problem+json"


def request_of(client: httpx.Client | httpx.AsyncClient, call: Call[T]) -> httpx.Request:
    """The request, ready to be sent by `client`."""
    # httpx gives a file without a name no filename, which makes a text field of it
    files = [(field, (name or "photo", data)) for field, (name, data) in call.files]
    return client.build_request(
        call.method,
        call.path,
        params={name: value for name, value in call.parameters.items() if value is not None},
        headers=dict(call.headers),
        json=call.json,
        data=dict(call.form) or None,
        files=files or None,
    )


def answer_of(call: Call[T], response: httpx.Response) -> T:
    """What the call answers.

    Raises:
        Problem: the service refused.
        UnexpectedAnswer: something else answered.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    try:
        if kind == PROBLEM:
            raise _problem(response)
        if not response.is_success:
            raise UnexpectedAnswer(f"{response.url} answered {response.status_code} ({kind})")
        return call.answer(response)
    except JSONDecodeError as error:
        raise UnexpectedAnswer(f"{response.url} answered what is no JSON: {error}") from error


def unreachable(error: httpx.TransportError) -> Unreachable:
    """What is raised where no answer came."""
    return Unreachable(f"no answer: {type(error).__name__} {error}")


def _problem(response: httpx.Response) -> Problem:
    body = response.json()
    retry_after = response.headers.get("Retry-After", "")
    said = Said(
        type=str(body.get("type", "")),
        title=str(body.get("title", "")),
        status=response.status_code,
        detail=str(body.get("detail", "")),
        request_id=str(body.get("request_id", "")),
        errors=read(tuple[FieldError, ...], body.get("errors") or ()),
        rejected=read(tuple[Rejected, ...], body.get("rejected") or ()),
        retry_after_s=float(retry_after) if retry_after.isdecimal() else None,
    )
    return problem_of(said)
