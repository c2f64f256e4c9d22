"""The scene: what changes from picture to picture of one person: backdrop, clothes, camera.

seed --choose_scene--> Scene
"""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from samples.arrays import Floats, step
from samples.grain import at, grain
from samples.surface import Mesh

Neckline = Literal["crew", "vee", "collar", "jacket", "roll"]

BACKDROPS = (
    (0.80, 0.80, 0.78), (0.62, 0.66, 0.70), (0.72, 0.66, 0.58), (0.46, 0.52, 0.50),
    (0.55, 0.60, 0.48), (0.40, 0.45, 0.55), (0.78, 0.72, 0.66), (0.34, 0.35, 0.38),
    (0.66, 0.72, 0.76), (0.60, 0.50, 0.44),
)  # fmt: skip
CLOTHS = (
    (0.16, 0.20, 0.30), (0.82, 0.81, 0.78), (0.42, 0.16, 0.18), (0.20, 0.34, 0.30),
    (0.55, 0.57, 0.60), (0.12, 0.12, 0.13), (0.62, 0.48, 0.30), (0.36, 0.46, 0.60),
    (0.70, 0.52, 0.50), (0.40, 0.40, 0.30), (0.30, 0.22, 0.36), (0.74, 0.66, 0.52),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture's circumstances; colours are sRGB on the scale 0-1.

    Attributes:
        warmth: colour of the light, -1 cool to 1 warm.
        exposure: factor on the light.
        noise: deviation of the camera's noise, in grey levels of 255.
        blur_cm: the lens's blur at the face.
    """

    backdrop: tuple[float, float, float]
    backdrop_seed: int
    outdoors: float
    cloth: tuple[float, float, float]
    second_cloth: tuple[float, float, float]
    neckline: Neckline
    stripes: bool
    warmth: float
    exposure: float
    noise: float
    blur_cm: float
    lean_deg: float


def choose_scene(seed: int) -> Scene:
    """The scene number `seed`."""
    rng = np.random.default_rng([seed, 5])
    necklines: tuple[Neckline, ...] = ("crew", "vee", "collar", "jacket", "roll")
    return Scene(
        backdrop=BACKDROPS[int(rng.integers(len(BACKDROPS)))],
        backdrop_seed=int(rng.integers(2**31)),
        outdoors=float(rng.random() ** 1.5),
        cloth=CLOTHS[int(rng.integers(len(CLOTHS)))],
        second_cloth=CLOTHS[int(rng.integers(len(CLOTHS)))],
        neckline=necklines[int(rng.integers(len(necklines)))],
        stripes=bool(rng.random() < 0.22),
        warmth=float(rng.uniform(-0.7, 0.8)),
        exposure=float(rng.uniform(0.94, 1.12)),
        noise=float(rng.uniform(1.0, 3.2)),
        blur_cm=float(rng.uniform(0.01, 0.045)),
        lean_deg=float(rng.uniform(-9, 9)),
    )


def backdrop(scene: Scene, side_px: int) -> Floats:
    """An out-of-focus background in linear light, float32 (S, S, 3)."""
    rng = np.random.default_rng(scene.backdrop_seed)
    small = 96
    base = np.array(scene.backdrop, np.float32)
    place = np.linspace(0, 1, small, dtype=np.float32)
    glow = np.exp(
        -((place[None, :] - rng.uniform(0.2, 0.8)) ** 2 + (place[:, None] - 0.35) ** 2) / 0.3
    )
    picture = base * (0.72 + 0.42 * glow[..., None])
    for _ in range(int(22 * scene.outdoors)):
        centre = (int(rng.integers(small)), int(rng.integers(small)))
        tint = base * rng.uniform(0.5, 1.5) + rng.uniform(-0.08, 0.08, 3)
        colour = tuple(float(v) for v in np.clip(tint, 0.03, 1))
        blob = picture.copy()
        if rng.random() < 0.4:
            corner = (centre[0] + int(rng.integers(6, 30)), centre[1] + int(rng.integers(20, 80)))
            cv2.rectangle(blob, centre, corner, colour, -1)
        else:
            cv2.circle(blob, centre, int(rng.integers(3, 12)), colour, -1, cv2.LINE_AA)
        picture += rng.uniform(0.25, 0.7) * (blob - picture)
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), rng.uniform(2.5, 6))
    large = cv2.resize(soft, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    return np.square(np.clip(large, 0, 1))


def cloth_start(scene: Scene, x: Floats, angle: Floats) -> Floats:
    """Height on the bust (cm) below which there is cloth."""
    front = np.cos(angle)
    across = np.abs(x)
    if scene.neckline == "roll":
        return np.full_like(x, 12.2) - 0.3 * front
    if scene.neckline == "crew":
        return 14.6 + 1.5 * np.clip(front, 0, 1) + 0.0 * across
    if scene.neckline == "vee":
        return 14.2 + np.clip(5.6 - 1.05 * across, 0, 8) * (front > 0)
    return 12.6 + np.clip(5.8 - 1.55 * across, 0, 8) * (front > 0)


def dress(bust: Mesh, scene: Scene) -> Mesh:
    """The bust, thicker where there is cloth, most at a collar."""
    x, y, angle = (bust.paint[..., axis] for axis in range(3))
    below = y - cloth_start(scene, x, angle)
    thick = 0.35 * step(-0.1, 0.25, below)
    if scene.neckline in ("collar", "jacket"):
        thick += 0.5 * step(0, 0.6, below)
    outwards = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=2)
    return replace(bust, points=bust.points + outwards * thick[..., None])


def cloth_colour(scene: Scene, x: Floats, y: Floats, below: Floats) -> Floats:
    """Colour (N, 3) of the clothes; `below` is how far a point lies under their edge (cm)."""
    base = np.array(scene.cloth, np.float32)
    colour = np.tile(base, (x.size, 1))
    if scene.stripes:
        band = step(-0.15, 0.15, np.sin(y * 3.4))
        colour += 0.6 * band[:, None] * (np.array(scene.second_cloth, np.float32) - colour)
    if scene.neckline == "jacket":
        shirt = step(0.1, -0.1, np.abs(x) - 3.9 - 0.75 * (18.5 - y)) * step(15.0, 15.4, y)
        inner = np.array((0.86, 0.86, 0.84), np.float32)
        colour += shirt[:, None] * (inner - colour)
        lapel = np.exp(-(((np.abs(x) - 3.9 - 0.75 * (18.5 - y)) / 0.25) ** 2))
        colour *= (1 - 0.5 * lapel * step(15, 15.5, y))[:, None]
    hem = np.exp(-(((below - 0.9) / 0.09) ** 2)) * (scene.neckline in ("crew", "roll", "vee"))
    weave = at(grain(51), x * 7, y * 7)
    folds = at(grain(52), x * 0.35 + 9, y * 0.22)
    colour *= (1 - 0.28 * hem + 0.03 * weave + 0.05 * folds)[:, None]
    return colour


def photograph(linear: Floats, scene: Scene, seed: int) -> npt.NDArray[np.uint8]:
    """What the camera makes of linear light (S, S, 3): lens blur, tone curve, noise; uint8."""
    rng = np.random.default_rng([seed, 7])
    side = linear.shape[0]
    seen = cv2.GaussianBlur(linear, (0, 0), max(0.25, scene.blur_cm * side / 37))
    place = np.linspace(-1, 1, side, dtype=np.float32)
    vignette = 1 - 0.12 * (place[None, :] ** 2 + place[:, None] ** 2)
    balance = np.array([1 + 0.035 * scene.warmth, 1, 1 - 0.05 * scene.warmth], np.float32)
    bright = seen * (vignette[..., None] * scene.exposure) * balance
    toned = bright / (1 + 0.14 * np.maximum(bright, 0)) * 1.06
    levels = 255 * np.sqrt(np.clip(toned, 0, 1))
    levels += rng.standard_normal(levels.shape, dtype=np.float32) * scene.noise
    return np.clip(levels + 0.5, 0, 255).astype(np.uint8)
