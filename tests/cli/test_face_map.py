"""`lookalike gallery map`."""

import sys

import pytest
from typer.testing import CliRunner

from cli.main import app
from faces.card import load_card
from index.gallery import Gallery
from tests.index.conftest import make_new_face


@pytest.fixture
def run(tmp_path, tiny_encoder):
    from dataclasses import replace

    card = load_card(tiny_encoder)
    with Gallery.open(tmp_path / "data", encoder=card) as gallery:
        faces = [make_new_face(f"P{seed}", seed) for seed in range(6)]
        vectors = [unit_of(seed, card.dimension) for seed in range(6)]
        gallery.add(
            [replace(face, embedding=vector) for face, vector in zip(faces, vectors, strict=True)]
        )

    def call(*options):
        place = ["--data", str(tmp_path / "data"), "--encoder", str(tiny_encoder)]
        return CliRunner().invoke(app, ["gallery", "map", *options, *place])

    return call


def unit_of(seed, dimension):
    import numpy as np

    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def test_the_map_is_drawn(run):
    done = run()
    assert done.exit_code == 0, done.output
    assert "6 faces are on the map of default" in done.output


def test_an_unknown_collection_is_told_in_one_line(run):
    done = run("--collection", "nobody")
    assert done.exit_code == 1
    assert "nobody" in done.output


def test_umap_without_its_package_is_told_with_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    done = run("--method", "umap")
    assert done.exit_code == 1
    assert "install the extra `train`" in done.output
