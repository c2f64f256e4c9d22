"""The server: from settings to a listening process, and down again without losing a request.

    bind -> open -> serve -> SIGTERM or SIGINT -> finish what was accepted -> close -> exit

The app's lifespan runs around uvicorn, not inside it: what goes wrong while opening then comes out
as our own error instead of a logged traceback. The port is bound first, so that a taken one is told
at once.
"""

import asyncio
import signal
import socket
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
from service.settings import Settings

DRAIN_S = 8
"""Accepted requests may take so long after SIGTERM; with closing, the exit is within 10 s."""

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
    configure_logging(settings.log_level)
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
        timeout_graceful_shutdown=DRAIN_S,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
    )
    listener.listen(config.backlog)  # from here on clients wait, so that "ready" is true when told
    async with app.router.lifespan_context(app):
        await uvicorn.Server(config).serve(sockets=[listener])


def _bind(settings: Settings) -> socket.socket:
    """A socket at the address, not listening yet.

    Raises:
        SettingsError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
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
