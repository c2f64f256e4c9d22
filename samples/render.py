"""Rendering: one picture of one person.

    traits + smile -> measures -> meshes -> turned by yaw and pitch -> what each pixel sees
                                              -> paint -> light -> camera -> uint8 RGB

Everything is a function of the arguments: the same call gives the same pixels.
"""

import cv2
import numpy as np
import numpy.typing as npt

from samples.anatomy import measure
from samples.arrays import Floats, sample
from samples.glasses import frame_cover
from samples.hair import hair_meshes
from samples.light import lamp, openness, shadows
from samples.materials import Sitting, Spot, light_of
from samples.pose import rotation, turned_mesh
from samples.raster import Seen, normals, rasterise, strands
from samples.scene import backdrop, choose_scene, dress, photograph
from samples.surface import Mesh, bust_mesh, ear_mesh, head_mesh
from samples.traits import PersonTraits

EYE_CM = 0.85
"""How far irises move for a quarter turn: the eyes stay on the camera."""

OVERSAMPLE = 1.5
"""Pixels are computed finer than they are shown, which smooths outlines."""


def render(
    traits: PersonTraits,
    *,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    light_deg: float = 0.0,
    smile: float = 0.0,
    size_px: int = 320,
    seed: int = 0,
) -> npt.NDArray[np.uint8]:
    """Take a head-and-shoulders picture.

    Args:
        traits: who is shown.
        yaw_deg: turn of the head; positive faces the image's right. Made for -35 to 35.
        pitch_deg: positive looks up. Made for -15 to 15.
        light_deg: where the main light stands; positive is the image's right. Made for -60 to 60.
        smile: 0 none, 1 broad, with teeth.
        size_px: side of the square picture.
        seed: chooses what does not belong to the person: backdrop, clothes, camera.

    Returns:
        uint8 RGB (size_px, size_px, 3).
    """
    scene = choose_scene(seed)
    side_px = 2 * round(size_px * OVERSAMPLE / 2)
    sitting = Sitting(
        traits=traits,
        anatomy=measure(traits, smile),
        scene=scene,
        light=lamp(light_deg, scene.warmth),
        gaze=(-EYE_CM * _sine(yaw_deg), EYE_CM * _sine(pitch_deg)),
    )
    head_turn = rotation(yaw_deg, pitch_deg)
    body_turn = rotation(0.3 * yaw_deg + scene.lean_deg, 0)
    meshes = [
        turned_mesh(mesh, body_turn if mesh.material == "bust" else head_turn)
        for mesh in _build(sitting)
    ]
    seen = rasterise(meshes, side_px)
    linear = backdrop(scene, side_px)
    _shade(linear, meshes, seen, sitting)
    if traits.glasses != "none":
        cover = frame_cover(sitting.anatomy, traits, head_turn, seen.depth)
        frame = np.square(np.array(traits.frame_colour, np.float32) / 255)
        linear += cover[..., None] * (frame - linear)
    small = cv2.resize(linear, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return photograph(np.asarray(small, np.float32), scene, seed)


def _build(sitting: Sitting) -> list[Mesh]:
    """All meshes of a person at rest."""
    anatomy = sitting.anatomy
    return [
        head_mesh(anatomy, rows=200, cols=200),
        dress(bust_mesh(anatomy, rows=110, cols=130), sitting.scene),
        ear_mesh(anatomy, -1, rows=40, cols=70),
        ear_mesh(anatomy, 1, rows=40, cols=70),
        *hair_meshes(anatomy, sitting.traits, rows=170, cols=200),
    ]


def _shade(linear: Floats, meshes: list[Mesh], seen: Seen, sitting: Sitting) -> None:
    """Write the light that comes from each seen point into `linear` (S, S, 3)."""
    reach, open_ = shadows(seen.depth, sitting.light), openness(seen.depth)
    for part, mesh in enumerate(meshes):
        where = np.nonzero(seen.part == part)
        if not where[0].size:
            continue
        row, col = seen.row[where], seen.col[where]
        normal = sample(normals(mesh.points), row, col)
        normal *= np.where(normal[:, 2] < 0, -1, 1)[:, None]
        spot = Spot(
            material=mesh.material,
            paint=sample(mesh.paint, row, col),
            normal=normal,
            strand=sample(strands(mesh), row, col) if mesh.material == "hair" else normal,
            reach=reach[where],
            open=open_[where],
        )
        linear[where] = light_of(sitting, spot)


def _sine(angle_deg: float) -> float:
    return float(np.sin(np.radians(angle_deg)))
