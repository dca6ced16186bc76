"""Adds synthetic blankets around the body, as the air under them lies within an outline but is not lung."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from LungUNetSegLib.volume import BODY_HU

FREE_HU = -600.0
"""Pixels below this are empty, so that a blanket may be drawn there."""

CLOTH_HU = (-500.0, 50.0)
CLOTH_PIXELS = (1.0, 3.0)
"""Smallest and largest thickness of a blanket."""

COARSE = 4
"""Factor of the coarser pixels on which a blanket's smooth outline is computed."""


def lay_cover(hu: Tensor, lung: Tensor, distance: float, generator: torch.Generator) -> Tensor:
    """Add a blanket around the body in a slice, with gaps in some places.

    Its outline is a level set of the blurred body mask: at a distance of sigma outside a straight edge that is blurred
    by sigma, the value is 0.159 (the normal distribution's tail beyond one standard deviation).

    Args:
        hu: (k, h, w) HU; the slice in the middle, and its neighbours, which get the same blanket.
        lung: (h, w) lung fraction; it counts as body, although it is air.
        distance: Distance from the skin, in pixels.
        generator: Draws the blanket's thickness, density and extent.

    Returns:
        New HU.
    """
    body = ((hu[len(hu) // 2] > BODY_HU) | (lung > 0.5)).numpy()
    filled = torch.from_numpy(ndimage.binary_fill_holes(body)).float()  # excludes gas in the bowel
    size = filled.shape
    coarse = gaussian_blur(F.avg_pool2d(filled[None], COARSE), distance / COARSE)
    share_of_body = _enlarge(coarse, size)
    thickness, density, gaps = torch.rand(3, generator=generator).tolist()
    thickness = CLOTH_PIXELS[0] + thickness * (CLOTH_PIXELS[1] - CLOTH_PIXELS[0])
    slope = 0.242 / distance  # gradient of the blurred body mask at that level, per pixel
    sheet = (1 - (share_of_body - 0.159).abs() / (slope * thickness / 2)).clamp(0, 1)
    extent = _enlarge(torch.randn(1, 4, 5, generator=generator), size)
    sheet = sheet * torch.sigmoid(8 * (extent + 1 - 1.5 * gaps)) * (hu < FREE_HU)
    cloth_hu = CLOTH_HU[0] + density * (CLOTH_HU[1] - CLOTH_HU[0])
    covered: Tensor = hu * (1 - sheet) + cloth_hu * sheet
    return covered


def _enlarge(plane: Tensor, size: torch.Size) -> Tensor:
    """Enlarge (1, h, w) to (H, W)."""
    return F.interpolate(plane[None], size=size, mode="bicubic", align_corners=False)[0, 0]


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Blur (C, h, w) with a Gaussian of `sigma` pixels; edges are repeated."""
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    planes = F.pad(image[:, None], (radius,) * 4, mode="replicate")
    planes = F.conv2d(planes, kernel.view(1, 1, -1, 1))
    return F.conv2d(planes, kernel.view(1, 1, 1, -1))[:, 0]
