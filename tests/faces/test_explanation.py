"""Why two faces are alike: parts that were changed are named, with any encoder."""

from dataclasses import replace

import numpy as np
import pytest

import encoders
from faces.card import InputSpec
from faces.confirmation import open_detector
from faces.encoder import OnnxEncoder
from faces.explanation import GRID, explain
from faces.portraits import encoder_crop
from faces.regions import ELLIPSES, regions_of
from faces.types import Crops, Embeddings
from samples.generator import make_person, render

SPEC = InputSpec(32, (0.5,) * 3, (0.5,) * 3, 0.0, alignment="landmarks")
ROW = {"eyes": 0.29, "mouth": 0.725}
"""Height of parts in a crop without margin, in shares of its side."""


class Shrinking:
    """An encoder that looks at 8 x 8 pixels and nothing else."""

    dimension = 192

    def embed(self, crops: Crops) -> Embeddings:
        cells = crops.reshape(len(crops), 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(len(crops), -1)
        centred = (cells - 128).astype(np.float32)
        return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def with_part_of(face: np.ndarray, other: np.ndarray, part: str) -> np.ndarray:
    mixed = face.copy()
    row = round(ROW[part] * 32)
    mixed[row - 3 : row + 3] = other[row - 3 : row + 3]
    return mixed


@pytest.mark.parametrize("part", ["eyes", "mouth"])
def test_the_part_that_differs_is_named(part):
    face = noise(0)
    found = explain(Shrinking(), SPEC, face, with_part_of(face, noise(1), part))
    assert max(found.regions, key=lambda region: region.different).name == part
    place = found.different.mean(axis=0).max(axis=1).argmax()
    assert abs((place + 0.5) / GRID - ROW[part]) < 1 / GRID


@pytest.mark.parametrize("part", ["eyes", "mouth"])
def test_the_part_that_is_alike_is_named(part):
    face = noise(0)
    found = explain(Shrinking(), SPEC, face, with_part_of(255 - face, face, part))
    assert max(found.regions, key=lambda region: region.alike).name == part
    place = found.alike.mean(axis=0).max(axis=1).argmax()
    assert abs((place + 0.5) / GRID - ROW[part]) < 1 / GRID


def test_the_same_crop_twice_differs_nowhere():
    found = explain(Shrinking(), SPEC, noise(0), noise(0))
    assert found.similarity == pytest.approx(1, abs=1e-5)
    assert {region.different for region in found.regions} == {0.0}
    assert np.allclose(found.different, 0, atol=1e-5)
    assert sum(region.alike for region in found.regions) == pytest.approx(1)


def test_the_order_of_the_faces_changes_nothing_but_the_order():
    one, other = noise(0), noise(1)
    forth, back = explain(Shrinking(), SPEC, one, other), explain(Shrinking(), SPEC, other, one)
    assert np.allclose(forth.alike, back.alike[::-1], atol=1e-6)
    assert np.allclose(forth.different, back.different[::-1], atol=1e-6)
    for mine, theirs in zip(forth.regions, back.regions, strict=True):
        assert (mine.name, mine.alike, mine.different) == pytest.approx(
            (theirs.name, theirs.alike, theirs.different)
        )


def test_crops_without_margin_show_eyes_whole_and_no_hair():
    seen = {region.name: region.seen for region in regions_of(SPEC)}
    assert list(seen) == list(ELLIPSES)
    assert min(seen["eyes"], seen["nose"], seen["mouth"]) == pytest.approx(1)
    assert seen["hair"] < 0.01


def test_wider_crops_show_hair_and_parts_lie_where_the_crop_puts_them():
    wide = replace(SPEC, size_px=60, crop_margin=0.5)
    regions = {region.name: region for region in regions_of(wide)}
    assert regions["hair"].seen > 0.5
    assert regions["silhouette"].seen > 0.9
    rows = regions["mouth"].mask.sum(axis=1)
    height = (rows * np.arange(60)).sum() / rows.sum()
    assert height == pytest.approx((0.725 + 0.5) / 2 * 60, abs=1)


def test_upright_crops_have_their_parts_where_the_box_has_them():
    upright = replace(SPEC, size_px=100, alignment="box")
    eyes = next(region for region in regions_of(upright) if region.name == "eyes")
    rows = eyes.mask.sum(axis=1)
    height = (rows * np.arange(100)).sum() / rows.sum()
    assert height == pytest.approx(39.4, abs=1.5)  # docs/training-log.md: the cascade's box


def test_crops_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"32"):
        explain(Shrinking(), SPEC, noise(0), np.zeros((48, 48, 3), np.uint8))


@pytest.mark.slow
def test_of_made_up_people_that_differ_in_the_mouth_only_the_mouth_is_named():
    encoder = OnnxEncoder(encoders.shipped(), threads=1)
    detector = open_detector(encoder)
    traits = {"mouth_width": 1.0, "mouth_height": 0.5, "lip_fullness": 1.0}
    named = []
    for seed in range(10):
        person = replace(make_person(seed), beard="none")
        pictures = [
            render(replace(person, **{name: sign * value for name, value in traits.items()}))
            for sign in (-1, 1)
        ]
        face = detector.detect(pictures[0])[0]
        spec = encoder.card.input
        crops = [encoder_crop(picture, face, spec) for picture in pictures]
        found = explain(encoder, spec, *crops)
        named.append(max(found.regions, key=lambda region: region.different).name)
    assert named.count("mouth") >= 8, named
