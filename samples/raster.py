"""Rasterising: meshes become, for each pixel, the point that is seen there.

    meshes + camera --rasterise--> Seen: which mesh, and where on its grid

Each grid is refined until its points lie closer than pixels, and the points are written to the
picture from far to near (a z-buffer by sorting): plain array operations, no loop over triangles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from samples.arrays import Floats
from samples.pose import project
from samples.surface import Mesh


@dataclass(frozen=True, slots=True)
class Seen:
    """The visible surface, S x S pixels.

    Attributes:
        part: int8 (S, S), index into the meshes, -1 where none is.
        row, col: float32 (S, S), place on that mesh's grid.
        depth: float32 (S, S), z in cm; FAR where no mesh is.
    """

    part: npt.NDArray[np.int8]
    row: Floats
    col: Floats
    depth: Floats


FAR = -40.0


def rasterise(meshes: Sequence[Mesh], side_px: int) -> Seen:
    """What is seen of `meshes` (already turned) in a picture of `side_px`."""
    splats = [_splat(mesh, mesh.fineness * side_px / 512, side_px) for mesh in meshes]
    pixel = np.concatenate([splat.pixel for splat in splats])
    depth = np.concatenate([splat.depth for splat in splats])
    near_last = np.argsort(((depth - FAR) * 600).astype(np.uint16), kind="stable")
    owner = np.full(side_px * side_px, -1, np.int32)
    owner[pixel[near_last]] = near_last  # of several points in one pixel the last, nearest, stays
    owner = _fill_gaps(owner, depth, side_px)
    result = Seen(
        part=np.full(owner.shape, -1, np.int8),
        row=np.zeros(owner.shape, np.float32),
        col=np.zeros(owner.shape, np.float32),
        depth=np.full(owner.shape, FAR, np.float32),
    )
    result.depth[owner >= 0] = depth[owner[owner >= 0]]
    first = 0
    for part, splat in enumerate(splats):
        last = first + splat.pixel.size
        mine = np.flatnonzero((owner >= first) & (owner < last))
        line, column = np.divmod(splat.place[owner[mine] - first], splat.columns)
        result.part[mine] = part
        rows, cols = meshes[part].points.shape[:2]
        result.row[mine] = ((line + 0.5) * rows / splat.rows - 0.5).clip(0, rows - 1)
        result.col[mine] = ((column + 0.5) * cols / splat.columns - 0.5).clip(0, cols - 1)
        first = last
    shape = (side_px, side_px)
    return Seen(*(getattr(result, name).reshape(shape) for name in ("part", "row", "col", "depth")))


def normals(points: Floats) -> Floats:
    """Unit normals (R, C, 3) of a grid of points, outwards."""
    down = np.gradient(points, axis=0)
    around = np.gradient(points, axis=1)
    normal = np.cross(around, down).astype(np.float32)
    length = np.linalg.norm(normal, axis=2, keepdims=True)
    result: Floats = normal / np.maximum(length, 1e-6)
    return result


def _fill_gaps(owner: npt.NDArray[np.int32], depth: Floats, side_px: int) -> npt.NDArray[np.int32]:
    """Give pixels between the points of one surface, through which one sees farther, to it."""
    seen = np.full(owner.shape, FAR, np.float32)
    seen[owner >= 0] = depth[owner[owner >= 0]]
    square = np.pad(seen.reshape(side_px, side_px), 1, constant_values=FAR)
    closed = cv2.morphologyEx(square, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    gaps = np.flatnonzero((closed - square > 0.5)[1:-1, 1:-1])
    width = side_px + 2
    at = (gaps // side_px + 1) * width + gaps % side_px + 1
    around = np.array([dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    nearest = np.argmax(square.ravel()[at[:, None] + around], axis=1)
    padded = np.pad(owner.reshape(side_px, side_px), 1, constant_values=-1).ravel()
    filled = owner.copy()
    filled[gaps] = padded[at + around[nearest]]
    return filled


def strands(mesh: Mesh) -> Floats:
    """The way down a mesh's rows (R, C, 3), not of unit length."""
    down: Floats = np.gradient(mesh.points, axis=0).astype(np.float32)
    return down


@dataclass(frozen=True, slots=True)
class _Splat:
    """The points of one refined grid (rows x columns) that lie in the picture and face it."""

    pixel: npt.NDArray[np.int32]
    depth: Floats
    place: npt.NDArray[np.int32]
    rows: int
    columns: int


def _splat(mesh: Mesh, factor: float, side_px: int) -> _Splat:
    """Project on the coarse grid, refine what is projected, and keep what can be seen."""
    rows, cols = mesh.points.shape[:2]
    size = (round(cols * factor), round(rows * factor))
    x, y = project(mesh.points, side_px)
    facing = _facing(x, y) if mesh.closed else np.ones_like(x)
    coarse = np.stack([x, y, mesh.points[..., 2], np.minimum(mesh.keep, facing)], axis=2)
    fine: Floats = np.asarray(
        cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.float32
    ).reshape(-1, 4)
    x, y = fine[:, 0], fine[:, 1]
    place = np.flatnonzero(
        (fine[:, 3] > 0) & (x >= 0) & (x < side_px) & (y >= 0) & (y < side_px)
    ).astype(np.int32)
    kept = fine[place]
    pixel = kept[:, 1].astype(np.int32) * side_px + kept[:, 0].astype(np.int32)
    return _Splat(pixel, kept[:, 2].copy(), place, size[1], size[0])


def _facing(x: Floats, y: Floats) -> Floats:
    """Above 0 where a grid, projected to (x, y), shows its outside; a little beyond its outline."""
    x_down, x_around = np.gradient(x)
    y_down, y_around = np.gradient(y)
    turned = x_around * y_down - y_around * x_down
    return np.asarray(cv2.dilate(np.sign(turned), np.ones((3, 3), np.uint8)), np.float32)
