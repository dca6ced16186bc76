"""Lungs in RT Structure Sets (PS3.3 A.19): closed contours in the CT's planes, filled on the CT's grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.masks.dicom_seg import codes_of
from LungUNetSegLib.io.masks.lung_names import lungs_among
from LungUNetSegLib.volume import Geometry, Volume

FloatArray = npt.NDArray[np.float64]

GREATEST_LOSS = 0.05
"""Share of contours that may lie outside the scan; more means that they belong to another."""

PLANE_SHARE = 0.5
"""How far from its slice, in slice distances, a contour may lie."""


def lungs_in_contours(dataset: Dataset, path: Path, reference: Geometry | None) -> Volume:
    """Return the lungs of a structure set on the grid of its scan: 1 = right, or both in one, 2 = left.

    Contours of one structure in one slice are joined by the even-odd rule, so a contour within another is a hole.

    Raises:
        ReadError: No grid, no structure that is a lung, contours across the slices, or contours outside the scan.
    """
    if reference is None:
        raise ReadError(f"{path}: contours have no grid of their own; they can be read only beside their scan.")
    structures = _structures(dataset)
    lungs = lungs_among(structures)
    if not lungs:
        names = ", ".join(name for name, _ in structures.values())
        raise ReadError(f"{path}: no structure is a lung; its structures are {names or 'none'}.")
    labels = np.zeros(reference.shape, np.uint8)
    total = outside = 0
    for number, label in lungs.items():
        crossings = np.zeros(reference.shape, np.uint8)
        for points in _contours(dataset, number):
            index = reference.to_index(points)
            place = round(float(index[:, 0].mean()))
            if np.abs(index[:, 0] - place).max() > PLANE_SHARE:
                raise ReadError(f"{path}: contours lie across the scan's slices; they were drawn on another series.")
            total += 1
            if 0 <= place < reference.shape[0]:
                toggle_polygon(crossings[place], index[:, 1:])
            else:
                outside += 1
        labels[np.bitwise_xor.accumulate(crossings, axis=2).astype(bool)] = label
    if not total:
        raise ReadError(f"{path}: the lungs have no contours.")
    if outside > GREATEST_LOSS * total:
        raise ReadError(f"{path}: {outside} of {total} contours lie outside the scan; they belong to another one.")
    return Volume(labels, reference)


def toggle_polygon(crossings: npt.NDArray[np.uint8], points: FloatArray) -> None:
    """Mark where a closed polygon's outline crosses the rows of pixel centres.

    The running XOR along each row is then 1 inside and 0 outside; several polygons add up to the even-odd rule.

    Args:
        crossings: (rows, columns), 0 or 1, changed in place.
        points: (n, 2) corners as fractional (row, column) indices.
    """
    rows, columns = crossings.shape
    following = np.roll(points, -1, axis=0)
    # Half open, so that a corner on a row of centres counts once.
    ends = np.ceil(np.sort([points[:, 0], following[:, 0]], axis=0)).astype(int).clip(0, rows)
    edge = np.repeat(np.arange(len(points)), ends[1] - ends[0])
    crossed = np.concatenate([np.arange(first, last) for first, last in ends.T])
    (row, column), (next_row, next_column) = points[edge].T, following[edge].T
    at = column + (crossed - row) * (next_column - column) / (next_row - row)
    first_inside = np.ceil(at).astype(int).clip(0)
    seen = first_inside < columns
    np.bitwise_xor.at(crossings, (crossed[seen], first_inside[seen]), 1)


def _structures(dataset: Dataset) -> dict[int, tuple[str, list[str]]]:
    """Name and codes of each structure that has a number."""
    codes: dict[int, list[str]] = {}
    for item in dataset.get("RTROIObservationsSequence", []):
        number = int(item.get("ReferencedROINumber", -1))
        codes.setdefault(number, []).extend(codes_of(*item.get("RTROIIdentificationCodeSequence", [])))
    named = {int(item.ROINumber): str(item.get("ROIName", "")) for item in dataset.get("StructureSetROISequence", [])}
    return {number: (name, codes.get(number, [])) for number, name in named.items()}


def _contours(dataset: Dataset, number: int) -> Iterator[FloatArray]:
    """(n, 3) LPS points of each closed contour of a structure."""
    for item in dataset.get("ROIContourSequence", []):
        if int(item.get("ReferencedROINumber", -1)) != number:
            continue
        for contour in item.get("ContourSequence", []):
            points = np.array(contour.get("ContourData", []), float).reshape(-1, 3)
            if len(points) > 2:
                yield points
