"""Made-up people: `make_person(seed)` invents one, `render(traits, ...)` takes their picture."""

import cv2
import numpy as np
import numpy.typing as npt

from samples.traits import PersonTraits, make_person

__all__ = ["PersonTraits", "make_person", "render"]


def render(  # noqa: PLR0913
    traits: PersonTraits,
    *,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    light_deg: float = 0.0,
    smile: float = 0.0,
    size_px: int = 320,
    seed: int = 0,
) -> npt.NDArray[np.uint8]:
    """A head-and-shoulders picture, uint8 RGB (size_px, size_px, 3)."""
    rng = np.random.default_rng(seed)
    side = size_px * 2
    canvas = np.full((side, side, 3), rng.integers(110, 200, 3), np.uint8)
    skin, hair = np.array(traits.skin, float), np.array(traits.hair_colour, float)
    cloth = rng.integers(40, 160, 3)
    turn, nod = 0.10 * np.sin(np.radians(yaw_deg)), 0.10 * np.sin(np.radians(pitch_deg))

    def ellipse(x: float, y: float, half_w: float, half_h: float, rgb: object, depth: float = 0.0) -> None:  # noqa: E501
        colour = tuple(int(v) for v in np.clip(np.asarray(rgb), 0, 255))
        centre = (int((x + depth * turn) * side), int((y + depth * nod) * side))
        axes = (max(1, int(half_w * side)), max(1, int(half_h * side)))
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, colour, -1)

    wide, tall = 0.205 + 0.015 * traits.head_width, 0.30 + 0.012 * traits.head_length
    ellipse(0.5, 0.44, wide + 0.04, tall + 0.04, hair, -0.3)
    if traits.hair_style in ("long", "bob", "curly"):
        ellipse(0.5, 0.58, wide + 0.06, tall, hair, -0.4)
    ellipse(0.5, 0.86, 0.10, 0.16, skin * 0.8)
    ellipse(0.5, 1.02, 0.40, 0.20, cloth)
    ellipse(0.5, 0.49, wide, tall, skin)
    spacing = 0.088 + 0.008 * traits.eye_spacing
    for sign in (-1, 1):
        x = 0.5 + sign * spacing
        size = 1 + 0.15 * traits.eye_size
        ellipse(x, 0.445, 0.062, 0.034, skin * 0.76, 1)
        ellipse(x, 0.450, 0.043 * size, 0.020 * size, (232, 230, 226), 1)
        ellipse(x, 0.450, 0.019 * size, 0.019 * size, traits.eye_colour, 1)
        ellipse(x, 0.450, 0.009, 0.009, (10, 8, 8), 1)
        ellipse(x, 0.402 - 0.006 * traits.brow_height, 0.055, 0.010 + 0.003 * traits.brow_thickness, hair, 1)  # noqa: E501
        if traits.glasses != "none":
            centre = (int((x + turn) * side), int((0.45 + nod) * side))
            cv2.ellipse(canvas, centre, (side // 13, side // 16), 0, 0, 360, (40, 36, 34), side // 90)
    nose = 0.56 + 0.012 * traits.nose_length
    ellipse(0.5, nose, 0.033 + 0.007 * traits.nose_width, 0.020, skin * 0.8, 1.5)
    ellipse(0.5, nose - 0.035, 0.013, 0.065, np.minimum(skin * 1.1, 250), 1.4)
    mouth = 0.665 + 0.008 * traits.mouth_height
    if traits.beard != "none":
        ellipse(0.5, mouth + 0.03, 0.11, 0.075, skin * 0.5 + hair * 0.4, 1)
    lips = skin * 0.55 + np.array([90, 20, 25])
    ellipse(0.5, mouth, 0.075 + 0.01 * traits.mouth_width + 0.012 * smile, 0.02 + 0.005 * traits.lip_fullness, lips, 1.1)  # noqa: E501
    canvas = cv2.GaussianBlur(canvas, (0, 0), side / 80)
    lit = 1 + 0.25 * np.sin(np.radians(light_deg)) * np.linspace(-1, 1, side)[None, :, None]
    picture = cv2.resize((canvas * lit).clip(0, 255).astype(np.uint8), (size_px, size_px), interpolation=cv2.INTER_AREA)  # noqa: E501
    noise = rng.normal(0, 2.5, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)
