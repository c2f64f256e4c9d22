"""The engine's figures, and the report made of them."""

import json

import numpy as np
import pytest

from faces.card import load_card
from training.evaluation.engine import evaluate, without_nan
from training.evaluation.plots import confusion_plot, mapped_rows, roc_plot, similarity_plot
from training.evaluation.probes import Probes
from training.evaluation.record import record_figures
from training.evaluation.report import data_uri, summary, told, write_figures


@pytest.fixture(scope="module")
def evaluation():
    """24 people with 5 photos; an encoder that knows them, and a floor that does not."""
    random = np.random.default_rng(0)
    people = np.repeat(np.arange(24), 5)
    crops = random.integers(0, 255, (120, 16, 16, 3), dtype=np.uint8)
    knowing = random.normal(size=(24, 8))[people] + 0.4 * random.normal(size=(120, 8))
    guessing = random.normal(size=(120, 8))
    probes = Probes(
        crops=crops,
        people=people,
        names=tuple(f"person {number:02}" for number in range(24)),
        photos=tuple(map(str, range(120))),
        fallback=np.arange(120) == 3,
        landmarks=np.full((120, 5, 2), np.nan, np.float32),
        groups={"gender": np.array(["f", "m"])[people % 2]},
        left_out={"near duplicate": 2},
        found={"detector": 119, "middle": 1},
    )

    def embedder(vectors):
        unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return lambda given: unit[: len(given)]

    embedders = {"mine": embedder(knowing), "guessing": embedder(guessing)}
    return evaluate(probes, embedders, source="made up")


def test_everything_is_asked_of_the_encoder_and_the_comparable_of_floors(evaluation):
    figures = evaluation.figures
    mine, floor = figures["embedders"]["mine"], figures["embedders"]["guessing"]
    assert figures["source"] == "made up"
    assert figures["fallback"]["photos"] == 1
    assert mine["retrieval"]["hit@1"]["value"] > 0.9
    assert floor["retrieval"]["hit@1"]["value"] < 0.3
    assert mine["linear probe"]["top-1"]["value"] > 0.9
    assert set(mine["breakdown"]["gender"]) == {"f", "m"}
    assert mine["pose"] is None  # no landmarks
    assert mine["open set"]["DIR at FPIR 0.1"]["value"] > 0.5
    assert "linear probe" not in floor
    lead = figures["lead of the encoder in hit@1"]["guessing"]
    difference = mine["retrieval"]["hit@1"]["value"] - floor["retrieval"]["hit@1"]["value"]
    assert lead["value"] == pytest.approx(difference)
    assert lead["interval"][0] > 0.5


def test_figures_are_the_same_each_time_and_plain_json(evaluation, tmp_path):
    write_figures(evaluation, tmp_path / "new" / "figures.json")
    text = (tmp_path / "new" / "figures.json").read_text()
    assert json.loads(text) == evaluation.figures
    assert "NaN" not in text
    assert without_nan({"a": [float("nan"), 1.0, {"b": float("nan")}]}) == {
        "a": [None, 1.0, {"b": None}]
    }


def test_plots_are_pictures_without_faces(evaluation):
    pairs = {name: measured.all_pairs for name, measured in evaluation.measured.items()}
    for svg in (
        roc_plot(pairs),
        similarity_plot(evaluation.encoder.all_pairs),
        confusion_plot(evaluation.encoder.linear),
    ):
        assert svg.startswith("<?xml")
        assert svg.rstrip().endswith("</svg>")
    assert roc_plot(pairs) == roc_plot(pairs)
    assert data_uri("<svg/>") == "data:image/svg+xml;base64,PHN2Zy8+"


def test_maps_show_the_people_with_most_photos():
    people = np.repeat(np.arange(30), [1, 50, *([3] * 28)])
    rows = mapped_rows(people)
    shown, counts = np.unique(people[rows], return_counts=True)
    assert len(shown) == 20
    assert 0 not in shown
    assert counts.max() == 40


def test_the_summary_has_a_row_for_each_figure_and_a_column_for_each_embedder(evaluation):
    rows = dict(summary(evaluation.figures))
    assert "given pairs: accuracy" not in rows
    assert all(len(values) == 2 for values in rows.values())
    assert rows["all pairs: TAR at FAR 0.0001"] == ["too few to say"] * 2


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (None, "too few to say"),
        ({"value": None, "interval": [None, None]}, "too few to say"),
        ({"value": 0.51234, "interval": [0.4, 0.6]}, "0.512 (0.400 to 0.600)"),
        ({"value": 0.5, "interval": [None, None]}, "0.500"),
        ({"value": 0.0012, "interval": [0.0, 0.01]}, "0.0012 (0.000 to 0.010)"),
        (
            {"value": 0.5, "interval": [0.1, 0.9], "claim": False},
            "0.500 (0.100 to 0.900): too wide for a claim",
        ),
    ],
)
def test_a_figure_is_told_with_its_doubt(figure, text):
    assert told(figure) == text


def test_a_card_keeps_the_figures_of_each_set(evaluation, make_encoder):
    folder = make_encoder(7)
    before = load_card(folder)
    record_figures(evaluation, folder)
    after = load_card(folder)
    assert after.metrics["made up"]["people"] == 24
    mine = evaluation.encoder.figures
    assert after.metrics["made up"]["retrieval"] == mine["retrieval"]
    assert after.contract_hash == before.contract_hash
