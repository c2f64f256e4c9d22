"""Surfaces: the meshes of a head, its ears and its bust, as regular grids of points.

    Anatomy --head_mesh, ear_mesh, bust_mesh--> Mesh

A mesh has R rows from top to bottom and C columns around the vertical axis. Horizontal sections are
superellipses whose width, front and back follow curves over the height (a loft); the features of
the face are bumps and grooves on it. `paint` keeps each point's place before the bumps, so that
what is painted at (x, y) sits where the shape says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step

Material: TypeAlias = Literal["face", "bust", "ear", "hair"]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A grid of points.

    Attributes:
        material: what it is made of, which says how its paint is meant.
        points: float32 (R, C, 3), cm in the head's frame.
        paint: float32 (R, C, 3): x and y before the bumps, and the angle about the vertical axis in
            radians (0 faces the camera). An ear's: distance from its middle, angle, side.
        keep: float32 (R, C): points where it is below 0 are cut away.
        closed: whether the inside can never be seen.
        fineness: how many times finer it must be for a picture of 512 px.
    """

    material: Material
    points: Floats
    paint: Floats
    keep: Floats
    closed: bool = True
    fineness: float = 2.4


def curve(heights: Floats, knots: Sequence[tuple[float, float]], smooth: float = 0.9) -> Floats:
    """A curve along (y, value) knots at `heights`: linear pieces, blurred over `smooth` cm."""
    ys, values = zip(*knots, strict=True)
    step = 0.1
    fine = np.arange(ys[0] - 3, ys[-1] + 3, step, dtype=np.float32)
    line = np.interp(fine, ys, values).astype(np.float32)
    blurred = cv2.GaussianBlur(line[None], (0, 0), smooth / step, borderType=cv2.BORDER_REPLICATE)
    result: Floats = np.interp(heights, fine, blurred[0]).astype(np.float32)
    return result


