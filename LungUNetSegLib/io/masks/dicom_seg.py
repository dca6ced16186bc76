"""Lungs in DICOM Segmentation objects (PS3.3 A.51): frames of one segment and one place each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.pixels import decoded
from LungUNetSegLib.io.masks.lung_names import lungs_among
from LungUNetSegLib.volume import Geometry, Volume

PLACE_SHARE = 0.1
"""Share of the slice distance by which a frame may lie off its even place."""


def lungs_in_segmentation(dataset: Dataset, path: Path) -> Volume:
    """Return the lungs of a SEG object on the smallest grid that holds its frames: 1 = right, or both, 2 = left.

    Fractional segmentations are cut at one half.

    Raises:
        ReadError: No segment is a lung, or frames that lie on no even grid.
    """
    segments = {int(item.SegmentNumber): _named(item) for item in dataset.get("SegmentSequence", [])}
    lungs = lungs_among(segments)
    if not lungs:
        names = ", ".join(name for name, _ in segments.values())
        raise ReadError(f"{path}: no segment is a lung; its segments are {names}.")
    places = np.array([_find(dataset, index, "ImagePositionPatient") for index in _frames(dataset)], float)
    geometry, slices = _grid(dataset, places, path)
    labels = np.zeros(geometry.shape, np.uint8)
    for index, frame in enumerate(decoded(dataset, list(_frames(dataset)))):
        _paint(labels[slices[index]], frame, dataset, index, lungs)
    return Volume(labels, geometry)


def codes_of(*items: Dataset) -> list[str]:
    """Return the code values of coded concepts; long codes are in an attribute of their own."""
    return [str(item.get("CodeValue") or item.get("LongCodeValue") or "") for item in items]


def _named(segment: Dataset) -> tuple[str, list[str]]:
    types = list(segment.get("SegmentedPropertyTypeCodeSequence", []))
    sources = [segment, *types]
    modifiers = [each for source in sources for each in source.get("SegmentedPropertyTypeModifierCodeSequence", [])]
    return str(segment.get("SegmentLabel", "")), codes_of(*types, *modifiers)


def _frames(dataset: Dataset) -> range:
    return range(int(dataset.get("NumberOfFrames", 1)))


def _find(dataset: Dataset, frame: int, keyword: str) -> Any:
    """An attribute of a frame's own functional groups or of the shared ones; None where it is in neither."""
    groups = [dataset.PerFrameFunctionalGroupsSequence[frame], *dataset.get("SharedFunctionalGroupsSequence", [])]
    for group in groups:
        for element in group:
            if element.VR == "SQ" and element.value and keyword in element.value[0]:
                return element.value[0][keyword].value
    return None


def _grid(dataset: Dataset, places: npt.NDArray[np.float64], path: Path) -> tuple[Geometry, npt.NDArray[np.intp]]:
    """The grid of the frames, and the slice of each."""
    across, down = np.array(_find(dataset, 0, "ImageOrientationPatient"), float).reshape(2, 3)
    row_mm, column_mm = map(float, _find(dataset, 0, "PixelSpacing"))
    normal = np.cross(across, down)
    heights = places @ normal
    distinct = np.unique(np.round(heights, 3))
    thickness_mm = float(_find(dataset, 0, "SpacingBetweenSlices") or _find(dataset, 0, "SliceThickness") or 1.0)
    # Empty slices are left out of many files, so the least distance is the slices' own.
    step_mm = float(np.diff(distinct).min()) if len(distinct) > 1 else thickness_mm
    slices = np.rint((heights - heights.min()) / step_mm).astype(np.intp)
    off_mm = np.abs(heights - heights.min() - slices * step_mm).max()
    sideways_mm = np.abs((places - places[0]) @ np.stack([across, down], axis=1)).max()
    if off_mm > PLACE_SHARE * step_mm or sideways_mm > PLACE_SHARE * min(row_mm, column_mm):
        raise ReadError(f"{path}: the segmentation's slices lie on no even, straight grid; save it in another format.")
    affine = np.eye(4)
    affine[:3, :3] = np.stack([normal * step_mm, down * row_mm, across * column_mm], axis=1)
    affine[:3, 3] = places[int(np.argmin(heights))]
    return Geometry((int(slices.max()) + 1, int(dataset.Rows), int(dataset.Columns)), affine), slices


def _paint(
    labels: npt.NDArray[np.uint8],
    frame: npt.NDArray[np.integer],
    dataset: Dataset,
    index: int,
    lungs: dict[int, int],
) -> None:
    """Put what one frame shows of the lungs into its slice of the label map."""
    if dataset.SegmentationType == "LABELMAP":
        for number, label in lungs.items():
            labels[frame == number] = label
        return
    label = lungs.get(int(_find(dataset, index, "ReferencedSegmentNumber")), 0)
    if label:
        labels[2 * frame.astype(np.int32) >= int(dataset.get("MaximumFractionalValue", 1))] = label
