"""The guard: no foreign web page gets in, and without keys only this machine and allowed names.

A web page that the user visits can send requests to 127.0.0.1, and a name that it controls can be
made to point there (DNS rebinding). The first shows in Origin, the second in Host.

    anonymous  Host and Origin must both be allowed ones: to be able to reach us is all it takes
    keys       any Host, since a page that rebinds a name has no key; an Origin must be allowed, or
               be the request's own Host, so that no page makes its visitors try keys
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from index.errors import GalleryError
from index.ground import store_place
from index.keys import any_key
from service.access import Access, is_loopback
from service.errors import Forbidden, SettingsError
from service.problems import error_response
from service.settings import Settings

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class HostGuard:
    """ASGI middleware: answers 403 unless Host, and Origin if there is one, are allowed."""

    def __init__(
        self, app: ASGIApp, allowed_hosts: Collection[str], origins: Collection[str] = ()
    ) -> None:
        """Wrap `app`.

        Args:
            app: what is guarded.
            allowed_hosts: names without a port, besides LOCAL_HOSTS, for Host and Origin.
            origins: whole origins besides.
        """
        self._app = app
        self._origins = frozenset(origins)
        self._allowed = LOCAL_HOSTS | {name.strip("[]") for name in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            keys_in_force = await _keys_in_force(scope["app"].state.resources.access)
            try:
                self._check(Headers(scope=scope), any_host=keys_in_force)
            except Forbidden as error:
                response = error_response(Request(scope), error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, headers: Headers, *, any_host: bool) -> None:
        host = _host_name("//" + headers.get("host", ""))
        if not any_host and host not in self._allowed:
            raise Forbidden("the Host of the request is not one of LOOKALIKE_ALLOWED_HOSTS")
        origin = headers.get("origin")
        if origin is None or origin.lower() in self._origins:
            return
        named = _host_name(origin)
        if named in self._allowed or (any_host and named is not None and named == host):
            return
        raise Forbidden("the Origin of the request is not one of LOOKALIKE_ALLOWED_HOSTS")


async def _keys_in_force(access: Access) -> bool:
    try:
        return (await access.ring.known()).in_force
    except GalleryError:  # whoever needs the store says so; /health/live does not
        return access.ring.last.in_force


def refuse_open_bind(settings: Settings) -> None:
    """Refuse to listen beyond this machine without keys, unless that was asked for.

    Raises:
        SettingsError: the host is no loopback address, and no key was ever created.
    """
    if may_be_anonymous(settings) or any_key(store_place(settings.data, settings.store_url)):
        return
    raise SettingsError(
        f"LOOKALIKE_HOST={settings.host!r} would let everybody on the network in, without a key: "
        "create one with `lookalike keys create`, use 127.0.0.1, or set "
        "LOOKALIKE_ALLOW_ANONYMOUS=true if that is meant"
    )


def may_be_anonymous(settings: Settings) -> bool:
    """Whether the service may let everybody in, as long as no key was created."""
    return settings.allow_anonymous or is_loopback(settings.host)


def _host_name(url: str) -> str | None:
    """The host of a URL, lower case, without port and brackets; None if there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
