"""What a context crop holds of the crop that a card asks for."""

from dataclasses import replace

import pytest

from faces.card import InputSpec
from faces.coverage import coverage

SPEC = InputSpec(size_px=64, mean=(0.5,) * 3, std=(0.5,) * 3, crop_margin=0.0)


def test_an_upright_crop_lies_within_the_context_at_every_margin():
    for margin in (0.0, 0.3, 0.5):
        found = coverage(replace(SPEC, crop_margin=margin))
        assert (found.beyond, found.beyond_turned, found.coarse_from_px) == (0, 0, None)


def test_a_wide_aligned_crop_reaches_beyond_the_context_and_further_if_it_is_turned():
    narrow = coverage(replace(SPEC, alignment="landmarks"))
    assert (narrow.beyond, narrow.beyond_turned) == (0, 0)
    wide = coverage(replace(SPEC, alignment="landmarks", crop_margin=0.5))
    # side 1.832 about (0.505, 0.586): its lower edge lies at 1.502, the context ends at 1.5
    assert wide.beyond == pytest.approx(0.002 / 1.832, abs=0.005)
    assert 0.05 < wide.beyond_turned < 0.2


def test_an_encoder_that_wants_more_pixels_than_are_stored_is_told_from_which_face_on():
    assert coverage(replace(SPEC, size_px=160)).coarse_from_px is None
    assert coverage(replace(SPEC, size_px=161)).coarse_from_px == 160
    assert coverage(replace(SPEC, size_px=224, crop_margin=0.5)).coarse_from_px is None
