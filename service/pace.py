"""Pace: a client must send a body at a bearable rate, or it is answered 408.

    receive -> waited too long, for what has come so far -> TooSlow

Only the time that we wait for the client counts. Who sends a byte a minute would else hold a
connection, and what has been read of the upload, for as long as they like.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import TooSlow

LEAST_BYTES_PER_S = 8 * 2**10
"""Far below any mobile network; a photo of 15 MiB may take half an hour."""


class Pace:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, patience_s: float) -> None:
        """Wrap `app`; beyond what the rate allows a body may take `patience_s` longer."""
        self._app = app
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        waited_s, received = 0.0, 0
        whole = False

        async def receive_in_time() -> Message:
            nonlocal waited_s, received, whole
            if whole:  # what comes now is that the client goes away
                return await receive()
            left_s = self._patience_s + received / LEAST_BYTES_PER_S - waited_s
            began_s = loop.time()
            try:
                message = await asyncio.wait_for(receive(), max(left_s, 0.001))
            except TimeoutError:
                raise TooSlow(
                    f"the body came to a halt or came too slowly, after {received:,} bytes; "
                    f"send at least {LEAST_BYTES_PER_S:,} bytes a second"
                ) from None
            waited_s += loop.time() - began_s
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time, send)
