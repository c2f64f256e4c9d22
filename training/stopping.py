"""Ctrl-C and SIGTERM end a run after the step that is under way, so that it can be gone on with."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """While it is entered, the first signal is only noted; a second Ctrl-C ends at once."""

    def __init__(self, *, patient: bool = False) -> None:
        """Make it.

        Args:
            patient: further signals are noted, too; torchrun sends its processes the Ctrl-C that
                they have had from the terminal already.
        """
        self.asked = False
        self._patient = patient
        self._before: dict[signal.Signals, signal.Handlers] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # others may not set handlers
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._note)  # type: ignore[assignment]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked and not self._patient:
            raise KeyboardInterrupt
        self.asked = True
