"""The journal of a run: what each epoch came to.

Progress -> RUN/log.jsonl, one line an epoch; RUN/tensorboard, curves
"""

import json
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from training.monitor import Progress

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LOG_FILE = "log.jsonl"
CURVES = "tensorboard"


class Journal:
    """Writes down epochs; entries of epochs that are done again are replaced."""

    def __init__(self, run: Path, *, done: int, curves: bool) -> None:
        """Open the journal of a run.

        Args:
            run: its folder.
            done: epochs that are done; later entries are of work that was lost.
            curves: whether TensorBoard's are written.
        """
        self._log = run / LOG_FILE
        if self._log.is_file():
            lines = self._log.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if json.loads(line)["epoch"] <= done]
            self._log.write_text("".join(kept), encoding="utf-8")
        self._curves = _curves(run, done) if curves else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._curves:
            self._curves.close()

    def write(self, progress: Progress) -> None:
        """Write down an epoch."""
        values = progress.as_dict()
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(values) + "\n")
        if self._curves:
            for name in ("loss", "alignment", "uniformity", "images_per_s", "learning_rate", "knn"):
                if values[name] is not None:
                    self._curves.add_scalar(name, values[name], progress.epoch)
            self._curves.flush()


def _curves(run: Path, done: int) -> "SummaryWriter":
    from torch.utils import tensorboard  # noqa: PLC0415  # takes seconds

    return tensorboard.SummaryWriter(str(run / CURVES), purge_step=done + 1)
