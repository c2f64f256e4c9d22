"""Hair: a shell around the skull with an opening for the face, cut to one of the styles.

    Anatomy + PersonTraits --hair_meshes--> shell (and bun)

Points of the shell whose `keep` is below 0 are cut away: above the hairline and beyond the sides of
the face there is hair, and it ends at the style's length. Random strands ruffle those edges.
"""

from dataclasses import dataclass

import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step
from samples.grain import at, grain
from samples.surface import Mesh, columns, skull
from samples.traits import PersonTraits

STRANDS = 71
"""Seed of the texture that strands share between pictures: hair is part of a person."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A hair style, cm and degrees.

    Attributes:
        top, side: thickness of the hair on top and at the sides.
        end: height at which it ends; short cuts leave the ears free.
        rise: how far from the hairline it takes to reach its thickness.
        opening: (cm below the hairline, half-angle of the face's opening) pairs.
        part_deg: angle of the parting; the opening leans to that side at the forehead.
        fringe: how far hair falls over the forehead.
        curl: height of curls.
        flare: how much wider than the head it is at its end.
        waves: height of waves that run down the hair.
        sweep: how far strands run sideways, radians for each cm down.
    """

    top: float
    side: float
    end: float
    rise: float
    opening: tuple[tuple[float, float], ...]
    part_deg: float = 0
    fringe: float = 0.0
    curl: float = 0.0
    flare: float = 0.0
    sweep: float = 0.0
    waves: float = 0.0
    free_ears: bool = False


_CROP = ((0, 0), (0.25, 24), (0.9, 36), (2.0, 45), (3.2, 50), (5.0, 58), (7.5, 64))
_ROUND = ((0, 0), (0.2, 20), (0.8, 36), (2.0, 50), (4.0, 60), (6.5, 65))
_FRINGE = ((0, 0), (0.15, 25), (0.5, 40), (1.5, 50), (4, 53), (9, 49), (13, 52))
_CURTAIN = ((0, 0), (0.6, 14), (1.8, 30), (3.5, 43), (6.0, 52), (9.0, 54), (13, 50), (25, 48))
_ASIDE = ((0, 0), (0.5, 22), (1.6, 40), (3.0, 50), (6.0, 54), (12, 50), (16, 52))

CUTS = {
    "cropped": Cut(0.3, 0.2, 6, 1.5, _CROP, free_ears=True),
    "short": Cut(1.3, 0.45, 6, 4.6, _CROP, part_deg=5, sweep=0.05, free_ears=True),
    "parted": Cut(2.0, 0.6, 6, 4.2, _CROP, part_deg=22, sweep=0.16, free_ears=True),
    "curly": Cut(2.4, 1.7, 5.5, 2.0, _ROUND, curl=0.75),
    "bob": Cut(1.3, 1.4, 8.5, 1.0, _FRINGE, fringe=2.6, flare=0.9),
    "long": Cut(1.2, 1.2, 18, 1.2, _CURTAIN, part_deg=8, flare=1.8),
    "waves": Cut(
        1.5, 1.6, 13, 1.2, _ASIDE, part_deg=26, fringe=0.6, flare=1.5, waves=0.3, sweep=0.05
    ),
    "bun": Cut(0.6, 0.35, 6, 3.5, _ROUND, free_ears=True),
}


