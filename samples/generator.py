"""Made-up people: `make_person(seed)` invents one, `render(traits, ...)` takes their picture.

    traits + smile -> measures -> meshes -> turned by yaw and pitch -> what each pixel sees
                                                 -> paint -> light -> camera -> uint8 RGB

Everything is a function of the arguments: the same call gives the same pixels.
"""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from samples.anatomy import Anatomy, measure
from samples.face_paint import paint_face
from samples.glasses import draw_frame
from samples.arrays import step
from samples.grain import at, grain
from samples.hair import STRANDS, hair_meshes
from samples.light import Lamp, lamp, light_cloth, light_hair, light_skin, openness, shadows
from samples.raster import HEIGHT_CM, Seen, normals, project, rasterise, sample
from samples.scene import Scene, backdrop, choose_scene, cloth_colour, cloth_start, photograph
from samples.arrays import Floats
from samples.surface import Mesh, bust_mesh, ear_mesh, head_mesh
from samples.traits import PersonTraits, make_person

__all__ = ["PersonTraits", "make_person", "render"]

HEAD, BUST, LEFT_EAR, RIGHT_EAR, HAIR = range(5)
PIVOT = np.array([0.0, 7.0, -2.0], np.float32)
"""The head turns about the top of the neck."""
OVERSAMPLE = 1.6


def render(  # noqa: PLR0913
    traits: PersonTraits,
    *,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    light_deg: float = 0.0,
    smile: float = 0.0,
    size_px: int = 320,
    seed: int = 0,
) -> npt.NDArray[np.uint8]:
    """A head-and-shoulders picture."""
    scene = choose_scene(seed)
    anatomy = measure(traits, smile)
    turn = rotation(yaw_deg, pitch_deg)
    side = 2 * round(size_px * OVERSAMPLE / 2)
    light = lamp(light_deg, scene.warmth)
    resting = [
        head_mesh(anatomy, 200, 200),
        dress(bust_mesh(anatomy, 110, 130), scene),
        ear_mesh(anatomy, -1, 40, 70),
        ear_mesh(anatomy, 1, 40, 70),
        *hair_meshes(anatomy, traits, 170, 200),
    ]
    body = rotation(0.3 * yaw_deg + scene.lean_deg, 0)
    meshes = [
        replace(m, points=turned(m.points, body if part == BUST else turn))
        for part, m in enumerate(resting)
    ]
    k = side / 512
    refine = [2.4 * k, 3.4 * k, 1.8 * k, 1.8 * k, *([2.8 * k] * (len(meshes) - HAIR))]
    seen = rasterise(meshes, refine, side)
    linear = backdrop(scene, side)
    reach, open_ = shadows(seen.depth, light), openness(seen.depth)
    gaze = (0.85 * np.sin(np.radians(-yaw_deg)), 0.85 * np.sin(np.radians(pitch_deg)))
    for part, mesh in enumerate(meshes):
        where = np.nonzero(seen.part == part)
        if not where[0].size:
            continue
        row, col = seen.row[where], seen.col[where]
        normal = sample(normals(mesh.points), row, col)
        normal *= np.where(normal[:, 2] < 0, -1, 1)[:, None]
        paint = sample(mesh.paint, row, col)
        r, o = reach[where], open_[where]
        if part == HEAD:
            p = paint_face(anatomy, traits, paint, gaze)
            linear[where] = light_skin(p.colour, p.gloss, normal, r, o, light)
        elif part == BUST:
            linear[where] = _bust(traits, scene, paint, normal, r, o, light)
        elif part < HAIR:
            skin = np.array(traits.skin, np.float32) / 255 * np.array([1, 0.93, 0.92], np.float32)
            inner = np.exp(-(((paint[:, 0] - 0.3) / 0.3) ** 2))
            c = skin * (1 - 0.3 * inner)[:, None]
            linear[where] = light_skin(c, np.full(r.size, 0.2, np.float32), normal, r, o * (1 - 0.3 * inner), light)
        else:
            strand = np.gradient(mesh.points, axis=0).astype(np.float32)
            strand /= np.maximum(np.linalg.norm(strand, axis=2, keepdims=True), 1e-6)
            linear[where] = _hair(traits, paint, sample(strand, row, col), normal, r, o, light)
    if traits.glasses != "none":
        mask = draw_frame(anatomy, traits, lambda line: turned(line, turn), seen.depth)
        frame = np.square(np.array([0.13, 0.10, 0.09], np.float32))
        linear += mask[..., None] * (frame - linear)
    small = cv2.resize(linear, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return photograph(small, scene, seed)


def _bust(traits, scene, paint, normal, reach, open_, light):
    x, y, angle = paint.T
    start = cloth_start(scene, x, angle)
    skin = np.tile(np.array(traits.skin, np.float32) / 255, (x.size, 1))
    skin *= (1 + 0.012 * at(grain(11), x * 1.3, y * 1.3))[:, None] * np.array([0.98, 0.95, 0.94], np.float32)
    bare = light_skin(skin, np.full(x.size, 0.2, np.float32), normal, reach, open_, light)
    cloth = light_cloth(cloth_colour(scene, x, y, y - start), normal, reach, open_, light)
    edge = step(-0.06, 0.06, y - start)[:, None]
    return bare + edge * (cloth - bare)


def _hair(traits, paint, strand, normal, reach, open_, light):
    angle, y, keep = paint.T
    fine = at(grain(STRANDS + 5), angle * 95, y * 0.5)
    wide = at(grain(STRANDS), angle * 46, y * 0.35)
    if traits.hair_style == "curly":
        fine = at(grain(STRANDS + 2), angle * 22, y * 3) + 0.7 * fine
    tone = 0.86 + 0.17 * fine + 0.12 * wide
    colour = np.array(traits.hair_colour, np.float32) / 255 * np.clip(tone, 0.3, 1.5)[:, None]
    colour *= (0.72 + 0.28 * step(0, 1.2, keep))[:, None]
    return light_hair(colour, strand, normal, reach, open_, light)


def dress(mesh: Mesh, scene: Scene) -> Mesh:
    x, y, angle = mesh.paint[..., 0], mesh.paint[..., 1], mesh.paint[..., 2]
    below = y - cloth_start(scene, x, angle)
    thick = 0.35 * step(-0.1, 0.25, below) + (0.5 * step(0, 0.6, below) if scene.neckline in ("collar", "jacket") else 0)
    points = mesh.points.copy()
    points[..., 0] += np.sin(angle) * thick
    points[..., 2] += np.cos(angle) * thick
    return Mesh(points, mesh.paint, mesh.keep)


def rotation(yaw_deg: float, pitch_deg: float) -> Floats:
    """Turns the head's frame: positive yaw faces the image's right, positive pitch looks up."""
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    about_y = np.array(
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]], np.float32
    )
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]],
        np.float32,
    )
    return about_y @ about_x


def turned(points: Floats, turn: Floats) -> Floats:
    return (points - PIVOT) @ turn.T + PIVOT
