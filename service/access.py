"""Access: who a request comes from, and whether it may do what it asks.

    request -> key -> role, or anonymous -> rate -> Caller, in request.state.caller

A route declares the role it takes, as a dependency: `dependencies=[SEARCH]`. The dependency tells
the API reference; the check itself runs in GuardedRoute, before anything of the body is read.

    anonymous  no key was ever created: everybody who gets past the guard may do everything
    keys       every request needs one, for good; revoking the last does not open the service
"""

import ipaddress
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Message

from index.keys import ROLES, ApiKeys, KnownKeys, Role
from service.audit import Audit
from service.errors import Forbidden, TooLarge, Unauthorized
from service.keyring import KeyRing
from service.rates import WRONG_KEYS, Rates, counted_address

KEY_HEADER = "X-API-Key"

MAX_JSON_BYTES = 128 * 2**10
"""Bodies that FastAPI reads as a whole; the largest that makes sense has 16 KiB of metadata."""

PUBLIC_PATHS = frozenset({"/", "/docs", "/openapi.json", "/health/live", "/health/ready"})
"""What needs no key, besides the page's files under /assets. Nothing else."""

ANONYMOUS = "service"
"""Who the audit log says it was where nobody has a key."""

_FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

_bearer = HTTPBearer(
    scheme_name="key",
    auto_error=False,
    description="A key that `lookalike keys create` printed. Not needed until one was created.",
)
_header = APIKeyHeader(
    name=KEY_HEADER, scheme_name="key_header", auto_error=False, description="The same key."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from: a key, or without keys somebody at an address."""

    role: Role
    key_id: str | None = None

    @property
    def actor(self) -> str:
        """What the audit log calls them."""
        return ANONYMOUS if self.key_id is None else f"key:{self.key_id}"


class Needs:
    """The role that a route takes; a dependency, for the API reference to tell."""

    def __init__(self, role: Role, *, or_loopback: bool = False) -> None:
        """Take this role or a higher one; `or_loopback` lets this machine in without a key."""
        self.role = role
        self.or_loopback = or_loopback

    def __call__(
        self,
        _bearer: Annotated[object, Security(_bearer)],
        _key: Annotated[object, Security(_header)],
    ) -> None:
        """Nothing: GuardedRoute has checked."""


SEARCH = Depends(Needs("search"))
ENROLL = Depends(Needs("enroll"))
ADMIN = Depends(Needs("admin"))
ADMIN_OR_LOOPBACK = Depends(Needs("admin", or_loopback=True))


class Access:
    """Decides who gets in."""

    def __init__(
        self, keys: ApiKeys, audit: Audit, *, anonymous_allowed: bool, rate_limit: str
    ) -> None:
        """Read the keys.

        Args:
            keys: of the store.
            audit: is told which keys are used.
            anonymous_allowed: whether everybody may come in where no key was ever created.
            rate_limit: what a key or an address may spend; see `service.rates`.
        """
        self.ring = KeyRing(keys)
        self._audit = audit
        self._anonymous_allowed = anonymous_allowed
        self._rates = Rates(rate_limit)
        self._wrong_keys = Rates(WRONG_KEYS)

    async def admit(self, request: Request, needs: Needs) -> Caller:
        """Who it is, if they may do this.

        Raises:
            Unauthorized: no key, or a wrong one.
            Forbidden: the key's role is too low.
            RateLimited: too many requests, or too many wrong keys.
            StoreUnavailable: the keys cannot be read.
        """
        known = await self.ring.known()
        address = counted_address(request.client.host if request.client else "")
        caller = self._caller(known, request, needs, address)
        self._rates.spend(caller.key_id or address)
        if ROLES.index(caller.role) < ROLES.index(needs.role):
            raise Forbidden(f"the key's role is {caller.role}; this takes the role {needs.role}")
        return caller

    def _caller(self, known: KnownKeys, request: Request, needs: Needs, address: str) -> Caller:
        if not known.in_force:
            if self._anonymous_allowed:
                return Caller("admin")
            raise Unauthorized("all keys were removed; create one with `lookalike keys create`")
        secret = given_key(request.headers)
        if secret is None:
            if needs.or_loopback and _is_from_this_machine(request):
                return Caller("admin")
            self._rates.spend(address)
            raise Unauthorized(f"send a key as `Authorization: Bearer …` or as `{KEY_HEADER}: …`")
        key = known.match(secret)
        if key is None:
            self._wrong_keys.spend(address)
            raise Unauthorized("this key is unknown or was revoked", wrong=True)
        if key.last_used != datetime.now(UTC).date():
            self._audit.note_use(key.key_id)
        return Caller(key.role, key.key_id)


class GuardedRoute(APIRoute):
    """A route that admits its caller before it reads anything. The route class of all routers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the check."""
        handle = super().get_route_handler()
        needs = needs_of(self)
        reads_json = self.body_field is not None

        async def admit_and_handle(request: Request) -> Response:
            request.state.route = self.path  # for the metrics: the path itself has ids
            if needs is not None:
                access: Access = request.app.state.resources.access
                request.state.caller = await access.admit(request, needs)
            return await handle(await _with_short_body(request) if reads_json else request)

        return admit_and_handle


def check_guarded(router: APIRouter) -> None:
    """Make sure, when the app is made, that no route was left open by mistake."""
    for route in router.routes:
        assert isinstance(route, APIRoute)
        if route.path not in PUBLIC_PATHS:
            assert isinstance(route, GuardedRoute), f"{route.path}: give its router GuardedRoute"
            assert needs_of(route), f"{route.path}: declare a role, as in dependencies=[SEARCH]"


def needs_of(route: APIRoute) -> Needs | None:
    """What a route declares; None where it is public."""
    declared = [item.dependency for item in route.dependencies]
    return next((needs for needs in declared if isinstance(needs, Needs)), None)


def given_key(headers: Headers) -> str | None:
    """The key that a request brings, if any.

    X-API-Key goes first: `Authorization` may be there for a proxy in front.
    """
    if key := headers.get(KEY_HEADER):
        return key
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def _with_short_body(request: Request) -> Request:
    """The same request with its body read already, within a limit that FastAPI does not have.

    Raises:
        TooLarge: it is longer.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise TooLarge(f"the body has more than {MAX_JSON_BYTES:,} bytes")

    read = [bytes(body)]

    async def receive() -> Message:
        if read:
            return {"type": "http.request", "body": read.pop(), "more_body": False}
        return await request.receive()  # so that it is noticed when the client leaves

    return Request(request.scope, receive)


def _is_from_this_machine(request: Request) -> bool:
    """Whether it comes from a process here, and neither through a proxy nor from a web page."""
    if any(name in request.headers for name in _FORWARDING) or "origin" in request.headers:
        return False
    host = request.url.hostname or ""
    return all(map(is_loopback, (host, request.client.host if request.client else "")))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or by the name `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