def hair_meshes(anatomy: Anatomy, traits: PersonTraits, rows: int, cols: int) -> list[Mesh]:
    """The shell, and for a bun that too; nothing for a bald head."""
    if traits.hair_style == "bald":
        return []
    cut = CUTS[traits.hair_style]
    meshes = [_shell(anatomy, traits, cut, rows, cols)]
    if traits.hair_style == "bun":
        meshes.append(_bun(anatomy, rows // 3, cols // 3))
    return meshes


def _shell(a: Anatomy, traits: PersonTraits, cut: Cut, rows: int, cols: int) -> Mesh:
    place = np.linspace(0, 1, rows, dtype=np.float32)
    heights = a.top + 0.002 + (cut.end + 1.6 - a.top) * place ** (1.7 if cut.end > 10 else 1.35)
    angles = columns(cols, 165)
    points = skull(a, np.minimum(heights, 2.0), angles)
    points[..., 1] = heights[:, None]
    y, angle = np.broadcast_arrays(heights[:, None], angles[None, :])
    keep = growth(a, traits, y, angle)
    thick = _thickness(a, traits, cut, y, angle)
    thick = np.maximum(thick * np.clip((keep + 0.2) / cut.rise, 0, 1) ** 0.9, 0.06)
    low = step(2, 14, y) * cut.flare
    points[..., 0] += np.sin(angle) * (thick + low)
    points[..., 2] += np.cos(angle) * (thick + 0.4 * low) * step(1.5, 0.2, np.abs(angle) - 0.9)
    points[..., 1] -= thick * step(-4.5, a.top, y)
    flow = angle + cut.sweep * (y - a.top)
    strands = at(grain(STRANDS), flow * 46, y * 0.3) + 0.7 * at(
        grain(STRANDS + 1), flow * 110, y * 0.4
    )
    ragged = 0.3 if cut.end < 10 else 0.12
    paint = np.stack([flow, y, keep], axis=2).astype(np.float32)
    edge = (keep + ragged * strands).astype(np.float32)
    return Mesh("hair", points, paint, edge, closed=False, fineness=2.8)


def growth(a: Anatomy, traits: PersonTraits, y: Floats, angle: Floats) -> Floats:
    """How far inside the hair a point of the head lies, about cm; below 0 there is none."""
    cut = CUTS[traits.hair_style]
    line = a.hairline + cut.fringe
    lean = np.radians(cut.part_deg) * step(line + 5, line - 1, y)
    below, half = zip(*cut.opening, strict=True)
    opening = np.radians(np.interp((y - line).ravel(), below, half)).reshape(y.shape)
    apart = np.hypot(angle - lean, 0.1)  # round, so that the hairline has no peak
    keep = (apart - opening) * 7.5 + np.clip(line - y, 0, None)
    if cut.free_ears:
        turn = np.degrees(np.abs(angle)).ravel()
        ears = np.interp(turn, [60, 74, 80, 114, 138, 160], [1.8, 1.4, -2.4, -2.4, 4, 5])
        end: Floats = ears.reshape(y.shape)
    else:
        end = cut.end + 0.5 * at(grain(STRANDS + 6), angle * 5, 0 * y)
    inside: Floats = np.minimum(keep, (end - y) * 1.2).astype(np.float32)
    return inside


def _thickness(a: Anatomy, traits: PersonTraits, cut: Cut, y: Floats, angle: Floats) -> Floats:
    share = step(-2.0, a.top + 1.5, y)
    thick = (cut.side + (cut.top - cut.side) * share) * (1 + 0.3 * traits.hair_volume)
    if cut.part_deg:
        beside = np.abs(angle - np.radians(cut.part_deg) * step(2, -6, y))
        furrow = step(0.7, 0.0, beside + step(-7, -2, y)) * step(a.top, a.top + 4, y)
        thick = thick * (1 - 0.38 * furrow)
    if cut.curl:
        lumps = at(grain(STRANDS + 2), angle * 7.5, y * 1.1) + 0.6 * at(
            grain(STRANDS + 3), angle * 17, y * 2.3
        )
        thick = thick + cut.curl * 0.55 * lumps
    if cut.waves:
        bend = np.sin(1.5 * y + 2.2 * at(grain(STRANDS + 7), angle * 5, y * 0.15))
        thick = thick + cut.waves * bend * step(-6, 0, y)
    locks = at(grain(STRANDS + 4), (angle + cut.sweep * y) * 9, y * 0.22)
    return np.maximum(thick + 0.22 * locks * min(cut.side, 1.0), 0.08)


def _bun(a: Anatomy, rows: int, cols: int) -> Mesh:
    polar = np.linspace(0.01, np.pi - 0.01, rows, dtype=np.float32)[:, None]
    angle = np.linspace(-np.pi, np.pi, cols, dtype=np.float32)[None, :]
    x = 2.9 * np.sin(polar) * np.sin(angle)
    y = a.top - 0.9 - 2.3 * np.cos(polar) + 0 * angle
    z = -3.0 + 2.6 * np.sin(polar) * np.cos(angle)
    points = np.stack(np.broadcast_arrays(x, y, z), axis=2).astype(np.float32)
    swirl = np.broadcast_arrays(angle + 0.5 * polar, 4 * polar, np.float32(1.5) + 0 * angle)
    keep = np.ones(points.shape[:2], np.float32)
    return Mesh("hair", points, np.stack(swirl, axis=2).astype(np.float32), keep)
