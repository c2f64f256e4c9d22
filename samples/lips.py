"""Lips: two curves and the line between them, with teeth when the smile is broad."""

import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step
from samples.grain import at, grain
from samples.layers import Layer, Places, near, shade
from samples.traits import PersonTraits


def mouth_layers(a: Anatomy, traits: PersonTraits, x: Floats, y: Floats) -> list[Layer]:
    """Lips, the line between them, the open mouth and its corners."""
    part = near(x, y, (0, a.mouth_y + 0.2), (a.mouth_half_width + 1.2, 2.6))
    u, v = x[part] / a.mouth_half_width, y[part]
    inside = np.clip(1 - u * u, 0, 1)
    line = a.mouth_y - a.corner_lift * u * u - 0.05 * np.cos(u * 7) * inside
    bow = 1 - 0.2 * np.exp(-((u / 0.11) ** 2)) + 0.1 * np.exp(-(((np.abs(u) - 0.22) / 0.16) ** 2))
    gap = a.mouth_gap * inside**0.75
    upper_edge = line - a.upper_lip * inside**0.7 * bow
    lower_edge = line + gap + a.lower_lip * inside**0.62
    soft = 0.09
    on_lips = step(-soft, soft, v - upper_edge) * step(-soft, soft, lower_edge - v)
    on_lips = on_lips * step(1.03, 0.97, np.abs(u))
    feminine = traits.presentation == "feminine"
    skin = np.array(traits.skin, np.float32) / 255
    rose = np.array([0.74, 0.24, 0.28] if feminine else [0.64, 0.30, 0.28], np.float32)
    lip = skin * 0.46 + rose * (0.27 + 0.3 * float(skin.mean()))
    grooves = at(grain(31), x[part] * 9, v * 0.8)
    upper = step(0.1, -0.1, v - line - 0.5 * gap)
    tone = lip * (1 - 0.18 * upper + 0.035 * grooves)[:, None]
    below = np.exp(-(((v - lower_edge - 0.28) / 0.2) ** 2)) * step(0.9, 0.4, np.abs(u))
    width = 0.075 + 0.03 * (1 - np.abs(u))
    between = np.exp(-(((v - line - 0.5 * gap) / width) ** 2)) * step(1.08, 0.93, np.abs(u))
    corner = np.exp(
        -(((np.abs(u) - 1.0) / 0.07) ** 2) - ((v - a.mouth_y + a.corner_lift) / 0.2) ** 2
    )
    layers = [
        shade(traits.skin, part, 0.3 * below),
        Layer(
            part, on_lips * (0.92 if feminine else 0.72), tone, np.full(part.size, 0.75, np.float32)
        ),
        shade(traits.skin, part, 0.75 * between + 0.55 * corner, depth=1.3),
    ]
    if a.mouth_gap > 0:
        layers.append(_open_mouth(a, part, u, v - line, gap))
    return layers


def _open_mouth(a: Anatomy, part: Places, u: Floats, below: Floats, gap: Floats) -> Layer:
    """Upper teeth between the lips, darker towards the corners."""
    open_here = step(-0.03, 0.06, below - 0.02) * step(-0.03, 0.06, gap - below - 0.02)
    teeth = step(0.62, 0.5, below / np.maximum(a.mouth_gap, 0.05) * 0.75)
    seams = 1 - 0.10 * np.exp(-(((u * 3.6) % 1 - 0.5) ** 2) / 0.006)
    light = (0.86 - 0.42 * u * u - 0.2 * step(0.25, 0.0, below)) * seams
    ivory = light[:, None] * np.array([1.0, 0.96, 0.9], np.float32)
    dark = np.array([0.22, 0.07, 0.07], np.float32)
    return Layer(
        part,
        open_here * step(0.0, 0.12, gap),
        dark + teeth[:, None] * (ivory - dark),
        np.full(part.size, 0.6, np.float32),
    )
