"""Contact sheets of an evaluation: probes and what was found for them.

They show faces, so they are only written where they are asked for, and never into a report.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.engine import Evaluation
from training.evaluation.people import Ints

ROWS = 10
"""Probes on a sheet."""

TILE_INCH = 1.1
RIGHT, WRONG, PROBE = "#2a9d3a", "#c8321e", "#444444"


def write_sheets(evaluation: Evaluation, folder: Path, seed: int = 0) -> list[Path]:
    """Write three sheets of probes: any, those that failed, and those that did well.

    Frames are green where a neighbour shows the person, red where not.

    Args:
        evaluation: its encoder's neighbours are shown.
        folder: where the PNG files are to be.
        seed: of which probes are shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = evaluation.encoder.retrieval
    order = np.random.default_rng(seed).permutation(len(found.probes))
    hit = found.hit_at_1[order] == 1
    written = []
    for name, chosen in {"any": order, "failed": order[~hit], "found": order[hit]}.items():
        if len(chosen):
            path = folder / f"sheet_{name}.png"
            _sheet(evaluation, chosen[:ROWS]).savefig(path, dpi=100)
            written.append(path)
    return written


def _sheet(evaluation: Evaluation, probes: Ints) -> Figure:
    found, crops = evaluation.encoder.retrieval, evaluation.probes.crops
    people, names = evaluation.probes.people, evaluation.probes.names
    columns = 1 + found.nearest.shape[1]
    figure = Figure(figsize=(columns * TILE_INCH, len(probes) * TILE_INCH * 1.15))
    grid = figure.subplots(len(probes), columns, squeeze=False)
    for tiles, probe in zip(grid, probes, strict=True):
        row = found.probes[probe]
        _tile(tiles[0], crops[row], names[people[row]], PROBE)
        for tile, neighbour in zip(tiles[1:], found.nearest[probe], strict=True):
            colour = RIGHT if people[neighbour] == people[row] else WRONG
            _tile(tile, crops[neighbour], names[people[neighbour]], colour)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.98, wspace=0.06, hspace=0.2)
    return figure


def _tile(axes: Axes, crop: np.ndarray, name: str, colour: str) -> None:
    axes.imshow(crop)
    axes.set(xticks=[], yticks=[])
    axes.set_title(name[:18], fontsize=6, pad=2)
    for spine in axes.spines.values():
        spine.set(color=colour, linewidth=2.5)
