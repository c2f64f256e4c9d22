"""Views: the same face, seen anew; each transform against a slow or known result."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from faces.decode import decode_image
from training.data import cached_size
from training.errors import BadConfig
from training.views import POLICIES, ViewPolicy, make_views, plain_views, view_policy
from training.views.dice import Dice, Step
from training.views.geometry import turned
from training.views.light import LUMA
from training.views.sharpness import blurring, compressed, shrinking
from training.views.sheet import contact_sheet, write_sheet

SIZE = 32
STILL = ViewPolicy()
RANDOM = [name for name in POLICIES if name != "none"]


def some_crops(count: int = 4) -> torch.Tensor:
    """Ramps down, across and up: a place shows in the colours."""
    side = cached_size(SIZE)
    ramp = torch.linspace(0, 255, side)
    rows = ramp.view(1, 1, side, 1).expand(count, 1, side, side)
    columns = ramp.view(1, 1, 1, side).expand(count, 1, side, side)
    return torch.cat([rows, columns, 255 - rows], dim=1).to(torch.uint8)


def noise_crops(count: int = 4) -> torch.Tensor:
    side = cached_size(SIZE)
    return torch.randint(0, 256, (count, 3, side, side), generator=generator(9)).to(torch.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def views_of(crops: torch.Tensor, policy: ViewPolicy, seed: int = 0) -> torch.Tensor:
    return make_views(crops, SIZE, policy, generator(seed))


def test_the_policy_none_gives_the_plain_view():
    crops = noise_crops()
    assert torch.equal(views_of(crops, POLICIES["none"]), plain_views(crops, SIZE))


def test_a_sampling_that_moves_nothing_gives_the_plain_view_too():
    crops = some_crops()
    for policy, expected in (
        (replace(STILL, colour_chance=1e-9), plain_views(crops, SIZE)),
        (replace(STILL, mirror_chance=1.0), plain_views(crops, SIZE).flip(-1)),
    ):
        assert torch.allclose(views_of(crops, policy), expected, atol=0.02)


@pytest.mark.parametrize("name", RANDOM)
def test_views_have_the_asked_shape_and_range_and_are_decided_by_the_seed(name):
    crops, policy = some_crops(8), POLICIES[name]
    before = crops.clone()
    first = views_of(crops, policy, 1)
    assert first.shape == (8, 3, SIZE, SIZE)
    assert first.dtype == torch.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert not torch.allclose(first, views_of(crops, policy, 2))
    assert torch.equal(first, views_of(crops, policy, 1))
    assert torch.equal(crops, before)


@pytest.mark.parametrize("name", RANDOM)
def test_each_sample_of_a_batch_gets_numbers_of_its_own(name):
    views = views_of(noise_crops(1).repeat(16, 1, 1, 1), POLICIES[name]).flatten(1)
    distances = torch.cdist(views, views) + torch.eye(16) * 99
    # Of a random subset two samples may both get no step at all.
    assert (distances < 0.5).sum() <= (2 if name == "random_subset" else 0)


def test_an_unknown_policy_is_named_with_those_there_are():
    assert view_policy("face") is POLICIES["face"]
    with pytest.raises(BadConfig, match="views = 'rainbow' is none of none, pad_rotate_scale"):
        view_policy("rainbow")


def test_each_policy_steps_in_about_as_often_as_it_says():
    dice = Dice(4000, torch.device("cpu"), generator())
    assert abs(dice.applies(Step.BLUR, 0.3).float().mean() - 0.3) < 0.03
    assert not dice.applies(Step.BLUR, 0.0).any()
    assert dice.applies(Step.BLUR, 1.0).all()


def test_a_random_subset_has_any_number_of_steps_equally_often():
    dice = Dice(28_000, torch.device("cpu"), generator(), subset=True)
    applied = torch.stack([dice.applies(step) for step in Step]).sum(dim=0)
    share = torch.bincount(applied, minlength=len(Step) + 1) / len(applied)
    assert torch.allclose(share, torch.full_like(share, 1 / (len(Step) + 1)), atol=0.01)
    assert not dice.applies(Step.POSE, 0.0).any()  # impossible where the policy has none


def places(policy: ViewPolicy, count: int = 200) -> torch.Tensor:
    """Where in the plain view (-1 to 1) the corners of views lie: (B, 4, 2), as x, y."""
    views = views_of(some_crops(count), policy)
    side = cached_size(SIZE)
    # Ramps of the crop: 0 at the centre of its first pixel, 1 at that of its last.
    corners = torch.stack([views[:, :, r, c] for r in (0, -1) for c in (0, -1)], dim=1)
    pixel = corners[..., [1, 0]] * (side - 1) + 0.5
    return (pixel - side / 2) / (SIZE / 2)


def test_a_shift_moves_the_view_at_most_so_far():
    corners = places(replace(STILL, shift=0.1))
    moved = corners[:, 0] + (1 - 1 / SIZE)
    assert 0.15 < moved.abs().max() <= 0.2 + 0.03


def test_simclrs_cut_lies_within_the_plain_view_and_takes_the_papers_area():
    policy = POLICIES["simclr"]
    cut = ViewPolicy(area=policy.area, stretch=policy.stretch, anywhere=True)
    corners = places(cut, 500)
    assert corners.abs().max() <= 1.03
    span = (corners[:, 3] - corners[:, 0]) * SIZE / (SIZE - 1) / 2
    area = span.prod(dim=1)
    assert 0.06 < area.min() < 0.15
    assert 0.9 < area.max() <= 1.05
    ratio = span[:, 0] / span[:, 1]
    assert ratio.min() > 0.72
    assert ratio.max() < 1.4


def test_padding_shows_the_whole_picture_on_black():
    white = torch.full((50, 3, SIZE, SIZE), 255, dtype=torch.uint8)
    policy = replace(POLICIES["pad_rotate_scale"], turn_deg=0.0)
    shown = make_views(white, SIZE, policy, generator()).mean(dim=(1, 2, 3))
    assert shown.min() < 0.55  # of the smallest, 1 / 2.25
    assert shown.min() > 0.42
    assert shown.max() <= 1


def test_a_head_that_turns_keeps_its_middle_and_shows_more_of_one_side():
    place = torch.linspace(-1, 1, 41)
    left, straight, right = turned(place, torch.tensor([-20.0, 0.0, 20.0]))
    assert torch.allclose(straight, place, atol=1e-5)
    assert abs(left[20]) < 1e-6
    assert torch.allclose(left, -right.flip(0), atol=1e-5)
    assert right[-1] < 0.85  # the side that turns away leaves the view ...
    assert right[0] < -1.05  # ... and what lay beyond the other comes in
    assert (right.diff() > 0).all()


def test_grey_views_are_the_luma_of_their_colours():
    crops = noise_crops()
    grey = views_of(crops, replace(STILL, grey_chance=1.0))
    expected = sum(weight * plain_views(crops, SIZE)[:, c] for c, weight in enumerate(LUMA))
    for channel in range(3):
        # Sampled half a pixel beside the plain view where the margin is odd; here it is even.
        assert torch.allclose(grey[:, channel], expected, atol=1e-4)


def test_a_turn_of_the_hue_keeps_the_luma():
    crops = some_crops()
    plain = plain_views(crops, SIZE) * 0.2 + 0.4  # dull, so that nothing is clipped
    dull = (torch.nn.functional.pad(plain, (4, 4, 4, 4)) * 255).to(torch.uint8)
    views = views_of(dull, replace(STILL, hue=0.2, colour_chance=1.0))
    weights = torch.tensor(LUMA).view(1, 3, 1, 1)
    assert not torch.allclose(views, plain, atol=0.02)
    assert torch.allclose((views * weights).sum(1), (plain * weights).sum(1), atol=0.01)


def test_contrast_turns_about_the_mean_luma():
    views = views_of(some_crops(64), replace(STILL, contrast=0.3, colour_chance=1.0))
    weights = torch.tensor(LUMA).view(1, 3, 1, 1)
    luma = (views * weights).sum(dim=1).mean(dim=(1, 2))
    assert luma.std() < 0.02
    assert views.flatten(1).std(dim=1).std() > 0.02


def test_light_from_one_side_leaves_the_middle_and_lifts_one_edge():
    grey = torch.full((64, 3, cached_size(SIZE), cached_size(SIZE)), 100, dtype=torch.uint8)
    views = views_of(grey, replace(STILL, side_light=0.6, side_light_chance=1.0))[:, 0]
    middle = views[:, 15:17, 15:17].mean(dim=(1, 2))
    assert torch.allclose(middle, torch.tensor(100 / 255), atol=0.02)
    assert ((views.amax(dim=(1, 2)) > 0.45) & (views.amin(dim=(1, 2)) < 0.33)).float().mean() > 0.5


def test_the_blur_is_a_gaussian_with_weights_that_sum_to_one():
    (matrix,) = blurring(21, torch.tensor([2.0]))
    assert torch.allclose(matrix.sum(dim=1), torch.ones(21))
    centre = matrix[10]
    place = torch.arange(21.0)
    deviation = ((place - 10).square() * centre).sum().sqrt()
    assert abs(deviation - 2) < 0.02


def test_shrinking_to_half_averages_pairs_and_interpolates_between_them():
    (matrix,) = shrinking(8, torch.tensor([0.5]))
    values = torch.tensor([0.0, 2, 4, 6, 8, 10, 12, 14])
    pairs = [1.0, 5, 9, 13]  # at places 1, 3, 5, 7
    expected = [np.interp(place + 0.5, [1, 3, 5, 7], pairs) for place in range(8)]
    assert torch.allclose(matrix @ values, torch.tensor(expected, dtype=torch.float32), atol=1e-5)
    assert torch.allclose(shrinking(8, torch.tensor([0.3])).sum(dim=-1), torch.ones(1, 8))


def test_compression_keeps_flat_pictures_and_spoils_fine_ones_more_the_stronger_it_is():
    flat = torch.full((2, 3, 16, 16), 0.4)
    assert torch.allclose(compressed(flat, torch.tensor([0.5, 2.0])), flat, atol=0.03)
    fine = torch.rand(3, 3, 19, 19, generator=generator())
    spoilt = compressed(fine, torch.tensor([1e-4, 1.0, 4.0]))
    off = (spoilt - fine)[:, :, :16, :16].square().mean(dim=(1, 2, 3))
    assert off[0] < 1e-6  # next to no rounding gives back what went in
    assert 0.001 < off[1] < off[2]
    assert torch.equal(spoilt[:, :, 16:], fine[:, :, 16:])  # beyond the last whole block


def test_a_cover_hides_a_part_and_leaves_the_rest():
    crops = some_crops(32)
    views = views_of(crops, replace(STILL, cover=0.4, cover_chance=1.0))
    changed = ((views - plain_views(crops, SIZE)).abs() > 0.02).any(dim=1).float().mean(dim=(1, 2))
    assert changed.max() <= 0.17
    assert (changed > 0.01).float().mean() > 0.6  # some lie across the edge


def test_a_contact_sheet_shows_each_crop_plain_and_then_its_views(tmp_path):
    crops = np.ascontiguousarray(noise_crops(3).permute(0, 2, 3, 1).numpy())
    sheet = contact_sheet(crops, SIZE, POLICIES["face"], columns=4)
    assert sheet.shape == (3 * (SIZE + 2), 5 * (SIZE + 2), 3)
    plain = plain_views(torch.from_numpy(crops).permute(0, 3, 1, 2), SIZE)
    expected = (plain[1] * 255).round().permute(1, 2, 0).numpy()
    assert np.array_equal(sheet[34 : 34 + SIZE, :SIZE], expected)
    write_sheet(sheet, tmp_path / "new" / "sheet.png")
    assert np.array_equal(decode_image((tmp_path / "new" / "sheet.png").read_bytes()), sheet)