def bump(x: Floats, y: Floats, at: tuple[float, float], size: tuple[float, float]) -> Floats:
    """A bell of height 1 at `at`, with half-widths `size`, in cm."""
    reach = ((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2
    return np.exp(-reach)


def columns(count: int, reach_deg: float) -> Floats:
    """Angles about the vertical axis, radians, denser at the front."""
    place = np.linspace(-1, 1, count, dtype=np.float32)
    result: Floats = np.radians(reach_deg) * (0.6 * place + 0.4 * place**3)
    return result


def section(angle: Floats, width: Floats, front: Floats, back: Floats, power: Floats) -> Floats:
    """Radius of a superellipse with the half-axes `width` and `front` or `back`, by angle."""
    depth = np.where(np.cos(angle) > 0, front, back)
    across, along = np.abs(np.sin(angle)) / width, np.abs(np.cos(angle)) / depth
    return (across**power + along**power) ** (-1 / power)


def cap(distance: Floats, reach: float, power: float = 2.0) -> Floats:
    """Closes a loft: 0 at its end, 1 from `reach` cm on."""
    inside = np.clip(1 - distance / reach, 0, 1)
    result: Floats = np.maximum(1 - inside**power, 1e-4) ** (1 / power)
    return result


def skull(anatomy: Anatomy, heights: Floats, angles: Floats, grow: float = 0.0) -> Floats:
    """Points (R, C, 3) of the head without its features, `grow` cm larger all around."""
    a = anatomy
    y, angle = heights[:, None], angles[None, :]
    share = curve(
        heights,
        [(-12, 0.96), (-8, 0.975), (-4, 1.0), (0, 0.97), (2.2, 0.945), (4.5, 0.86), (7, 0.745),
         (8.6, 0.62), (10.2, 0.44), (12.5, 0.3)],
    )  # fmt: skip
    jaw = curve(heights, [(1, 0), (4.5, 0.35), (7.2, 0.85), (8.6, 0.95), (10.3, 0.7), (12, 0.4)])
    full = curve(heights, [(0.5, 0), (3, 0.55), (5.5, 1.0), (7.5, 0.7), (9.5, 0)])
    front = curve(
        heights,
        [(-12, 7.6), (-8, 8.3), (-5, 8.85), (-2.5, 9.05), (0, 8.45), (2, 8.3), (4.5, 8.55),
         (7, 8.85), (8.5, 8.65), (10.2, 8.85), (12.5, 8.5)],
    )  # fmt: skip
    centre = curve(heights, [(3, 0), (6.5, 0.3), (8.2, 1.6), (9.6, 3.4), (11.5, 5.4)])
    back = curve(heights, [(-12, 8.6), (-2, 9.6), (3, 8.6), (7, 6.0), (9.5, 3.2), (12, 2.0)])
    power = curve(heights, [(-12, 2.05), (-4, 2.35), (1, 2.3), (5, 2.05), (8, 2.0), (12, 2.1)])
    closed = cap(heights - a.top, 9.0, 2.15) * cap(a.chin - heights, 1.7, 2.0)
    width = (a.half_width * share + jaw * a.jaw + full * a.cheek * 0.55) * closed + grow
    radius = section(
        angle,
        width[:, None],
        ((front - centre) * closed + grow)[:, None],
        (back * closed + grow)[:, None],
        power[:, None],
    )
    x, z = radius * np.sin(angle), radius * np.cos(angle) + centre[:, None]
    return np.stack([x, np.broadcast_to(y, x.shape), z], axis=2).astype(np.float32)


def head_heights(anatomy: Anatomy, count: int) -> Floats:
    """Row heights from crown to chin, denser at both ends, where the loft closes."""
    place = np.linspace(0, 1, count, dtype=np.float32)
    eased = 0.45 * place + 0.55 * (1 - np.cos(np.pi * place)) / 2
    result: Floats = anatomy.top + (anatomy.chin - anatomy.top) * eased
    return result


def head_mesh(anatomy: Anatomy, rows: int, cols: int) -> Mesh:
    """The head with its face, without hair and ears."""
    heights, angles = head_heights(anatomy, rows), columns(cols, 150)
    points = skull(anatomy, heights, angles)
    x, y = points[..., 0].copy(), points[..., 1].copy()
    front = np.clip(np.cos(angles) * 2.2 + 0.2, 0, 1)[None, :].astype(np.float32)
    out = _features(anatomy, np.abs(x), y) * front
    broad = _cheeks(anatomy, np.abs(x), y)
    points[..., 0] += broad * np.sin(angles)
    points[..., 2] += broad * np.cos(angles) + out
    angle = np.broadcast_to(angles[None, :], x.shape)
    paint = np.stack([x, y, angle], axis=2).astype(np.float32)
    return Mesh("face", points, paint, np.ones(x.shape, np.float32))


def _cheeks(a: Anatomy, x: Floats, y: Floats) -> Floats:
    """Broad forms that push outwards: cheekbones, cheeks, temples."""
    bones = 0.4 * bump(x, y, (5.1, 2.6), (2.1, 1.6))
    temples = -0.35 * bump(x, y, (6.6, -3.2), (1.6, 2.2))
    apples = (0.5 * a.smile + 0.35 * a.cheek) * bump(x, y, (3.9, 3.7), (1.6, 1.4))
    hollows = (-0.35 * a.age - 0.05 + 0.5 * a.cheek) * bump(x, y, (4.9, 6.3), (1.5, 1.8))
    result: Floats = bones + temples + apples + hollows
    return result


def _features(a: Anatomy, x: Floats, y: Floats) -> Floats:
    """What stands out towards the camera (cm), for the half of the face where x is positive."""
    return _brow_and_eye(a, x, y) + _nose(a, x, y) + _mouth(a, x, y)


def _brow_and_eye(a: Anatomy, x: Floats, y: Floats) -> Floats:
    ridge = (0.25 + a.brow_ridge) * bump(x, y, (2.6, -2.0), (2.4, 0.85))
    glabella = 0.2 * bump(x, y, (0, -1.9), (1.0, 1.0))
    socket = -0.95 * bump(x, y, (a.eye_x - 0.2, 0.0), (1.75, 1.25))
    inner = -0.35 * bump(x, y, (1.5, 0.1), (0.55, 0.9))
    ball = 0.62 * bump(x, y, (a.eye_x, 0.05), (1.25, 0.95))
    lid = 0.16 * bump(x, y, (a.eye_x + 0.1, -0.85), (1.5, 0.32))
    bag = (0.06 + 0.14 * a.age) * bump(x, y, (a.eye_x, 1.15), (1.2, 0.3))
    trough = -(0.08 + 0.14 * a.age) * bump(x, y, (a.eye_x - 0.5, 1.65), (1.5, 0.35))
    result: Floats = ridge + glabella + socket + inner + ball + lid + bag + trough
    return result


def _nose(a: Anatomy, x: Floats, y: Floats) -> Floats:
    base = a.nose_tip + 1.0
    down = np.clip((y + 0.9) / (a.nose_tip + 0.9), 0, 1)
    under = np.clip((base - y) / (base - a.nose_tip), 0, 1)
    height = (0.22 * down + 0.78 * down**1.5) * (under * (2 - under)) ** 0.6 * a.nose_out
    height = height + 0.25 * np.exp(-(((y - 1.0) / 1.3) ** 2)) * (a.nose_out - 1.7)
    half = 0.62 + 0.28 * down + 0.18 * (a.nose_half_width - 1.55)
    ridge = height * np.exp(-(np.abs(x / half / 1.05) ** 1.9))
    tip = 0.42 * bump(x, y, (0, a.nose_tip + 0.1), (0.85, 0.7))
    wing_at = (a.nose_half_width - 0.58, a.nose_tip + 0.28)
    wings = 0.8 * bump(x, y, wing_at, (0.6, 0.6))
    beside = -0.25 * bump(x, y, (a.nose_half_width + 0.35, a.nose_tip + 0.15), (0.3, 0.6))
    result: Floats = ridge + tip + wings + beside
    return result


def _mouth(a: Anatomy, x: Floats, y: Floats) -> Floats:
    line = a.mouth_y - a.corner_lift * (x / a.mouth_half_width) ** 2
    inside = np.clip(1 - (x / (a.mouth_half_width + 0.1)) ** 2, 0, 1)
    muzzle = 0.26 * bump(x, y, (0, 7.1), (3.0, 1.9))
    upper = 0.3 * inside * np.exp(-(((y - line + 0.55 * a.upper_lip + 0.1) / 0.42) ** 2))
    lower = 0.36 * inside * np.exp(-(((y - line - a.mouth_gap - 0.5 * a.lower_lip) / 0.5) ** 2))
    groove = -0.3 * inside**0.5 * np.exp(-(((y - line - 0.5 * a.mouth_gap) / 0.16) ** 2))
    philtrum = -0.1 * bump(x, y, (0, 5.7), (0.3, 0.6))
    corner = (a.mouth_half_width + 0.15, a.mouth_y - a.corner_lift)
    corners = -0.28 * bump(x, y, corner, (0.45, 0.45))
    fold_x = 1.75 + (y - 4.4) * (0.5 + 0.12 * a.smile)
    along = np.exp(-(((y - 5.9) / 1.6) ** 2))
    fold = -(0.03 + 0.2 * a.age + 0.16 * a.smile) * along * np.exp(-(((x - fold_x) / 0.42) ** 2))
    below = -0.4 * bump(x, y, (0, 8.75 + 0.2 * a.mouth_gap), (1.7, 0.5))
    chin = (0.55 + a.chin_out) * bump(x, y, (0, a.chin - 1.25), (1.7, 1.05))
    result: Floats = muzzle + upper + lower + groove + philtrum + corners + fold + below + chin
    return result


def ear_mesh(anatomy: Anatomy, side: int, rows: int, cols: int) -> Mesh:
    """One ear: a dished disc that stands off the head; `side` is -1 or +1 (the image's right)."""
    turn = np.linspace(-np.pi, np.pi, cols, dtype=np.float32)[None, :]
    out = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    shape = 1 + 0.1 * np.cos(turn - 0.6) - 0.05 * np.cos(2 * turn)
    up = 2.9 * out * shape * np.cos(turn)
    back = 1.75 * out * shape * np.sin(turn)
    rim = 0.5 * np.exp(-(((out - 0.88) / 0.13) ** 2)) * step(-2.6, -1.2, turn)
    fold = 0.35 * np.exp(-(((out - 0.56) / 0.13) ** 2)) * step(-0.5, 0.6, turn)
    tragus = 0.4 * np.exp(-((out - 0.62) ** 2) / 0.02 - (turn + 1.7) ** 2 / 0.12)
    x = (
        anatomy.half_width * 0.92
        + 0.05
        + 0.42 * back
        - 0.75 * np.clip(-up / 2.9, 0, 1)
        + rim
        + fold
        + tragus
    )
    x = side * (x - 0.9 * step(0.93, 1.0, out) * step(1.5, -0.5, np.abs(turn)))
    y, z = 2.0 - up, -1.0 - back + 0.15 * up
    points = np.stack(np.broadcast_arrays(x, y, z), axis=2).astype(np.float32)
    paint = np.stack(np.broadcast_arrays(out, turn, np.float32(side)), axis=2).astype(np.float32)
    keep = np.ones(points.shape[:2], np.float32)
    return Mesh("ear", points, paint, keep, closed=False, fineness=1.8)


def bust_mesh(anatomy: Anatomy, rows: int, cols: int) -> Mesh:
    """Neck and shoulders in one loft, from inside the head down past the picture."""
    a = anatomy
    angles = np.radians(np.linspace(-120, 120, cols, dtype=np.float32))
    neck, man = a.neck_half_width, (a.neck_half_width - 4.3) / 0.9
    wide = 19 + 3 * man
    knots = [
        (5, neck), (11, neck), (13.6, neck + 0.3), (15.2, neck + 2.2), (16.6, 0.5 * wide),
        (18.2, 0.78 * wide), (20.5, 0.95 * wide), (24, wide), (33, wide),
    ]  # fmt: skip
    fine = np.linspace(5, 24, 400, dtype=np.float32)
    length = np.cumsum(np.hypot(np.gradient(fine), np.gradient(curve(fine, knots))))
    heights = np.interp(np.linspace(length[0], length[-1], rows), length, fine).astype(np.float32)
    width = curve(heights, knots)
    front = curve(
        heights, [(5, 4.4), (12, 4.5), (15, 5.2), (17, 6.9), (20, 9.0), (25, 11), (33, 12)]
    )
    back = curve(heights, [(5, 5.5), (13, 6), (17, 8), (22, 10), (33, 11)])
    centre = curve(heights, [(5, -1.6), (12, -2.2), (16, -2.5), (20, -3), (33, -3)])
    power = curve(heights, [(5, 2.0), (14, 2.0), (18, 2.2), (33, 2.5)])
    angle = angles[None, :]
    radius = section(angle, width[:, None], front[:, None], back[:, None], power[:, None])
    x = radius * np.sin(angle)
    y = np.broadcast_to(heights[:, None], x.shape)
    z = radius * np.cos(angle) + centre[:, None]
    tendon = np.exp(-((np.abs(x) - 1.0 - 0.28 * (15.5 - y)) ** 2) / 0.8) * np.clip(
        1 - np.abs(y - 13) / 4, 0, 1
    )
    bones = np.exp(
        -((np.abs(x) - 3 - 0.9 * (y - 16)) ** 2) / 9 - ((y - 16.6 + 0.04 * np.abs(x)) / 0.7) ** 2
    )
    z = z + 0.3 * tendon * (np.cos(angle) > 0) + 0.35 * bones
    points = np.stack([x, y, z], axis=2).astype(np.float32)
    paint = np.stack([x, y, np.broadcast_to(angle, x.shape)], axis=2).astype(np.float32)
    return Mesh("bust", points, paint, np.ones(x.shape, np.float32), fineness=3.4)
