"""The outermost layer: a request id, safe headers and one log line for every request.

It also answers what nothing further in has answered: a fault of ours becomes the problem
`internal`, and its traceback goes to the log under the request id.
"""

import logging
import re
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from service.logs import REQUEST_ID
from service.metrics import Metrics
from service.problems import error_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What is taken from a client: nothing that could break a log line or a header."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Sent unless the route says otherwise. Answers hold biometric data: they may not be kept, but for
what caching.py explains."""

logger = logging.getLogger("lookalike.access")


class RequestContext:
    """ASGI middleware, to be the outermost."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics | None = None,
        draining: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wrap `app`.

        Args:
            app: answers.
            metrics: counts the answers.
            draining: whether the service is stopping; connections then end with their answer.
        """
        self._app = app
        self._metrics = metrics
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        token = REQUEST_ID.set(request_id)
        started_at = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, request_id)
                if self._draining():
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            pass  # nobody is left to answer; the log line says status 0
        except Exception as error:
            logger.exception("internal", extra={"fields": {"request_id": request_id}})
            if status:
                raise  # too late for another answer: the server closes the connection
            response = error_response(Request(scope), error)
            await response(scope, receive, send_with_headers)
        finally:
            took_s = time.perf_counter() - started_at
            self._count(scope, status, took_s)
            # the path only: a query string can hold a name
            fields = {
                "request_id": request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round(took_s * 1000, 1),
            }
            logger.info("request", extra={"fields": fields})
            REQUEST_ID.reset(token)

    def _count(self, scope: Scope, status: int, took_s: float) -> None:
        if self._metrics is None:
            return
        state = scope["state"]
        self._metrics.answered(state.get("route", "other"), _method(scope), status, took_s)
        if (problem := state.get("problem")) is not None:
            self._metrics.problem(problem)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    """The method as a label: a client must not be able to make new ones."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(ULID())


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
