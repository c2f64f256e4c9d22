"""Eyes and brows: lids, lashes, the white, the iris and its catch of light."""

import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step
from samples.grain import at, grain
from samples.layers import Layer, Places, near, shade
from samples.traits import PersonTraits

IRIS_CM = 0.6
PUPIL_CM = 0.24


def eye_layers(
    a: Anatomy, traits: PersonTraits, x: Floats, y: Floats, gaze: tuple[float, float]
) -> list[Layer]:
    """Both eyes."""
    return [layer for side in (-1, 1) for layer in _eye(a, traits, x, y, side, gaze)]


def _eye(
    a: Anatomy, traits: PersonTraits, x: Floats, y: Floats, side: int, gaze: tuple[float, float]
) -> list[Layer]:
    part = near(x, y, (side * a.eye_x, 0), (2.9, 2.0))
    out = side * x[part] - a.eye_x
    v = y[part] - a.eye_tilt * out
    u = out / a.eye_half_width
    inside = np.clip(1 - u * u, 0, 1)
    upper = -0.62 * a.eye_open * inside**0.62 * (1 - 0.16 * u)
    lower = (0.42 * a.eye_open + 0.02) * inside**0.8 * (1 + 0.12 * u)
    soft = 0.05
    opening = step(-soft, soft, v - upper) * step(-soft, soft, lower - v) * (np.abs(u) < 1)
    return [
        _crease(a, traits, part, u, v, upper),
        Layer(part, opening, *_ball(traits, side, (out, v), (u, upper, lower), gaze)),
        *_lashes(traits, part, u, v, upper, lower),
    ]


def _ball(
    traits: PersonTraits,
    side: int,
    place: tuple[Floats, Floats],
    lids: tuple[Floats, Floats, Floats],
    gaze: tuple[float, float],
) -> tuple[Floats, Floats]:
    out, v = place
    u, upper, lower = lids
    white = np.array([0.90, 0.875, 0.86], np.float32)
    shadow = 1 - 0.45 * step(0.42, 0.0, v - upper) - 0.12 * step(0.15, 0.0, lower - v)
    shadow = shadow * (1 - 0.28 * np.abs(u) ** 2.5)
    duct = step(-0.80, -0.97, u)[:, None]
    ball: Floats = white + duct * (np.array([0.78, 0.50, 0.47], np.float32) - white)
    across, down = out - side * gaze[0] + 0.04, v - gaze[1] + 0.08
    radius = np.hypot(across, down)
    eye = np.array(traits.eye_colour, np.float32) / 255
    rays = at(grain(41), np.arctan2(down, across) * 14, radius * 3)
    tone = 0.85 + 0.16 * rays + 0.55 * step(0.1, 0.5, down / IRIS_CM) * step(0.6, 0.3, radius)
    iris = eye * (tone * (1 - 0.6 * step(0.43, 0.6, radius)))[:, None]
    ball = ball + step(IRIS_CM + 0.04, IRIS_CM - 0.05, radius)[:, None] * (iris - ball)
    pupil = step(PUPIL_CM + 0.04, PUPIL_CM - 0.05, radius)[:, None]
    ball = ball * (1 - 0.95 * pupil) * shadow[:, None]
    catch = step(0.17, 0.09, np.hypot(side * across - 0.17, down + 0.22))[:, None]
    return ball + catch * (1.05 - ball), np.full(u.size, 0.55, np.float32)


def _crease(
    a: Anatomy,
    traits: PersonTraits,
    part: Places,
    u: Floats,
    v: Floats,
    upper: Floats,
) -> Layer:
    fold = upper - 0.27 - 0.08 * a.eye_open - 0.12 * u * (u > 0)
    line = np.exp(-(((v - fold) / 0.09) ** 2)) * step(1.2, 0.85, np.abs(u))
    above = np.exp(-(((v - fold + 0.2) / 0.3) ** 2)) * step(1.25, 0.6, np.abs(u))
    return shade(traits.skin, part, 0.42 * line + 0.16 * above)


def _lashes(
    traits: PersonTraits, part: Places, u: Floats, v: Floats, upper: Floats, lower: Floats
) -> list[Layer]:
    feminine = traits.presentation == "feminine"
    wing = np.where(u > 0.55, 0.28 * (u - 0.55), 0) * (1.0 if feminine else 0.3)
    thick = (0.11 if feminine else 0.07) * (0.7 + 0.5 * np.clip(u, -1, 1))
    line = np.exp(-(((v - upper + wing + 0.02) / (thick + 0.025)) ** 2))
    line = line * step(1.2 if feminine else 1.06, 0.9, np.abs(u) + 0.12 * (u < 0))
    under = np.exp(-(((v - lower - 0.03) / 0.06) ** 2)) * step(1.0, 0.8, np.abs(u))
    dark = np.array([0.09, 0.06, 0.05], np.float32)
    flat = np.full(part.size, 0.1, np.float32)
    colour = np.broadcast_to(dark, (u.size, 3))
    return [
        Layer(part, np.clip(line, 0, 1) * (0.95 if feminine else 0.8), colour, flat),
        Layer(part, under * (0.38 if feminine else 0.26), colour, flat),
    ]


def brow_layers(a: Anatomy, traits: PersonTraits, x: Floats, y: Floats) -> list[Layer]:
    """Both brows, of strands that lean outwards."""
    part = near(np.abs(x), y, (3.3, a.brow_y), (2.6, 1.6))
    u, v = (np.abs(x[part]) - 1.25) / 3.9, y[part]
    arch = a.brow_arch * 2.2 * np.clip(u, 0, 1) * np.clip(1.12 - u, 0, 1) * (0.6 + u)
    centre = a.brow_y + 0.12 - 0.15 * u - 1.15 * arch + 0.62 * np.clip(u - 0.62, 0, 1) ** 1.3
    half = a.brow_half_thickness * (1.05 - 0.72 * np.clip(u, 0, 1) ** 1.6)
    strand = at(grain(43), (u * 3.9 + (v - centre) * 0.9) * 9, (v - centre) * 2.4 - u * 2)
    inside = 1 - np.abs(v - centre) / np.maximum(half, 0.03)
    alpha = step(-0.25, 0.55, inside + 0.22 * strand) * step(-0.05, 0.1, u) * step(1.06, 0.9, u)
    hair = np.array(traits.hair_colour, np.float32) / 255
    tone = np.minimum(hair * 0.75, 0.5) * (1 + 0.15 * strand)[:, None]
    return [Layer(part, 0.86 * alpha, tone, np.full(part.size, 0.1, np.float32))]
