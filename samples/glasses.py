"""Glasses: frames drawn as lines in space, over the finished head."""

import cv2
import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats
from samples.pose import HEIGHT_CM, project, turned
from samples.traits import PersonTraits


def frame_lines(a: Anatomy, traits: PersonTraits) -> list[Floats]:
    """Closed rims, the bridge and the arms as lines of points (K, 3) in the head's frame."""
    if traits.glasses == "none":
        return []
    turn = np.linspace(0, 2 * np.pi, 64, dtype=np.float32)
    power = 1.0 if traits.glasses == "round" else 0.62
    half_x, half_y = (2.35, 2.1) if traits.glasses == "round" else (2.65, 1.75)
    across = half_x * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
    down = half_y * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
    lines = []
    for side in (-1, 1):
        x = side * (a.eye_x + 0.15) + across
        z = 10.0 - 0.055 * x**2
        lines.append(np.stack([x, 0.45 + down, z], axis=1))
        share = np.linspace(0, 1, 14, dtype=np.float32)
        arm_x = side * (a.eye_x + half_x + 0.15 + share * (a.half_width - a.eye_x - half_x - 0.3))
        lines.append(np.stack([arm_x, -0.3 - 0.2 * share, 7.9 - 7.4 * share], axis=1))
    gap = a.eye_x + 0.15 - half_x
    arc = np.linspace(-1, 1, 12, dtype=np.float32)
    bridge = np.stack([arc * gap, -0.25 - 0.35 * (1 - arc**2), 10.05 + 0.1 * (1 - arc**2)], axis=1)
    return [*(line.astype(np.float32) for line in lines), bridge.astype(np.float32)]


def frame_cover(a: Anatomy, traits: PersonTraits, turn: Floats, depth: Floats) -> Floats:
    """Coverage (S, S), 0 to 1, of the turned frame where nothing in `depth` lies before it."""
    side_px = depth.shape[0]
    mask = np.zeros((side_px, side_px), np.uint8)
    width_px = max(1, round(0.3 * side_px / HEIGHT_CM))
    for line in frame_lines(a, traits):
        points = turned(line, turn)
        x, y = project(points, side_px)
        there = depth[y.astype(int).clip(0, side_px - 1), x.astype(int).clip(0, side_px - 1)]
        seen = there < points[:, 2] + 1.0
        ends = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
        for first in np.flatnonzero(seen[:-1] & seen[1:]):
            cv2.line(mask, ends[first], ends[first + 1], 255, width_px, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255
