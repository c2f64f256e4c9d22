"""A crowd: one picture with many faces at known places, for tests and demonstrations."""

import numpy as np
import numpy.typing as npt

from samples.generator import render
from samples.landmarks import FaceBox, landmarks
from samples.traits import make_person


def crowd(
    people: int, *, face_px: int = 80, seed: int = 0
) -> tuple[npt.NDArray[np.uint8], list[FaceBox]]:
    """A group picture on a loose grid, like a wall of portraits.

    Args:
        people: how many faces; persons `seed` + 1, `seed` + 2, ... of `make_person`.
        face_px: about the width of a face.
        seed: chooses persons, poses and places.

    Returns:
        uint8 RGB (H, W, 3), and the box of each face in it, in the order of the persons.

    Raises:
        ValueError: `people` is less than 1.
    """
    if people < 1:
        raise ValueError(f"people = {people} must be at least 1")
    rng = np.random.default_rng([seed, people])
    tile_px = round(face_px * 2.45)
    columns = int(np.ceil(np.sqrt(people * 1.4)))
    rows = -(-people // columns)
    wall = np.full((rows * tile_px, columns * tile_px, 3), 96, np.uint8)
    boxes = []
    for place in range(people):
        traits = make_person(seed + place + 1)
        size_px = int(tile_px * rng.uniform(0.88, 1.0))
        top = tile_px * (place // columns) + int(rng.integers(tile_px - size_px + 1))
        left = tile_px * (place % columns) + int(rng.integers(tile_px - size_px + 1))
        yaw, smile = float(rng.uniform(-9, 9)), float(rng.uniform(0, 0.8))
        tile = render(
            traits,
            yaw_deg=yaw,
            light_deg=float(rng.uniform(-30, 30)),
            smile=smile,
            size_px=size_px,
            seed=seed + place,
        )
        wall[top : top + size_px, left : left + size_px] = tile
        box = landmarks(traits, yaw_deg=yaw, smile=smile, size_px=size_px).box
        boxes.append(FaceBox(box.left + left, box.top + top, box.width, box.height))
    return wall, boxes
