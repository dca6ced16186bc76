"""Reads the frames of a DICOM Segmentation object: their positions, segments and pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.pixels import decoded
from LungUNetSegLib.io.images.files import spacing_of
from LungUNetSegLib.io.masks.dicom_codes import segment_codes
from LungUNetSegLib.volume import Geometry

TURN_TOLERANCE = 1e-3
"""Largest difference between the direction cosines of frames."""

_ASKEW_PIXELS = 0.01


class Frames:
    """The frames of a SEG object.

    Attributes:
        structures: Name and codes of each segment, by its number.
        positions: (n, 3); LPS mm of each frame's first pixel.
        across: LPS unit vector along a row, column index rising.
        down: LPS unit vector along a column.
        pixel_mm: Distance between (rows, columns).
        stated_mm: Spacing Between Slices, if given.
        thickness_mm: Slice Thickness, if given.

    Raises:
        ReadError: Frames with different orientations, or fewer pixels than the frames need.
    """

    def __init__(self, dataset: Dataset, path: Path) -> None:
        self._dataset = dataset
        self.count = int(dataset.get("NumberOfFrames", 1))
        self.size = (int(dataset.Rows), int(dataset.Columns))
        self.structures = {
            int(each.SegmentNumber): (str(each.get("SegmentLabel", "")), segment_codes(each))
            for each in dataset.get("SegmentSequence", [])
        }
        self._check_groups(path)
        self.positions = np.array([self._find(n, "ImagePositionPatient") for n in range(self.count)], float)
        turns = np.array([self._find(n, "ImageOrientationPatient") for n in range(self.count)], float)
        if np.abs(turns - turns[0]).max() > TURN_TOLERANCE:
            raise ReadError(
                f"{path}: the segmentation's frames have different orientations; save it in another format."
            )
        axes = turns[0].reshape(2, 3)
        self.across, self.down = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        row_mm, column_mm = spacing_of(map(float, self._find(0, "PixelSpacing")), path)
        self.pixel_mm = (row_mm, column_mm)
        self.stated_mm = abs(float(self._find(0, "SpacingBetweenSlices") or 0)) or None
        self.thickness_mm = abs(float(self._find(0, "SliceThickness") or 0)) or None
        kind = str(dataset.SegmentationType)
        self._is_label_map = kind == "LABELMAP"
        self._half = 1 if kind == "BINARY" else int(dataset.get("MaximumFractionalValue", 1)) / 2
        self._numbers = [
            0 if self._is_label_map else int(self._find(n, "ReferencedSegmentNumber")) for n in range(self.count)
        ]
        if self._half <= 0:
            raise ReadError(f"{path}: the mask's fractions have no maximum above 0; it is damaged. Export it again.")
        # Pixels of one bit follow each other without a gap, so that a frame may begin within a byte (PS3.5 8.1.1).
        self._bits = dataset.BitsAllocated == 1 and not dataset.file_meta.TransferSyntaxUID.is_encapsulated
        if self._bits and len(dataset.PixelData) * 8 < self.count * self.size[0] * self.size[1]:
            raise ReadError(f"{path}: the mask is cut short: it holds fewer pixels than its {self.count} frames need.")

    def _check_groups(self, path: Path) -> None:
        groups = len(self._dataset.PerFrameFunctionalGroupsSequence)
        if groups != self.count:
            raise ReadError(
                f"{path}: the mask places {groups} of its {self.count} frames; it is damaged. Export it again."
            )

    @property
    def undescribed(self) -> set[int]:
        """Numbers of segments that have frames and no description."""
        return set(self._numbers) - {0} - self.structures.keys()

    @property
    def normal(self) -> FloatArray:
        """Unit normal of the frames."""
        normal: FloatArray = np.cross(self.across, self.down)
        return normal

    def of_segment(self, number: int) -> list[int]:
        """Return the frames in which a segment may lie."""
        return [n for n, other in enumerate(self._numbers) if self._is_label_map or other == number]

    def mask(self, frame: int, number: int) -> Mask:
        """Return where a segment lies in a frame, (row, column)."""
        pixels = self._pixels(frame)
        mask: Mask = pixels == number if self._is_label_map else pixels >= self._half
        return mask

    def is_empty(self, number: int) -> bool:
        """Whether a segment has no pixel."""
        return not any(self.mask(frame, number).any() for frame in self.of_segment(number))

    def sampler(self, grid: Geometry) -> Callable[[Mask, int], Mask]:
        """Return a function that resamples a frame's mask onto a grid whose slices are parallel to it."""
        count = np.array(grid.shape[1:])
        lines = np.arange(count[0])[:, None], np.arange(count[1])[None, :]
        axes = grid.affine_lps[:3, 1:3]

        def sample(mask: Mask, frame: int) -> Mask:
            start = grid.affine_lps[:3, 3] - self.positions[frame]
            found = []
            for direction, step_mm in zip((self.down, self.across), self.pixel_mm, strict=True):
                index = np.array(start @ direction / step_mm)
                for line, axis in zip(lines, axes.T, strict=True):
                    slope = float(axis @ direction / step_mm)
                    if abs(slope) * line.size > _ASKEW_PIXELS:
                        index = index + slope * line
                found.append(np.rint(index).astype(int))
            row, column = np.broadcast_arrays(*found) if found[0].ndim == found[1].ndim == 2 else found
            inside = (row >= 0) & (row < mask.shape[0]) & (column >= 0) & (column < mask.shape[1])
            taken: Mask = mask[row.clip(0, mask.shape[0] - 1), column.clip(0, mask.shape[1] - 1)] & inside
            return taken

        return sample

    def _pixels(self, frame: int) -> npt.NDArray[np.integer]:
        if not self._bits:
            return next(decoded(self._dataset, [frame]))
        size = self.size[0] * self.size[1]
        first = frame * size
        packed = np.frombuffer(self._dataset.PixelData[first // 8 : (first + size + 7) // 8], np.uint8)
        return np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + size].reshape(self.size)

    def _find(self, frame: int, keyword: str) -> Any:
        """Return an attribute of a frame's own functional groups or of the shared ones; None if neither has it."""
        groups = [self._dataset.PerFrameFunctionalGroupsSequence[frame]]
        groups += self._dataset.get("SharedFunctionalGroupsSequence", [])
        for group in groups:
            for element in group:
                if element.VR == "SQ" and element.value and keyword in element.value[0]:
                    return element.value[0][keyword].value
        return None
