"""Views: the same face, seen anew."""

from dataclasses import replace

import torch

from training.data import cached_size
from training.views import LUMA, ViewPolicy, make_views, plain_views

STILL = ViewPolicy(
    scale=0, shift=0, turn_deg=0, stretch=0, light=0, tint=0,
    colour_chance=0, grey_chance=0, blur_chance=0, erase_chance=0,
)  # fmt: skip


def some_crops(count: int = 4, size_px: int = 32) -> torch.Tensor:
    side = cached_size(size_px)
    ramp = torch.linspace(0, 255, side)
    rows = ramp.view(1, 1, side, 1).expand(count, 1, side, side)
    columns = ramp.view(1, 1, 1, side).expand(count, 1, side, side)
    return torch.cat([rows, columns, 255 - rows], dim=1).to(torch.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_policy_without_strength_gives_the_plain_view_or_its_mirror():
    crops = some_crops()
    views = make_views(crops, 32, STILL, generator())
    plain = plain_views(crops, 32)
    for view, expected in zip(views, plain, strict=True):
        same, mirrored = ((view - e).abs().max() for e in (expected, expected.flip(-1)))
        assert min(same, mirrored) < 0.02


def test_views_have_the_asked_shape_and_range_and_differ_from_each_other():
    crops = some_crops(8)
    first = make_views(crops, 32, ViewPolicy(), generator(1))
    second = make_views(crops, 32, ViewPolicy(), generator(2))
    assert first.shape == (8, 3, 32, 32)
    assert first.dtype == torch.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert not torch.allclose(first, second)
    assert torch.equal(first, make_views(crops, 32, ViewPolicy(), generator(1)))


def test_each_sample_of_a_batch_gets_parameters_of_its_own():
    crops = some_crops(2).repeat(8, 1, 1, 1)
    views = make_views(crops, 32, ViewPolicy(), generator())
    distances = torch.cdist(views.flatten(1), views.flatten(1)) + torch.eye(16) * 99
    assert distances.min() > 0.5


def test_grey_views_are_the_luma_of_their_colours():
    crops = some_crops()
    colour = make_views(crops, 32, STILL, generator(3))
    grey = make_views(
        crops, 32, replace(STILL, grey_chance=1), generator(3)
    )  # fmt: skip
    expected = sum(weight * colour[:, c] for c, weight in enumerate(LUMA))
    for channel in range(3):
        assert torch.allclose(grey[:, channel], expected, atol=1e-5)
