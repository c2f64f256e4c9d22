"""Building from pictures that are cut to faces already."""

import numpy as np
import pytest

from faces.decode import decode_image
from faces.encoder import OnnxEncoder
from faces.errors import BadImage
from faces.jpeg import encode_jpeg
from faces.pipeline import Pipeline
from index.build import build_from_crops
from tests.index.building import photo


class NoDetector:
    def detect(self, image, *, only_largest=False):
        raise AssertionError("a crop was searched for faces")


@pytest.fixture(scope="module")
def pipeline(aligned_encoder):
    return Pipeline(NoDetector(), OnnxEncoder(aligned_encoder, device="cpu", threads=1))


def crop(seed, side=96):
    """A bright spot on a dark ground, where the tiny landmark network sees a face."""
    picture = np.zeros((side, side, 3), np.uint8)
    top, left = np.random.default_rng(seed).integers(side // 4, side // 2, 2)
    picture[top : top + side // 4, left : left + side // 4] = 100 + seed
    return picture


@pytest.fixture
def open_bound(open_gallery, pipeline):
    return lambda: open_gallery(encoder=pipeline.encoder.card)


def test_crops_are_enrolled_as_they_are_and_found(open_bound, pipeline):
    gallery = open_bound()
    data = [encode_jpeg(crop(seed)) for seed in range(70)]
    photos = [photo(f"P{n}/{n}.jpg", f"P{n}", one) for n, one in enumerate(data)]
    photos.insert(3, photo("Bad/1.jpg", "Bad", b"no picture"))
    photos.insert(5, photo("Gone/1.jpg", "Gone", b""))
    seen = []
    report = build_from_crops(gallery, pipeline, photos, progress=seen.append, workers=2)
    assert report.enrolled == 70
    assert [item.source_name for item in report.rejected] == ["Bad/1.jpg", "Gone/1.jpg"]
    assert seen[-1] == 72
    probe = pipeline.embed_contexts([data[7]])
    [[match]] = gallery.search(probe, k=1)
    assert (match.face.person, match.similarity) == ("P7", 1)
    again = build_from_crops(gallery, pipeline, photos, progress=None, workers=2)
    assert (again.enrolled, again.skipped) == (0, 70)


def test_many_crops_together_are_embedded_as_each_alone(pipeline):
    data = [encode_jpeg(crop(seed, side)) for seed, side in enumerate((96, 64, 128, 96))]
    together = [face.embedding for face in pipeline.embed_crops(data)]
    alone = [pipeline.embed_contexts([one])[0] for one in data]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_what_cannot_be_kept_as_it_is_becomes_a_square_jpeg(pipeline):
    from tests.conftest import jpeg

    wide = np.full((100, 400, 3), 80, np.uint8)
    large = crop(1, 640)
    [one, two, kept, bad] = pipeline.embed_crops(
        [jpeg(wide), jpeg(large), jpeg(crop(2)), b"no picture"]
    )
    assert decode_image(one.context).shape == (320, 320, 3)
    assert decode_image(two.context).shape == (320, 320, 3)
    assert kept.context == jpeg(crop(2))
    assert isinstance(bad, BadImage)


def test_nothing_but_pixels_is_kept_of_a_crop(pipeline):
    import io

    from PIL import Image as PillowImage

    file = io.BytesIO()
    exif = PillowImage.Exif()
    exif[0x010F] = "a camera"
    PillowImage.fromarray(crop(3)).save(file, "JPEG", exif=exif)
    assert b"a camera" in file.getvalue()
    [face] = pipeline.embed_crops([file.getvalue()])
    assert b"a camera" not in face.context


def test_no_pictures_at_all_are_no_faces(pipeline):
    assert pipeline.embed_crops([]) == []
