"""The server: from settings to a listening process, and down again without losing a request.

    bind -> open -> serve -> SIGTERM or SIGINT -> refuse what is new, finish what was accepted
        -> close -> exit

The app's lifespan runs around uvicorn, not inside it: what goes wrong while opening then comes out
as our own error instead of a logged traceback. The port is bound first, so that a taken one is told
at once.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.connections import protocol
from service.errors import SettingsError
from service.logs import configure_logging
from service.resources import Readiness, Resources
from service.settings import Settings

DRAIN_S = 8
"""Accepted requests may take so long after SIGTERM; with closing, the exit is within 10 s."""

REFUSE_S = 1
"""So long after SIGTERM new requests are told that the service stops; then the port is closed."""

_KEEP_ALIVE_S = 15
_MAX_HEAD_BYTES = 16 * 2**10


def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is given the URL once requests are answered.

    Raises:
        SettingsError: the address cannot be listened on, or is open to everybody by mistake.
        FaceError: the encoder cannot be used.
        GalleryError: the data folder cannot be used.
        SystemExit: in the end, with status 0.
    """
    configure_logging(settings.log_level, kind=settings.log_format)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _exit)
    with _bind(settings) as listener:
        app = create_app(settings, on_ready=partial(on_ready, _url(listener)))
        asyncio.run(_serve(app, settings, listener))


async def _serve(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http=protocol(settings.client_timeout_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the app has them, for trusted proxies
        root_path=settings.root_path,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S - REFUSE_S,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
    )
    listener.listen(config.backlog)  # from here on clients wait, so that "ready" is true when told
    async with app.router.lifespan_context(app):
        resources: Resources = app.state.resources
        await _Server(config, resources.readiness).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn, with a moment between the signal and the closing of the port.

    In that moment new requests get 503 and `Connection: close`: clients with open connections, and
    balancers that ask for /health/ready, learn in an orderly way that nothing more is taken.
    """

    def __init__(self, config: uvicorn.Config, readiness: Readiness) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._closing_at_s = float("inf")

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to close the port, and to end when all is answered."""
        if not await super().on_tick(counter):
            return False
        if not self._readiness.draining:
            self._readiness.draining = True
            self._closing_at_s = time.monotonic() + REFUSE_S
        return self.force_exit or time.monotonic() >= self._closing_at_s


def _bind(settings: Settings) -> socket.socket:
    """A socket at the address, not listening yet.

    Raises:
        SettingsError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio sends small pieces at once (TCP_NODELAY) only where the protocol is told; else each
    # answer waits some 40 ms for the client's acknowledgement of its head
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}; "
            "LOOKALIKE_HOST and LOOKALIKE_PORT say where"
        ) from error
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _exit(_signum: int, _frame: FrameType | None) -> NoReturn:
    """Unwind and exit. While uvicorn serves it has the signals, and raises them again after."""
    raise SystemExit(0)
