"""The named policies: which transforms views get, and how strong.

A policy is a set of numbers; what they do is in geometry, sharpness, light and cover. Each number
is drawn anew for each sample, evenly between its bounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from training.errors import BadConfig


@dataclass(frozen=True, slots=True)
class ViewPolicy:
    """Strengths of the transforms; the defaults change nothing.

    Attributes:
        area: bounds of the area that is shown, as a share of the plain view's; more than 1 shows
            what lies around it, and black beyond that where `padded`.
        stretch: width against height, at most 1 + this either way.
        shift: share of the side by which the view moves at most, each way.
        anywhere: in place of `shift`: the cut lies anywhere within the plain view, or, where it is
            larger than that, the plain view anywhere within the cut.
        padded: black lies beyond the picture; else its edge goes on.
        turn_deg: the view turns at most so far, each way.
        shear_deg: uprights lean at most so far, each way.
        yaw_deg: the head seems to turn left or right at most so far (`geometry.turned`).
        pitch_deg: the head seems to nod up or down at most so far.
        perspective: how much nearer one edge can seem than the middle.
        pose_chance: share of samples to which the last three apply.
        mirror_chance: share that is mirrored.
        blur: the largest deviation of the Gaussian blur, as a share of the side.
        blur_chance: share that is blurred.
        shrink: the smallest share of the side that is left when a view is shrunk and enlarged.
        shrink_chance: share for which that is done.
        compress: the strongest compression, times JPEG's usual table (quality 50).
        compress_chance: share that is compressed.
        brightness: pixels are multiplied by 1 plus or minus up to this.
        contrast: likewise, about the mean luma.
        saturation: likewise, about each pixel's luma.
        hue: share of a full turn of the hues, each way.
        tint: each channel is multiplied by 1 plus or minus up to this.
        colour_chance: share to which the last five apply.
        grey_chance: share turned grey.
        side_light: light from one side: how much brighter or darker the edge gets.
        side_light_chance: share lit from one side.
        noise: largest deviation of the noise of a sensor, of a range of 1.
        noise_chance: share that gets it.
        cover: the longest side of a covering rectangle, as a share of the view's.
        cover_chance: share with such a rectangle (hands, hair, glasses, microphones).
        subset: a random number of random transforms for each sample, in place of the chances.
    """

    area: tuple[float, float] = (1.0, 1.0)
    stretch: float = 0.0
    shift: float = 0.0
    anywhere: bool = False
    padded: bool = False
    turn_deg: float = 0.0
    shear_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    perspective: float = 0.0
    pose_chance: float = 0.0
    mirror_chance: float = 0.0
    blur: float = 0.0
    blur_chance: float = 0.0
    shrink: float = 1.0
    shrink_chance: float = 0.0
    compress: float = 0.0
    compress_chance: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    tint: float = 0.0
    colour_chance: float = 0.0
    grey_chance: float = 0.0
    side_light: float = 0.0
    side_light_chance: float = 0.0
    noise: float = 0.0
    noise_chance: float = 0.0
    cover: float = 0.0
    cover_chance: float = 0.0
    subset: bool = False


_FACE = ViewPolicy(
    # The whole face stays in view, about as far off as detectors' boxes are.
    area=(0.72, 1.3),
    stretch=0.1,
    shift=0.07,
    turn_deg=15.0,
    shear_deg=8.0,
    yaw_deg=25.0,
    pitch_deg=12.0,
    perspective=0.12,
    pose_chance=0.5,
    mirror_chance=0.5,
    blur=0.02,
    blur_chance=0.2,
    shrink=0.3,
    shrink_chance=0.25,
    compress=2.0,
    compress_chance=0.15,
    # Skin and hair tell people apart: less of hue and saturation than in the paper.
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.03,
    tint=0.12,
    colour_chance=0.8,
    grey_chance=0.3,
    side_light=0.6,
    side_light_chance=0.3,
    noise=0.04,
    noise_chance=0.2,
    cover=0.4,
    cover_chance=0.25,
)

POLICIES: Mapping[str, ViewPolicy] = MappingProxyType(
    {
        "none": ViewPolicy(),
        "pad_rotate_scale": ViewPolicy(area=(1.0, 2.25), anywhere=True, padded=True, turn_deg=30.0),
        # Appendix A of arXiv:2002.05709 with s = 1, its strength for ImageNet. Its blur of 0.1 to
        # 2 px is for pictures of 224 px; here it is a share of the side.
        "simclr": ViewPolicy(
            area=(0.08, 1.0),
            stretch=1 / 3,
            anywhere=True,
            mirror_chance=0.5,
            brightness=0.8,
            contrast=0.8,
            saturation=0.8,
            hue=0.2,
            colour_chance=0.8,
            grey_chance=0.2,
            blur=2 / 224,
            blur_chance=0.5,
        ),
        "face": _FACE,
        "random_subset": replace(_FACE, subset=True),
        # What the first shipped encoder was trained with (docs/training-log.md).
        "mild": ViewPolicy(
            area=(0.74, 1.3),
            stretch=0.08,
            shift=0.06,
            turn_deg=12.0,
            mirror_chance=0.5,
            shrink=0.35,
            shrink_chance=0.3,
            brightness=0.4,
            contrast=0.4,
            saturation=0.4,
            tint=0.12,
            colour_chance=0.8,
            grey_chance=0.3,
            cover=0.4,
            cover_chance=0.2,
        ),
    }
)
"""The policies by the names that the settings give them."""


def view_policy(name: str) -> ViewPolicy:
    """The policy of that name.

    Raises:
        BadConfig: there is none.
    """
    try:
        return POLICIES[name]
    except KeyError:
        raise BadConfig(f"views = {name!r} is none of {', '.join(POLICIES)}") from None
