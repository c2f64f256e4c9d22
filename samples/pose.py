"""Pose: turning the head's frame, and where a point of it lands in the picture."""

from dataclasses import replace

import numpy as np

from samples.arrays import Floats
from samples.surface import Mesh

NECK_CM = np.array([0.0, 7.0, -2.0], np.float32)
"""The head turns about the top of the neck."""

CAMERA_CM = 150.0
"""Distance of the camera from the head: a portrait lens, with a little perspective."""

HEIGHT_CM = 37.0
"""What the picture's height shows at the distance of the head."""

CENTRE_Y_CM = 2.4
"""Height of the picture's middle, below the eyes."""


def rotation(yaw_deg: float, pitch_deg: float) -> Floats:
    """The matrix (3, 3): positive yaw faces the image's right, positive pitch looks up."""
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    about_y = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    about_x = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    turn: Floats = (np.array(about_y) @ np.array(about_x)).astype(np.float32)
    return turn


def turned(points: Floats, turn: Floats) -> Floats:
    """Points (..., 3) turned about the neck."""
    result: Floats = (points - NECK_CM) @ turn.T + NECK_CM
    return result


def turned_mesh(mesh: Mesh, turn: Floats) -> Mesh:
    """The mesh turned about the neck; its paint stays."""
    return replace(mesh, points=turned(mesh.points, turn))


def project(points: Floats, side_px: int) -> tuple[Floats, Floats]:
    """Pixel coordinates (x, y) of points (..., 3) in a picture of `side_px`."""
    scale = side_px / HEIGHT_CM * CAMERA_CM / (CAMERA_CM - points[..., 2])
    x = side_px / 2 + points[..., 0] * scale
    y = side_px / 2 + (points[..., 1] - CENTRE_Y_CM) * scale
    return x, y
