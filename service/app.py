"""The app: routes, error answers and the layers around them, put together from settings.

server -> trusted proxies -> RequestContext -> HeadAsGet -> Pace -> UploadBudget -> HostGuard
    -> CORS -> error handlers -> GuardedRoute: key, rate, role -> routes
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.access import KEY_HEADER, check_guarded
from service.budget import UploadBudget
from service.caching import Assets
from service.context import RequestContext
from service.guard import HostGuard, refuse_open_bind
from service.head import HeadAsGet
from service.keeper import kept
from service.metrics import Metrics
from service.pace import Pace
from service.problems import add_handlers
from service.reference import openapi_schema, operation_id
from service.resources import open_resources
from service.routes import collections, compare, gallery, info, metrics, page, people, search
from service.routes import map as face_map
from service.settings import Settings
from service.versions import versions

_HEADERS_OF_PAGES = ("Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID")
"""What pages of other origins may send, besides a key."""

ROOMS = (search, compare, gallery, people, face_map, collections, info, metrics, page)
"""Modules with routes."""


def create_app(settings: Settings, on_ready: Callable[[], None] | None = None) -> FastAPI:
    """The service as an ASGI app. Its resources are opened when it starts, not before.

    Args:
        settings: read once, by the caller.
        on_ready: called in a thread of its own when requests can be answered.

    Raises:
        SettingsError: these settings would let everybody in by mistake.
    """
    refuse_open_bind(settings)

    counts = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_resources(settings, counts) as resources:
            app.state.resources = resources
            with kept(app.state, on_ready):
                yield

    def draining() -> bool:
        resources = getattr(app.state, "resources", None)
        return resources is not None and resources.readiness.draining

    app = FastAPI(
        title="Lookalike",
        version=versions()["lookalike"],
        lifespan=lifespan,
        docs_url=None,  # FastAPI's page loads its scripts from a CDN; ours is in routes/page.py
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        middleware=[
            *_outer_layers(settings),
            Middleware(RequestContext, metrics=counts, draining=draining),
            *_inner_layers(settings),
        ],
    )
    for room in ROOMS:
        check_guarded(room.router)
        app.include_router(room.router)
    app.mount("/assets", Assets(directory=page.FOLDER / "assets"))
    add_handlers(app)
    _use_own_schema(app, settings.root_path)
    return app


def _outer_layers(settings: Settings) -> list[Middleware]:
    """What lies around RequestContext."""
    if not settings.trusted_proxies:
        return []
    proxies = ",".join(settings.trusted_proxies)
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)]


def _inner_layers(settings: Settings) -> list[Middleware]:
    """What lies between RequestContext and the routes, from the outside in."""
    layers = [
        Middleware(HeadAsGet),
        Middleware(Pace, patience_s=settings.client_timeout_s),
        Middleware(
            UploadBudget, most_bytes=max(settings.max_uploads_bytes, settings.max_request_bytes)
        ),
        Middleware(HostGuard, allowed_hosts=settings.allowed_hosts, origins=settings.cors_origins),
    ]
    if settings.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
                allow_headers=["Authorization", KEY_HEADER, *_HEADERS_OF_PAGES],
                expose_headers=["X-Request-ID", "Retry-After", "ETag"],
            )
        )
    return layers


def _use_own_schema(app: FastAPI, root_path: str) -> None:
    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi_schema(app, root_path)
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign] # FastAPI's documented way to extend it
