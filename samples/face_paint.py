"""Face paint: the colour and the gloss of the skin and of all that is drawn on it.

    places (x, y) on the face --paint_face--> colour (N, 3), gloss (N,)

Colours are sRGB on the scale 0-1, places are cm in the head's frame before the bumps. Each feature
is a layer: where it lies, how opaque it is, and its colour.
"""

from dataclasses import dataclass

import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step
from samples.beard import beard_area, beard_layers
from samples.eyes import brow_layers, eye_layers
from samples.grain import at, grain
from samples.hair import STRANDS, growth
from samples.layers import Layer, lay, near, shade
from samples.lips import mouth_layers
from samples.surface import bump
from samples.traits import PersonTraits


@dataclass(frozen=True, slots=True)
class Paint:
    """What a surface looks like before light falls on it: sRGB 0-1 (N, 3), gloss (N,)."""

    colour: Floats
    gloss: Floats


def paint_face(a: Anatomy, traits: PersonTraits, place: Floats, gaze: tuple[float, float]) -> Paint:
    """Paint the face at N places (N, 3): x, y, angle; `gaze` shifts the irises (cm right, down)."""
    x, y, angle = place.T.copy()
    colour = _skin(a, traits, x, y)
    gloss = _gloss(x, y, a)
    layers = [
        *_scalp(a, traits, y, angle),
        *_lines(a, traits, x, y),
        *_freckles(traits, x, y),
        *_nostrils(a, traits, x, y),
        *beard_layers(a, traits, x, y),
        *mouth_layers(a, traits, x, y),
        *eye_layers(a, traits, x, y, gaze),
        *brow_layers(a, traits, x, y),
    ]
    for layer in layers:
        lay(colour, gloss, layer)
    return Paint(colour=colour, gloss=gloss)


def _skin(a: Anatomy, traits: PersonTraits, x: Floats, y: Floats) -> Floats:
    base = np.array(traits.skin, np.float32) / 255
    across = np.abs(x)
    colour = np.tile(base, (x.size, 1))
    pale = float(base.mean())
    blush = 0.75 * bump(across, y, (4.4, 3.2), (2.0, 1.6)) + 0.5 * bump(
        across, y, (0, a.nose_tip), (1.5, 1.0)
    )
    blush = blush + 0.3 * bump(across, y, (0, a.chin - 1.2), (1.6, 1.0))
    red = np.array([0.02, -0.075, -0.065], np.float32) * pale
    colour += blush[:, None] * red
    hollow = bump(across, y, (a.eye_x - 0.5, 1.1), (1.5, 0.6)) * (0.5 + 0.5 * a.age)
    lid = bump(across, y, (a.eye_x, -0.75), (1.7, 0.6))
    colour *= 1 - (0.10 * hollow + 0.07 * lid)[:, None] * np.array([0.8, 1.1, 1.0], np.float32)
    mottle = at(grain(11), x * 1.1 + 40, y * 1.1) + 0.6 * at(grain(12), x * 4, y * 4)
    pores = at(grain(13), x * 14, y * 14)
    colour *= (1 + 0.013 * mottle + 0.011 * pores * (0.6 + 0.8 * a.age))[:, None]
    if traits.presentation == "masculine":
        shadow = 0.07 * beard_area(a, across, y, soft=2.2)
        colour *= 1 - shadow[:, None] * np.array([1.0, 0.8, 0.6], np.float32)
    return colour


def _scalp(a: Anatomy, traits: PersonTraits, y: Floats, angle: Floats) -> list[Layer]:
    """Roots: the scalp takes the colour of the hair, thinning out at the hairline."""
    if traits.hair_style == "bald":
        return []
    part = np.flatnonzero(y < 3)
    inside = growth(a, traits, y[part], angle[part])
    roots = at(grain(STRANDS + 1), angle[part] * 70, y[part] * 1.2)
    alpha = 0.85 * step(-0.35, 0.7, inside + 0.2 * roots)
    hair = np.array(traits.hair_colour, np.float32) / 255 * 0.8
    colour = np.broadcast_to(hair, (part.size, 3))
    return [Layer(part, alpha, colour, np.full(part.size, 0.05, np.float32))]


