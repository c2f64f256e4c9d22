"""Plots of an evaluation, as SVG text: ROC, maps of the embeddings, confusions.

No plot shows a face; contact sheets, which do, are made apart (training.evaluation.sheets).
"""

import io
import warnings
from collections.abc import Callable, Mapping

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.all_pairs import BINS, AllPairs, roc_of_all
from training.evaluation.engine import Evaluation
from training.evaluation.linear_probe import LinearProbe
from training.evaluation.people import Floats, Ints

MAPPED_PEOPLE = 20
"""People on a map: more colours cannot be told apart."""

MAPPED_PHOTOS = 40
"""Photos of one person on a map at most."""

FEWEST_MAPPED = 10

Svg = str


def plots(evaluation: Evaluation) -> dict[str, Svg]:
    """All plots, by title, in the order of a report."""
    encoder = evaluation.encoder
    pairs = {name: measured.all_pairs for name, measured in evaluation.measured.items()}
    drawn = {
        "ROC: friends and strangers accepted, over all pairs": roc_plot(pairs),
        "Similarities of pairs of one person and of two": similarity_plot(encoder.all_pairs),
    }
    rows = mapped_rows(evaluation.probes.people)
    if len(rows) >= FEWEST_MAPPED:
        names = [evaluation.probes.names[person] for person in evaluation.probes.people[rows]]
        for title, place in (("t-SNE", tsne), ("UMAP", umap)):
            drawn[f"{title} map of the embeddings of the people with most photos"] = map_plot(
                place(encoder.embeddings[rows]), names
            )
    if encoder.linear:
        drawn["Linear probe: who is taken for whom"] = confusion_plot(encoder.linear)
    return drawn


def roc_plot(pairs: Mapping[str, AllPairs]) -> Svg:
    """True against false accept rate, the latter logarithmic; one curve an embedder."""

    def draw(axes: Axes) -> None:
        for name, all_pairs in pairs.items():
            false, true = roc_of_all(all_pairs)
            axes.plot(np.maximum(false, 1 / all_pairs.cross_count), true, label=name)
        axes.set(xscale="log", xlabel="false accept rate", ylabel="true accept rate", ylim=(0, 1))
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left", frameon=False)

    return _svg(draw, (6.4, 4.4))


def similarity_plot(pairs: AllPairs) -> Svg:
    """Densities of the similarities of both kinds of pairs."""

    def draw(axes: Axes) -> None:
        edges = np.linspace(-1, 1, 201)
        strangers = pairs.cross_histogram.reshape(200, BINS // 200).sum(axis=1)
        friends = np.histogram(pairs.same, edges)[0]
        for counts, label in ((strangers, "two people"), (friends, "one person")):
            density = counts / max(1, counts.sum()) * 100
            axes.stairs(density, edges, fill=True, alpha=0.5, label=label)
        axes.set(xlabel="similarity", ylabel="density", xlim=(-0.5, 1))
        axes.legend(frameon=False)

    return _svg(draw, (6.4, 3.2))


def map_plot(places: Floats, names: list[str]) -> Svg:
    """Dots on a plane, one colour a person; the axes mean nothing."""

    def draw(axes: Axes) -> None:
        colours = mpl.colormaps["tab20"]
        for number, name in enumerate(sorted(set(names))):
            own = places[[other == name for other in names]]
            axes.scatter(own[:, 0], own[:, 1], s=14, color=colours(number % 20), label=name)
        axes.set(xticks=[], yticks=[])
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=7)

    return _svg(draw, (7.4, 5.2))


def confusion_plot(probe: LinearProbe) -> Svg:
    """The confusion matrix as shades: rows are people, columns are answers."""

    def draw(axes: Axes) -> None:
        counts = probe.confusion
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        shown = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
        axes.set(xlabel="answered", ylabel="person")
        axes.figure.colorbar(shown, ax=axes, label="share of the person's photos")

    return _svg(draw, (6.4, 5.2))


def mapped_rows(people: Ints) -> Ints:
    """Rows of the photos that a map shows: the first of the people with most photos."""
    sizes = np.bincount(people)
    chosen = np.argsort(-sizes, kind="stable")[:MAPPED_PEOPLE]
    rows = [
        np.flatnonzero(people == person)[:MAPPED_PHOTOS] for person in chosen if sizes[person] > 1
    ]
    return np.concatenate(rows)


def tsne(embeddings: npt.NDArray[np.float32]) -> Floats:
    """Places (N, 2) by t-SNE (van der Maaten and Hinton 2008), by cosine."""
    from sklearn.manifold import TSNE  # noqa: PLC0415 - only a report needs it

    perplexity = min(30.0, (len(embeddings) - 1) / 3)
    model = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=0)
    places: Floats = model.fit_transform(embeddings)
    return places


def umap(embeddings: npt.NDArray[np.float32]) -> Floats:
    """Places (N, 2) by UMAP (McInnes et al. 2018, arXiv:1802.03426), by cosine."""
    with warnings.catch_warnings():
        # Without TensorFlow it warns of a part that is not used here.
        warnings.simplefilter("ignore", ImportWarning)
        from umap import UMAP  # noqa: PLC0415 - compiles for seconds

    neighbours = min(15, len(embeddings) - 1)
    model = UMAP(n_neighbors=neighbours, metric="cosine", init="random", random_state=0, n_jobs=1)
    places: Floats = model.fit_transform(embeddings)
    return places


def _svg(draw: Callable[[Axes], None], size_inch: tuple[float, float]) -> Svg:
    figure = Figure(figsize=size_inch, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "lookalike", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
