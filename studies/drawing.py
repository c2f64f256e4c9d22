"""Plots of the studies, as data URIs: PNG where there are many dots, else SVG."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PNG_DPI = 72
COLOURS = "tab10"


def curves(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    across: str,
    up: str,
    log: str = "",
) -> str:
    """Lines, one for each series (x, y); `log` names the axes that are logarithmic: "x", "xy"."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    for name, (x, y) in series.items():
        axes.plot(x, y, label=name)
    axes.set(xlabel=across, ylabel=up)
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    return svg_uri(figure)


def confusions(tables: Mapping[str, Sequence[Sequence[int]]], columns: int = 3) -> str:
    """Confusion matrices side by side, as shades: rows are classes, columns are answers."""

    def draw(axes: Axes, title: str) -> None:
        counts = np.asarray(tables[title])
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")

    return png_uri(grid(list(tables), draw, columns))


def maps(
    places: Mapping[str, tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]], columns: int = 3
) -> str:
    """Dots (N, 2) coloured by class, side by side; the axes mean nothing."""

    def draw(axes: Axes, title: str) -> None:
        dots, labels = places[title]
        axes.scatter(dots[:, 0], dots[:, 1], s=3, c=labels, cmap=COLOURS, linewidths=0)

    return png_uri(grid(list(places), draw, columns))


def grid(titles: Sequence[str], draw: Callable[[Axes, str], None], columns: int) -> Figure:
    """A figure with one small picture for each title."""
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(3 * columns, 3.1 * rows), layout="constrained")
    each = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, title in zip(each, titles, strict=False):
        draw(axes, title)
        axes.set_title(title, fontsize=9)
    for axes in each:
        axes.set(xticks=[], yticks=[])
    for axes in each[len(titles) :]:
        axes.set_visible(False)
    return figure


def svg_uri(figure: Figure) -> str:
    """A figure as an SVG picture."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "lookalike", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _uri("svg+xml", file.getvalue().encode())


def png_uri(figure: Figure, dpi: int = PNG_DPI) -> str:
    """A figure as a PNG picture."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return _uri("png", file.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
