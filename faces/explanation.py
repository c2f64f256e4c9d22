"""Why two faces are alike, and where they differ: what the encoder says when parts are changed.

    two crops --a part blurred in one--> similarity falls: there they are alike
              --a part put from one into the other--> similarity rises: there they differ

Nothing of the encoder is needed but its answers, so any encoder can be explained. Blurring takes
the detail of a place away and leaves its tone ("meaningful perturbation", Fong and Vedaldi 2017,
arXiv:1704.03296, section 4.1); putting the other face's part in its place asks directly what that
part changes. Both are done both ways round and averaged. Crops show all faces in the same place,
so a part of the one fits the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faces.card import InputSpec
from faces.regions import Mask, regions_of
from faces.types import Crops, Encoder, Image

Heat = npt.NDArray[np.float32]

GRID = 6
"""Places along a side of the heat maps."""

SPOT = 0.12
"""Standard deviation of a place's soft spot, as a share of the side: neighbours overlap by half."""

BLUR = 0.12
"""Standard deviation of the blur, as a share of the side: an eye becomes a shadow."""


@dataclass(frozen=True, slots=True)
class RegionShare:
    """A part of the face and what it does for the similarity of two faces.

    Attributes:
        name: of the part (`faces.regions`).
        alike: its share of the likeness, 0 to 1; all parts together make 1, or 0 where no part
            alone carries any.
        different: likewise its share of the difference.
        seen: how much of the part the encoder's crop shows, 0 to 1.
    """

    name: str
    alike: float
    different: float
    seen: float


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why two faces are as alike as they are.

    Attributes:
        similarity: cosine of the two.
        regions: shares of the named parts.
        alike: float32 (2, G, G): how much similarity falls when a place is blurred in the first
            and in the second face.
        different: float32 (2, G, G): how much it rises when a place of the first face is taken
            from the second, and the other way round.
    """

    similarity: float
    regions: tuple[RegionShare, ...]
    alike: Heat
    different: Heat


def explain(encoder: Encoder, spec: InputSpec, first: Image, second: Image) -> Explanation:
    """Explain the similarity of two crops, by some 170 variations of them.

    Args:
        encoder: whose similarity it is.
        spec: the crops that its card asks for.
        first: uint8 (S, S, 3), such a crop.
        second: likewise.

    Raises:
        ValueError: a crop has another size than `spec` says.
    """
    shape = (spec.size_px, spec.size_px, 3)
    if first.shape != shape or second.shape != shape:
        raise ValueError(f"crops must be {shape}, not {first.shape} and {second.shape}")
    regions = regions_of(spec)
    masks = [region.mask for region in regions] + _spots(spec.size_px)
    crops = np.concatenate([np.stack([first, second]), _varied(first, second, masks)])
    embeddings = encoder.embed(crops)
    originals, rest = embeddings[:2], embeddings[2:]
    similarity = float(originals[0] @ originals[1])
    # blurred and swapped variations of the first face, then of the second: (4, masks)
    others = originals[[1, 1, 0, 0]]
    changed = np.einsum("kmd,kd->km", rest.reshape(4, len(masks), -1), others) - similarity
    falls, rises = -changed[[0, 2]], changed[[1, 3]]
    named = len(regions)
    shares = zip(regions, _shares(falls[:, :named]), _shares(rises[:, :named]), strict=True)
    return Explanation(
        similarity,
        tuple(RegionShare(part.name, alike, other, part.seen) for part, alike, other in shares),
        falls[:, named:].reshape(2, GRID, GRID).astype(np.float32),
        rises[:, named:].reshape(2, GRID, GRID).astype(np.float32),
    )


def _varied(first: Image, second: Image, masks: Sequence[Mask]) -> Crops:
    """The first blurred, the first with parts of the second, and likewise the second."""
    side = first.shape[0]
    pieces: list[Image] = []
    for face, other in ((first, second), (second, first)):
        blurred = np.asarray(
            cv2.GaussianBlur(face, (0, 0), BLUR * side, borderType=cv2.BORDER_REPLICATE), np.uint8
        )
        pieces.extend(_mixed(face, blurred, mask) for mask in masks)
        pieces.extend(_mixed(face, other, mask) for mask in masks)
    return np.stack(pieces)


def _mixed(face: Image, other: npt.NDArray[np.uint8], mask: Mask) -> Image:
    """`other` where the mask is 1, `face` where it is 0."""
    weight = mask[:, :, None]
    return np.rint(face * (1 - weight) + other * weight).astype(np.uint8)


def _spots(side: int) -> list[Mask]:
    """Soft spots at the places of the heat maps, row by row."""
    line = (np.arange(side) + 0.5) / side
    centres = (np.arange(GRID) + 0.5) / GRID
    bumps = np.exp(-0.5 * ((line[None] - centres[:, None]) / SPOT) ** 2).astype(np.float32)
    return [np.outer(down, across) for down in bumps for across in bumps]


def _shares(effects: npt.NDArray[np.float32]) -> list[float]:
    """Mean effects of the parts (2, R) as shares of their sum; one that works against it has 0."""
    useful = np.maximum(effects.mean(axis=0), 0)
    total = float(useful.sum())
    return [float(value) / total if total > 0 else 0.0 for value in useful]
