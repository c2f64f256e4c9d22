"""Materials: what skin, ears, hair and clothes send to the camera.

Spot (what pixels see) --paint, then light--> linear light (N, 3)
"""

from dataclasses import dataclass

import numpy as np

from samples.anatomy import Anatomy
from samples.arrays import Floats, step
from samples.face_paint import paint_face
from samples.grain import at, grain
from samples.hair import STRANDS
from samples.light import Lamp, light_cloth, light_hair, light_skin
from samples.scene import Scene, cloth_colour, cloth_start
from samples.surface import Material
from samples.traits import PersonTraits


@dataclass(frozen=True, slots=True)
class Sitting:
    """Who sits for the picture, and under what circumstances.

    Attributes:
        gaze: shift of the irises (cm right, down) that makes the eyes look at the camera.
    """

    traits: PersonTraits
    anatomy: Anatomy
    scene: Scene
    light: Lamp
    gaze: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """What N pixels see of one mesh.

    Attributes:
        material: of the mesh.
        paint: (N, 3), the mesh's paint coordinates.
        normal: (N, 3), unit vectors that face the camera.
        strand: (N, 3), down the mesh's rows: the way hair lies.
        reach: (N,), share of the key light that arrives.
        open: (N,), share of the sky that arrives.
    """

    material: Material
    paint: Floats
    normal: Floats
    strand: Floats
    reach: Floats
    open: Floats


def light_of(sitting: Sitting, spot: Spot) -> Floats:
    """Linear light (N, 3) that the camera gets from N pixels of one mesh."""
    table = {"face": _face, "bust": _bust, "ear": _ear, "hair": _hair}
    return table[spot.material](sitting, spot)


def _face(sitting: Sitting, spot: Spot) -> Floats:
    """The face with all that is drawn on it."""
    paint = paint_face(sitting.anatomy, sitting.traits, spot.paint, sitting.gaze)
    return light_skin(paint.colour, paint.gloss, spot, sitting.light)


def _ear(sitting: Sitting, spot: Spot) -> Floats:
    """An ear: skin, a little redder, dark in its bowl."""
    skin = np.array(sitting.traits.skin, np.float32) / 255 * np.array([1, 0.93, 0.92], np.float32)
    bowl = np.exp(-(((spot.paint[:, 0] - 0.3) / 0.3) ** 2))
    colour = skin * (1 - 0.3 * bowl)[:, None]
    return light_skin(colour, np.full(bowl.shape, 0.2, np.float32), spot, sitting.light)


def _bust(sitting: Sitting, spot: Spot) -> Floats:
    """Neck and clothes."""
    x, y, angle = spot.paint.T.copy()
    below = y - cloth_start(sitting.scene, x, angle)
    tan = np.array(sitting.traits.skin, np.float32) / 255 * np.array([0.98, 0.95, 0.94], np.float32)
    skin = tan * (1 + 0.012 * at(grain(11), x * 1.3, y * 1.3))[:, None]
    bare = light_skin(skin, np.full(x.size, 0.2, np.float32), spot, sitting.light)
    cloth = light_cloth(cloth_colour(sitting.scene, x, y, below), spot, sitting.light)
    result: Floats = bare + step(-0.06, 0.06, below)[:, None] * (cloth - bare)
    return result


def _hair(sitting: Sitting, spot: Spot) -> Floats:
    """Hair along its strands, darker at its roots."""
    angle, y, keep = spot.paint.T.copy()
    fine = at(grain(STRANDS + 5), angle * 95, y * 0.5)
    wide = at(grain(STRANDS), angle * 46, y * 0.35)
    if sitting.traits.hair_style == "curly":
        fine = at(grain(STRANDS + 2), angle * 22, y * 3) + 0.7 * fine
    tone = np.clip(0.86 + 0.17 * fine + 0.12 * wide, 0.3, 1.5) * (0.72 + 0.28 * step(0, 1.2, keep))
    colour = np.array(sitting.traits.hair_colour, np.float32) / 255 * tone[:, None]
    length = np.linalg.norm(spot.strand, axis=1, keepdims=True)
    return light_hair(colour, spot.strand / np.maximum(length, 1e-6), spot, sitting.light)
