"""Adds disturbances to a scan: raised arms, metal with streaks, a shifted mediastinum.

They are defined in the patient, in mm from the first voxel of the case's grid along (slice, row, column), so that all
slices of a scan and its coarse view show the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from LungUNetSegLib.data.covers import FREE_HU

METAL_HU = 3000.0


@dataclass(frozen=True)
class Arm:
    """An arm: a cylinder of muscle in fat around a bone.

    Attributes:
        start_mm, stop_mm: Begin and end along the patient's length.
        row_mm, column_mm: Begin of its axis.
        slope: Shift of the axis along the columns for each mm towards the head.
        radius_mm: Radius of the skin.
    """

    start_mm: float
    stop_mm: float
    row_mm: float
    column_mm: float
    slope: float
    radius_mm: float

    def lay_in(self, hu: Tensor, lung: Tensor, slices_mm: npt.NDArray[np.float64], pixel_mm: float) -> Tensor:
        """Return (n, H, W) HU with the arm in empty pixels; `lung` (n, H, W) is the fraction of either lung."""
        y = ((torch.arange(hu.shape[1]) + 0.5) * pixel_mm).view(-1, 1)
        x = ((torch.arange(hu.shape[2]) + 0.5) * pixel_mm).view(1, -1)
        result = hu.clone()
        for index, z in enumerate(slices_mm.tolist()):
            if not self.start_mm <= z <= self.stop_mm:
                continue
            middle = self.column_mm + self.slope * (z - self.start_mm)
            distance = torch.hypot(y - self.row_mm, x - middle)
            tissue = torch.where(distance < 0.8 * self.radius_mm, 50.0, -90.0)
            tissue = torch.where(distance < 0.3 * self.radius_mm, 700.0, tissue)
            free = (hu[index] < FREE_HU) & (lung[index] < 0.01) & (distance < self.radius_mm)
            result[index] = torch.where(free, tissue, hu[index])
        return result


@dataclass(frozen=True)
class Metal:
    """A piece of metal and its streaks.

    Attributes:
        place_mm: Its centre along (slice, row, column).
        length_mm: Extent of its streaks along the patient's length, as a standard deviation.
        radius_mm: Radius of the metal.
        amplitude_hu: Standard deviation of the streaks at its edge.
        seed: Seed of the streaks.
    """

    place_mm: tuple[float, float, float]
    length_mm: float
    radius_mm: float
    amplitude_hu: float
    seed: int

    def lay_in(self, hu: Tensor, slices_mm: npt.NDArray[np.float64], pixel_mm: float) -> Tensor:
        """Return (n, H, W) HU with metal and streaks."""
        z0, y0, x0 = self.place_mm
        y = ((torch.arange(hu.shape[1]) + 0.5) * pixel_mm - y0).view(-1, 1)
        x = ((torch.arange(hu.shape[2]) + 0.5) * pixel_mm - x0).view(1, -1)
        distance, angle = torch.hypot(y, x), torch.atan2(y, x)
        rays = torch.randn(1, 1, 1, 48, generator=torch.Generator().manual_seed(self.seed))
        at = torch.stack((angle / math.pi, torch.zeros_like(angle)), dim=-1)[None]
        streaks = F.grid_sample(rays, at, padding_mode="border", align_corners=True)[0, 0]
        streaks = streaks * self.amplitude_hu * torch.exp(-distance / 90)
        result = hu.clone()
        for index, z in enumerate(slices_mm.tolist()):
            strength = math.exp(-(((z - z0) / self.length_mm) ** 2) / 2)
            if strength < 0.05:
                continue
            result[index] += strength * streaks
            if abs(z - z0) < self.length_mm:
                result[index][distance < self.radius_mm] = METAL_HU
        return result.clamp(-1024, METAL_HU)


@dataclass(frozen=True)
class Shift:
    """A mediastinum that is shifted to one side, as after a pneumonectomy: columns are stretched and compressed.

    Attributes:
        before_mm: Columns of one chest wall, the midline and the other chest wall.
        after_mm: Their new columns, in the same order; the walls do not move.
    """

    before_mm: tuple[float, float, float]
    after_mm: tuple[float, float, float]

    def move(self, planes: Tensor, pixel_mm: float) -> Tensor:
        """Return (..., H, W) values with their columns moved, by linear interpolation."""
        width = planes.shape[-1]
        centres = (np.arange(width) + 0.5) * pixel_mm
        beyond = 10_000.0
        after, before = ((-beyond, *each, beyond) for each in (self.after_mm, self.before_mm))
        source = (np.interp(centres, after, before) / pixel_mm - 0.5).clip(0, width - 1)
        below = torch.from_numpy(np.floor(source).astype(np.int64))
        above = (below + 1).clamp(max=width - 1)
        share = torch.from_numpy((source - below.numpy()).astype(np.float32))
        return planes[..., below] * (1 - share) + planes[..., above] * share
