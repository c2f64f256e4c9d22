"""The guard of anonymous mode: without keys, only this machine and allowed names get in.

A web page that the user visits can send requests to 127.0.0.1, and a name that it controls can be
made to point there (DNS rebinding). The first shows in Origin, the second in Host; both are checked
for every request.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Forbidden, SettingsError
from service.problems import error_response

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class HostGuard:
    """ASGI middleware: answers 403 unless Host, and Origin if there is one, are allowed."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        """Wrap `app`; `allowed_hosts` are names without a port, besides LOCAL_HOSTS."""
        self._app = app
        self._allowed = LOCAL_HOSTS | {name.strip("[]") for name in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            try:
                self._check(Headers(scope=scope))
            except Forbidden as error:
                response = error_response(Request(scope), error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, headers: Headers) -> None:
        if _host_name("//" + headers.get("host", "")) not in self._allowed:
            raise Forbidden("the Host of the request is not one of LOOKALIKE_ALLOWED_HOSTS")
        origin = headers.get("origin")
        if origin is not None and _host_name(origin) not in self._allowed:
            raise Forbidden("the Origin of the request is not one of LOOKALIKE_ALLOWED_HOSTS")


def refuse_open_bind(host: str, *, allow_anonymous: bool) -> None:
    """Refuse to listen beyond this machine without keys, unless that was asked for.

    Raises:
        SettingsError: `host` is no loopback address.
    """
    if not allow_anonymous and not _is_loopback(host):
        raise SettingsError(
            f"LOOKALIKE_HOST={host!r} would let everybody on the network in, without a key: "
            "use 127.0.0.1, or set LOOKALIKE_ALLOW_ANONYMOUS=true if that is meant"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_name(url: str) -> str | None:
    """The host of a URL, lower case, without port and brackets; None if there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
