"""The budget of uploads: what the bodies of all requests together may hold in memory.

    receive -> bytes held by all requests -> over the budget -> Overloaded, 503

Each request has limits of its own; without this one a hundred of the largest at once would be a
hundred times as much. What a request has read counts until it is answered.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Overloaded


class UploadBudget:
    """ASGI middleware, for one event loop."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        """Wrap `app`; all bodies together may have `most_bytes`."""
        self._app = app
        self._most_bytes = most_bytes
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        mine = 0

        async def receive_within_budget() -> Message:
            nonlocal mine
            message = await receive()
            size = len(message.get("body", b""))
            mine += size
            self._held_bytes += size
            if self._held_bytes > self._most_bytes:
                raise Overloaded("too many uploads are under way; try again shortly")
            return message

        try:
            await self._app(scope, receive_within_budget, send)
        finally:
            self._held_bytes -= mine
