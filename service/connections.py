"""Connections: uvicorn's HTTP/1.1 with limits that it lacks, against clients that dawdle.

    connected -> head whole within the patience, or closed
    answer not read within the patience -> closed
    answered before the body was read -> what still comes is thrown away for a moment -> closed

Without the first, a client that never ends its head (slow loris) holds a connection for ever, and
without the second one that never reads. Without the third, one that was refused could go on
sending for ever; closed at once, it might never read why, since a reset overtakes the answer.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 800
"""At once; below the 1,024 files that a process may commonly have open. More are closed unread."""

LINGER_S = 2.0


class PatientProtocol(H11Protocol):
    """One connection. `patience_s` is set by `protocol`."""

    patience_s: float

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come: its first head must be whole in time."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._close_in(self.patience_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read what we send as fast as we do."""
        super().pause_writing()
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(self.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read most of it."""
        self._stop_write_timer()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing has come for long: close, whether or not the client reads the rest."""
        super().timeout_keep_alive_handler()
        self._close_in(self.patience_s)

    def data_received(self, data: bytes) -> None:
        """Bytes have come; the clock of a head runs from its first byte until it is whole."""
        was_lingering = self._is_lingering()
        if self._timer is None and self.conn.their_state is h11.IDLE:
            self._close_in(self.patience_s)
        super().data_received(data)
        head_is_whole = self.conn.their_state is not h11.IDLE
        if (head_is_whole or was_lingering) and not self._is_lingering():
            self._stop_timer()

    def on_response_complete(self) -> None:
        """An answer is out. Between requests uvicorn's own clock of idle connections runs."""
        unread = self.conn.their_state is h11.SEND_BODY
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            self._close_in(LINGER_S)

    def _is_lingering(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE

    def _close_in(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


def protocol(patience_s: float) -> type[asyncio.Protocol]:
    """The protocol for `uvicorn.Config(http=...)`."""
    return type("Protocol", (PatientProtocol,), {"patience_s": patience_s})
