"""Landmarks: where the face and its parts lie in a rendered picture, known and not detected.

traits + pose + smile --landmarks--> Landmarks, px
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from samples.anatomy import Anatomy, measure
from samples.arrays import Floats
from samples.pose import project, rotation, turned
from samples.surface import Mesh, head_mesh
from samples.traits import PersonTraits

Point: TypeAlias = tuple[float, float]
"""(x, y) in pixels."""


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A rectangle in pixels; a face's spans forehead to chin and cheek to cheek."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Where the parts of a face lie; left and right are the image's."""

    box: FaceBox
    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point


def landmarks(
    traits: PersonTraits,
    *,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    smile: float = 0.0,
    size_px: int = 320,
) -> Landmarks:
    """Where `render` with the same arguments puts the face, eyes, nose tip and mouth corners."""
    a = measure(traits, smile)
    head = head_mesh(a, rows=200, cols=200)
    turn = rotation(yaw_deg, pitch_deg)
    corner_y = a.mouth_y - a.corner_lift
    at = [
        (-a.eye_x, 0.0),
        (a.eye_x, 0.0),
        (0.0, a.nose_tip),
        (-a.mouth_half_width, corner_y),
        (a.mouth_half_width, corner_y),
    ]
    points = turned(np.stack([_on_surface(head, *place) for place in at]), turn)
    xs, ys = project(points, size_px)
    parts = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
    box = _box(head, a, turn, size_px)
    return Landmarks(box, parts[0], parts[1], parts[2], parts[3], parts[4])


def _on_surface(head: Mesh, x: float, y: float) -> Floats:
    """The point (3,) of the head that is painted as (x, y)."""
    away = (head.paint[..., 0] - x) ** 2 + (head.paint[..., 1] - y) ** 2
    away = np.where(np.abs(head.paint[..., 2]) < np.pi / 2, away, np.inf)
    point: Floats = head.points.reshape(-1, 3)[int(np.argmin(away))]
    return point


def _box(head: Mesh, a: Anatomy, turn: Floats, size_px: int) -> FaceBox:
    """The box about the front of the head from the middle of the forehead to the chin."""
    front = (head.paint[..., 1] > a.hairline + 1.5) & (np.abs(head.paint[..., 2]) < np.radians(75))
    x, y = project(turned(head.points[front], turn), size_px)
    left, top, right, bottom = (round(float(v)) for v in (x.min(), y.min(), x.max(), y.max()))
    return FaceBox(left, top, right - left, bottom - top)
