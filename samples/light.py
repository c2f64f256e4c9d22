"""Light: a soft key light, a dimmer fill from the other side, and the sky.

    depth, normals, paint --> colour in linear light

Shadows and the darkening of hollows come from the depth picture alone (screen space): a point lies
in shadow when, walking from it towards the light, something is nearer to the camera than the path.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from samples.arrays import Floats, step
from samples.pose import HEIGHT_CM
from samples.raster import FAR


class Lit(Protocol):
    """What light needs to know of N pixels: (N, 3) normals, (N,) shares of key light and sky."""

    @property
    def normal(self) -> Floats:
        """Unit vectors that face the camera."""
        ...

    @property
    def reach(self) -> Floats:
        """Share of the key light that arrives."""
        ...

    @property
    def open(self) -> Floats:
        """Share of the sky that arrives."""
        ...


@dataclass(frozen=True, slots=True)
class Lamp:
    """The key light: direction towards it (unit vector: right, down, to the camera), strengths."""

    key: tuple[float, float, float]
    fill: tuple[float, float, float]
    key_colour: tuple[float, float, float]
    sky_colour: tuple[float, float, float]


def lamp(light_deg: float, warmth: float) -> Lamp:
    """A key light `light_deg` to the image's right of the camera, 32 degrees up."""
    turn, up = np.radians(light_deg), np.radians(32)
    key = (float(np.sin(turn) * np.cos(up)), -float(np.sin(up)), float(np.cos(turn) * np.cos(up)))
    side = -1.0 if light_deg >= 0 else 1.0
    fill = (0.85 * side, -0.1, 0.52)
    return Lamp(
        key=key,
        fill=fill,
        key_colour=(0.96 + 0.05 * warmth, 0.93, 0.88 - 0.07 * warmth),
        sky_colour=(0.40, 0.415, 0.43 + 0.02 * warmth),
    )


def shadows(depth: Floats, light: Lamp) -> Floats:
    """How much of the key light reaches each pixel, (S, S), 0 to 1."""
    side = depth.shape[0]
    half = cv2.resize(depth, (side // 2, side // 2), interpolation=cv2.INTER_NEAREST)
    scale = half.shape[0] / HEIGHT_CM
    hidden = np.zeros_like(half)
    for reach in (0.5, 0.9, 1.5, 2.3, 3.3, 4.6, 6.2, 8.5):
        shift = np.array(
            [[1, 0, light.key[0] * reach * scale], [0, 1, light.key[1] * reach * scale]], np.float32
        )
        there = cv2.warpAffine(
            half,
            shift,
            half.shape[::-1],
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderValue=FAR,
        )
        over = there - half - light.key[2] * reach
        hit = step(0.05, 0.45, over) * step(9.0, 5.0, over)
        np.maximum(hidden, hit, out=hidden)
    hidden = cv2.GaussianBlur(hidden, (0, 0), 0.32 * scale)
    return np.clip(1 - cv2.resize(hidden, (side, side)), 0, 1)


def openness(depth: Floats) -> Floats:
    """How open each pixel lies to the sky, (S, S), 0 to 1: hollows and creases are darker."""
    side = depth.shape[0]
    half = cv2.resize(depth, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    scale = half.shape[0] / HEIGHT_CM
    dark = np.zeros_like(half)
    for reach, strength in ((0.45, 0.55), (1.2, 0.30), (2.4, 0.13)):
        # A window cut at 1.8 deviations: what changes in one part must not reach the others.
        window = 2 * math.ceil(1.8 * reach * scale) + 1
        around = cv2.GaussianBlur(np.maximum(half, -12), (window, window), reach * scale)
        dark += np.clip((around - half) * strength / reach**0.5, 0, 0.45)
    dark = cv2.GaussianBlur(dark, (0, 0), 0.12 * scale)
    return np.clip(1 - cv2.resize(dark, (side, side)), 0.25, 1)


def light_skin(colour: Floats, gloss: Floats, spot: Lit, light: Lamp) -> Floats:
    """Linear light (N, 3) from skin: red light travels further under it, so shadows turn warm."""
    albedo = np.square(np.clip(colour, 0, 1.1))
    toward = spot.normal @ np.array(light.key, np.float32)
    wrap = np.array([0.34, 0.2, 0.15], np.float32)
    diffuse = np.clip((toward[:, None] + wrap) / (1 + wrap), 0, 1)
    soft = np.stack([spot.reach**0.75, spot.reach, spot.reach**1.1], axis=1)
    hollow = np.stack([spot.open**0.8, spot.open, spot.open**1.1], axis=1)
    result: Floats = albedo * (
        diffuse * soft * np.array(light.key_colour, np.float32)
        + _ambient(spot.normal, light) * hollow
    )
    shine = _shine(spot.normal, light, 14.0) * 0.10 + _shine(spot.normal, light, 60.0) * 0.2
    result += (gloss * spot.reach * shine)[:, None]
    return result


def light_hair(colour: Floats, strand: Floats, spot: Lit, light: Lamp) -> Floats:
    """Linear light (N, 3) from hair whose strands run along `strand`.

    The highlight is that of a thin cylinder (Kajiya and Kay 1989, section 3.2).
    """
    albedo = np.square(np.clip(colour, 0, 1))
    key = np.array(light.key, np.float32)
    half = key + np.array([0, 0, 1], np.float32)
    half = half / np.linalg.norm(half)
    along_key, along_half = strand @ key, strand @ half
    facing = np.clip((spot.normal @ key - 0.4 * key[1]) * 0.6 + 0.3, 0, 1)
    diffuse = np.sqrt(np.clip(1 - along_key**2, 0, 1)) * 0.45 + facing * 0.6
    glint = np.clip(1 - along_half**2, 0, 1) ** 24 * facing
    body = (diffuse * spot.reach)[:, None] * np.array(light.key_colour, np.float32)
    result: Floats = albedo * (body + _ambient(spot.normal, light) * spot.open[:, None])
    result += (glint * spot.reach * spot.open)[:, None] * (0.035 + 0.4 * albedo)
    return result


def light_cloth(colour: Floats, spot: Lit, light: Lamp) -> Floats:
    """Linear light (N, 3) from matt cloth."""
    albedo = np.square(np.clip(colour, 0, 1))
    toward = np.clip(spot.normal @ np.array(light.key, np.float32), 0, 1)
    body = (toward * spot.reach)[:, None] * np.array(light.key_colour, np.float32)
    return albedo * (body + _ambient(spot.normal, light) * spot.open[:, None])


def _ambient(normal: Floats, light: Lamp) -> Floats:
    up = 0.8 - 0.3 * normal[:, 1]
    fill = np.clip(normal @ np.array(light.fill, np.float32), 0, 1) * 0.14
    return up[:, None] * np.array(light.sky_colour, np.float32) + fill[:, None]


def _shine(normal: Floats, light: Lamp, power: float) -> Floats:
    half = np.array(light.key, np.float32) + np.array([0, 0, 1], np.float32)
    half = half / np.linalg.norm(half)
    return np.clip(normal @ half, 0, 1) ** power
