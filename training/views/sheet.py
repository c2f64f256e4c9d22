"""The contact sheet: what a policy makes of some faces, as one picture to look at.

crops uint8 (N, S', S', 3) -> each plain, then some views of it -> sheet uint8 (H, W, 3) -> PNG
"""

from pathlib import Path

import numpy as np
import torch
from matplotlib.image import imsave
from torch.nn import functional

from faces.types import Crops, Image
from training.views import make_views, plain_views
from training.views.policies import ViewPolicy

GAP_PX = 2


def contact_sheet(
    crops: Crops, size_px: int, policy: ViewPolicy, *, columns: int, seed: int = 0
) -> Image:
    """A row for each crop: its plain view, then random ones.

    Args:
        crops: uint8 (N, S', S', 3).
        size_px: side S of a view.
        policy: strengths.
        columns: views beside the plain one.
        seed: of the random views.

    Returns:
        uint8 (H, W, 3), white between the views.
    """
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2)
    views = [make_views(pixels, size_px, policy, generator) for _ in range(columns)]
    tiles = torch.stack([plain_views(pixels, size_px), *views], dim=1)  # (N, C, 3, S, S)
    tiles = functional.pad(tiles, (0, GAP_PX, 0, GAP_PX), value=1.0)
    count, across, _, side, _ = tiles.shape
    sheet = tiles.permute(0, 3, 1, 4, 2).reshape(count * side, across * side, 3)
    result: Image = (sheet * 255).round().to(torch.uint8).numpy()
    return result


def write_sheet(sheet: Image, file: Path) -> None:
    """Write a sheet as PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    imsave(file, sheet, format="png")
