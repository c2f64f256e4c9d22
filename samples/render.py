"""Rendering: one picture of one person.

    traits + smile -> measures -> meshes -> turned by yaw and pitch -> what each pixel sees
                                              -> paint -> light -> camera -> uint8 RGB

Everything is a function of the arguments: the same call gives the same pixels.
"""

import cv2
import numpy as np
import numpy.typing as npt

from samples.anatomy import Anatomy, measure
from samples.arrays import Floats
from samples.glasses import FRAME_COLOUR, frame_cover
from samples.hair import hair_meshes
from samples.light import lamp, openness, shadows
from samples.materials import Spot, bust_light, ear_light, face_light, hair_light
from samples.pose import rotation, turned, turned_mesh
from samples.raster import Seen, normals, rasterise, sample
from samples.scene import Scene, backdrop, choose_scene, dress, photograph
from samples.surface import Mesh, bust_mesh, ear_mesh, head_mesh
from samples.traits import PersonTraits

HEAD, BUST, LEFT_EAR, RIGHT_EAR, HAIR = range(5)
"""Order of the meshes; a bun follows the hair."""

OVERSAMPLE = 1.5
"""Pixels are computed finer than they are shown, which smooths outlines."""


def render(  # noqa: PLR0913  one argument for each thing a photographer decides
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
    anatomy = measure(traits, smile)
    head_turn = rotation(yaw_deg, pitch_deg)
    meshes = _pose(
        _build(anatomy, traits, scene), head_turn, rotation(0.3 * yaw_deg + scene.lean_deg, 0)
    )
    seen = rasterise(meshes, side_px)
    linear = backdrop(scene, side_px)
    gaze = (-0.85 * float(np.sin(np.radians(yaw_deg))), 0.85 * float(np.sin(np.radians(pitch_deg))))
    _shade(linear, meshes, seen, anatomy, traits, scene, light_deg, gaze)
    if traits.glasses != "none":
        cover = frame_cover(anatomy, traits, lambda line: turned(line, head_turn), seen.depth)
        linear += cover[..., None] * (np.square(np.array(FRAME_COLOUR, np.float32)) - linear)
    small = cv2.resize(linear, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return photograph(small, scene, seed)


def _build(anatomy: Anatomy, traits: PersonTraits, scene: Scene) -> list[Mesh]:
    """All meshes of a person at rest."""
    return [
        head_mesh(anatomy, rows=200, cols=200),
        dress(bust_mesh(anatomy, rows=110, cols=130), scene),
        ear_mesh(anatomy, -1, rows=40, cols=70),
        ear_mesh(anatomy, 1, rows=40, cols=70),
        *hair_meshes(anatomy, traits, rows=170, cols=200),
    ]


def _pose(meshes: list[Mesh], head_turn: Floats, body_turn: Floats) -> list[Mesh]:
    return [
        turned_mesh(mesh, body_turn if part == BUST else head_turn)
        for part, mesh in enumerate(meshes)
    ]


def _shade(  # noqa: PLR0913  all that light depends on
    linear: Floats,
    meshes: list[Mesh],
    seen: Seen,
    anatomy: Anatomy,
    traits: PersonTraits,
    scene: Scene,
    light_deg: float,
    gaze: tuple[float, float],
) -> None:
    """Write the light that comes from each seen point into `linear` (S, S, 3)."""
    light = lamp(light_deg, scene.warmth)
    reach, open_ = shadows(seen.depth, light), openness(seen.depth)
    for part, mesh in enumerate(meshes):
        where = np.nonzero(seen.part == part)
        if not where[0].size:
            continue
        row, col = seen.row[where], seen.col[where]
        normal = sample(normals(mesh.points), row, col)
        normal *= np.where(normal[:, 2] < 0, -1, 1)[:, None]
        spot = Spot(sample(mesh.paint, row, col), normal, reach[where], open_[where])
        if part == HEAD:
            linear[where] = face_light(anatomy, traits, spot, light, gaze)
        elif part == BUST:
            linear[where] = bust_light(traits, scene, spot, light)
        elif part < HAIR:
            linear[where] = ear_light(traits, spot, light)
        else:
            strands = np.gradient(mesh.points, axis=0).astype(np.float32)
            linear[where] = hair_light(traits, spot, sample(strands, row, col), light)
