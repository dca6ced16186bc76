"""Steps through the slices of a comparison, worst first, and moves the slice views there."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from slicer import vtkMRMLScene, vtkMRMLSliceNode

from LungUNetSegLib.evaluation.compare import Comparison
from LungUNetSegLib.evaluation.report.pictures import differences
from LungUNetSegSlicer.scene.volume_bridge import point_to_ras


class WorstSlices:
    """Steps through the slices of a comparison by rising DSC.

    Args:
        comparison: What `compare` returned.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._order = comparison.whole.slices_from_worst()
        self._place = 0

    @property
    def index(self) -> int | None:
        """The current slice; None if no slice holds lung."""
        return self._order[self._place] if self._order else None

    @property
    def is_last(self) -> bool:
        """Whether this is the best slice, or there is none."""
        return self._place >= len(self._order) - 1

    def first(self) -> int | None:
        """Go to the worst slice, and return it."""
        self._place = 0
        return self.index

    def next(self) -> int | None:
        """Go to the slice with the next higher DSC, and return it; the best slice is the last."""
        self._place = min(self._place + 1, max(len(self._order) - 1, 0))
        return self.index

    def go_to(self, index: int) -> None:
        """Go to a slice by its number; `next` continues from there."""
        if index in self._order:
            self._place = self._order.index(index)


def error_position_ras(comparison: Comparison, index: int) -> tuple[float, float, float]:
    """Return the point of a slice, in RAS mm, to look at: the middle of its thickest error.

    In a slice without error it is the middle of the slice.
    """
    prediction, reference = (volume.array[index] for volume in (comparison.prediction, comparison.reference))
    wrong = differences(prediction, reference) > 1
    if not wrong.any():
        return point_to_ras(comparison.slice_centre_lps(index))
    grid = comparison.reference.geometry
    # Padded, so that the image's border counts as the error's edge.
    depth = ndimage.distance_transform_edt(np.pad(wrong, 1), sampling=grid.spacing_mm[1:])[1:-1, 1:-1]
    row, column = divmod(int(depth.argmax()), wrong.shape[1])
    return point_to_ras(grid.to_lps((index, row, column)))


def show_slice(scene: vtkMRMLScene, comparison: Comparison, index: int) -> None:
    """Move all slice views to a slice: each plane goes through its thickest error, and keeps its zoom."""
    vtkMRMLSliceNode.JumpAllSlices(scene, *error_position_ras(comparison, index), vtkMRMLSliceNode.OffsetJumpSlice)


def show_point(scene: vtkMRMLScene, lps: tuple[float, float, float]) -> None:
    """Move all slice views to a point in LPS mm; they keep their zoom."""
    vtkMRMLSliceNode.JumpAllSlices(scene, *point_to_ras(lps), vtkMRMLSliceNode.OffsetJumpSlice)
