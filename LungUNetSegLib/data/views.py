"""Shows views of a scan: parts of a patient as they might have been scanned, with possible disturbances.

A view is drawn once for a whole case (sampled_views.py) and used for the slices and for the coarse view, so that both
show the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from LungUNetSegLib.data.disturbances import Arm, Metal, Shift
from LungUNetSegLib.data.pathology import SOLID, Lesion, lay_in
from LungUNetSegLib.volume import AIR_HU


@dataclass(frozen=True)
class View:
    """The visible part of a case, and what is added to it.

    Attributes:
        slices: First slice, and the one after the last.
        rows, columns: The rectangle that was scanned, in pixels of the network's grid.
        radius_mm: Radius of a round field of view around the rectangle's centre; infinite without one.
        move: Shift on the grid in pixels, along (row, column).
        lesions: Disease.
        shift: A shifted mediastinum.
        arms: Raised arms.
        metal: Metal.
    """

    slices: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    radius_mm: float = math.inf
    move: tuple[int, int] = (0, 0)
    lesions: tuple[Lesion, ...] = ()
    shift: Shift | None = None
    arms: tuple[Arm, ...] = ()
    metal: Metal | None = None

    @property
    def solid(self) -> tuple[Lesion, ...]:
        """Disease that can look like an organ."""
        return tuple(lesion for lesion in self.lesions if lesion.kind in SOLID)


def whole_view(depth: int, size: tuple[int, int]) -> View:
    """Return the view that shows a scan unchanged."""
    return View((0, depth), (0, size[0]), (0, size[1]))


def show(
    view: View,
    hu: Tensor,
    target: Tensor,
    numbers: npt.NDArray[np.int64],
    slice_mm: float,
    pixel_mm: float,
    factor: int,
) -> tuple[Tensor, Tensor]:
    """Return slices of a case as a view shows them.

    Args:
        view: A view of this case.
        hu: (n, H, W) HU.
        target: (n, 2 or 3, H, W): right lung, left lung and, optionally, valid pixels.
        numbers: (n,) numbers of the slices.
        slice_mm: Distance of the slices.
        pixel_mm: Size of their pixels.
        factor: Side of a pixel in the network's pixels.

    Returns:
        New HU and target. Pixels outside the view are air, not lung, and valid.
    """
    slices_mm = np.asarray(numbers * slice_mm, np.float64)
    for lesion in view.lesions:
        hu, lungs = lay_in(hu, target[:, :2], lesion, numbers, slice_mm, pixel_mm)
        target = torch.cat((lungs, target[:, 2:]), dim=1)
    if view.shift is not None:
        hu, target = view.shift.move(hu, pixel_mm), view.shift.move(target, pixel_mm)
        target = torch.cat((target[:, :2], (target[:, 2:] > 0.99).float()), dim=1)
    for arm in view.arms:
        hu = arm.lay_in(hu, target[:, :2].sum(dim=1), slices_mm, pixel_mm)
    if view.metal is not None:
        hu = view.metal.lay_in(hu, slices_mm, pixel_mm)
    rows, columns = (slice(a // factor, b // factor) for a, b in (view.rows, view.columns))
    if math.isfinite(view.radius_mm):
        hu, target = _rounded(hu, target, rows, columns, view.radius_mm / pixel_mm)
    if (
        (rows.start, columns.start) == (0, 0)
        and (rows.stop, columns.stop) == tuple(hu.shape[1:])
        and not any(view.move)
    ):
        return hu, target
    to_rows, from_rows = _moved(rows, view.move[0] // factor, hu.shape[1])
    to_columns, from_columns = _moved(columns, view.move[1] // factor, hu.shape[2])
    shown, known = torch.full_like(hu, AIR_HU), torch.zeros_like(target)
    known[:, 2:] = 1
    shown[:, to_rows, to_columns] = hu[:, from_rows, from_columns]
    known[:, :, to_rows, to_columns] = target[:, :, from_rows, from_columns]
    return shown, known


def _rounded(hu: Tensor, target: Tensor, rows: slice, columns: slice, radius: float) -> tuple[Tensor, Tensor]:
    """Keep the pixels within `radius` of a rectangle's centre; the others count as not scanned."""
    y = (torch.arange(hu.shape[1]) + 0.5 - (rows.start + rows.stop) / 2).view(-1, 1)
    x = (torch.arange(hu.shape[2]) + 0.5 - (columns.start + columns.stop) / 2).view(1, -1)
    inside = torch.hypot(y, x) <= radius
    lungs = target[:, :2] * inside
    return torch.where(inside, hu, float(AIR_HU)), torch.cat((lungs, target[:, 2:]), dim=1)


def _moved(span: slice, by: int, size: int) -> tuple[slice, slice]:
    """Return a span's new position after a shift, and the part of it that stays on the grid."""
    start, stop = max(0, span.start + by), min(size, span.stop + by)
    stop = max(start, stop)
    return slice(start, stop), slice(start - by, stop - by)