def _gloss(x: Floats, y: Floats, a: Anatomy) -> Floats:
    across = np.abs(x)
    oily = bump(across, y, (0, a.nose_tip - 0.3), (1.2, 1.8)) + 0.6 * bump(
        across, y, (0, -4.5), (3.5, 2.0)
    )
    return (0.3 + 0.35 * oily + 0.25 * bump(across, y, (4.6, 2.3), (1.6, 1.2))).astype(np.float32)


def _lines(a: Anatomy, traits: PersonTraits, x: Floats, y: Floats) -> list[Layer]:
    """Lines of age and of a smile, as soft shadows."""
    layers = []
    across = np.abs(x)
    side = near(across, y, (2.6, 5.9), (2.0, 2.8))
    fold_x = 1.75 + (y[side] - 4.4) * (0.5 + 0.12 * a.smile)
    fold = np.exp(-(((across[side] - fold_x) / 0.16) ** 2) - ((y[side] - 5.8) / 1.25) ** 2)
    layers.append(shade(traits.skin, side, fold * (0.10 + 0.24 * a.age + 0.16 * a.smile)))
    if a.age > 0.12:
        brow = near(x, y, (0, -4.6), (5.5, 2.4))
        wave = y[brow] + 0.18 * np.sin(x[brow] * 0.9 + a.age * 9) + 0.02 * x[brow] ** 2
        rows = np.exp(-(((wave + 4.7) % 0.95 - 0.48) ** 2) / 0.008)
        fade = bump(x[brow], y[brow], (0, -4.5), (3.4, 1.5))
        layers.append(shade(traits.skin, brow, rows * fade * 0.3 * a.age))
        crow = near(across, y, (a.eye_x + a.eye_half_width + 0.9, 0.1), (1.2, 1.2))
        u, v = across[crow] - a.eye_x - a.eye_half_width + 0.1, y[crow] - 0.05
        fan = np.exp(-((np.sin(np.arctan2(v, u) * 9) - 1) ** 2) / 0.12)
        reach = bump(u, v, (0.9, 0), (0.6, 0.6))
        layers.append(shade(traits.skin, crow, fan * reach * (0.28 * a.age + 0.1 * a.smile)))
    return layers


def _freckles(traits: PersonTraits, x: Floats, y: Floats) -> list[Layer]:
    if traits.freckles < 0.05:
        return []
    spots = step(1.25, 2.0, at(grain(17), x * 4.6, y * 4.6))
    where = bump(np.abs(x), y, (2.6, 2.6), (3.0, 1.8)) + 0.25
    return [shade(traits.skin, np.arange(x.size), 0.5 * traits.freckles * spots * where)]


def _nostrils(a: Anatomy, traits: PersonTraits, x: Floats, y: Floats) -> list[Layer]:
    wing = a.nose_half_width
    part = near(x, y, (0, a.nose_tip + 0.4), (2.8, 1.2))
    u, v = np.abs(x[part]), y[part]
    hole_v = v - (a.nose_tip + 0.8) - 0.25 * (u - 0.5 * wing)
    hole = step(1.3, 0.3, ((u - 0.44 * wing) / (0.24 * wing)) ** 2 + (hole_v / 0.17) ** 2)
    turn = np.arctan2(v - a.nose_tip - 0.2, u - wing + 0.55)
    ring = np.hypot((u - wing + 0.55) / 0.62, (v - a.nose_tip - 0.2) / 0.62)
    crease = np.exp(-(((ring - 1) / 0.16) ** 2)) * step(-1.9, -0.3, turn) * step(2.4, 1.2, turn)
    under = bump(u, v, (0, a.nose_tip + 1.05), (1.1, 0.22))
    return [
        shade(traits.skin, part, 0.42 * crease + 0.28 * under),
        shade(traits.skin, part, 0.85 * hole, depth=1.5),
    ]
