"""Reads lungs from RT Structure Sets (PS3.3 A.19): closed contours in the CT's planes, filled on the CT's grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.stack import SAME_PLACE_MM
from LungUNetSegLib.io.masks.choice import Meanings, lungs_among
from LungUNetSegLib.io.masks.dicom_codes import TARGETS, codes_of
from LungUNetSegLib.io.masks.loss import GREATEST_LOSS
from LungUNetSegLib.io.masks.lung_names import names_of, seems_lung
from LungUNetSegLib.io.masks.planes import (
    NEAR_SHARE,
    Planes,
    check_gaps,
    distinct,
    matched,
    on_slices,
    unfilled,
    usual_step,
)
from LungUNetSegLib.volume import Geometry, Volume

ACROSS = 0.5
"""Largest deviation of a contour from its plane, in slice distances."""

SAME_SHARE = 0.9
"""Two contours of one plane whose intersection over union is at least this are one that was stored twice."""

INSIDE_SHARE = 0.99
"""A contour with at least this share inside another is a hole in it; one that only crosses it is joined."""

NOT_FILLED = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")


def lungs_in_contours(
    dataset: Dataset,
    path: Path,
    reference: Geometry | None,
    slice_places: FloatArray | None = None,
    meanings: Meanings | None = None,
) -> tuple[Volume, tuple[Finding, ...]]:
    """Return the lungs of a structure set on the grid of its scan: 1 = right, or both in one, 2 = left.

    Contours of one plane make up its mask; a contour within another is a hole. Planes are matched to the scan's slices
    by height; slices between two planes are interpolated, with a finding if a slice was left out.

    Args:
        dataset: The structure set.
        path: For messages.
        reference: The scan's grid, with orthogonal axes.
        slice_places: Where on it the scan had slices, as fractional slice indices; at each slice without it.
        meanings: What the user says that structures are.

    Raises:
        ReadError: No grid, no structure that is a lung, contours across the slices or outside the scan, wide gaps.
    """
    if reference is None:
        raise ReadError(f"{path}: contours have no grid of their own; they can only be read beside their scan.")
    structures = _structures(dataset)
    contours = {number: list(_contours(dataset, number)) for number in structures}
    # A structure without contours has no position.
    empty = {number: each for number, each in structures.items() if not contours[number]}
    drawn = {number: each for number, each in structures.items() if contours[number]}
    choice = lungs_among(drawn, meanings)
    lungs = choice.painted
    if not lungs:
        if any(seems_lung(*each) for each in empty.values()):
            raise ReadError(f"{path}: the lungs have no contours.")
        raise ReadError(
            f"{path}: no structure is a lung by its code or name; its structures are {names_of(structures)}."
            " Rename the lungs, or say which they are (--map NAME=right on the command line)."
        )
    findings = list(choice.findings)
    missing = [name for name, codes in empty.values() if seems_lung(name, codes)]
    if missing:
        message = f"Structures without contours were left out: {', '.join(map(repr, missing))}."
        findings.append(Finding("structure-empty", message))
    slices = np.arange(reference.shape[0], dtype=float) if slice_places is None else slice_places
    indices = {number: _indices(contours[number], reference, path) for number in lungs}
    _check_inside([each for found in indices.values() for each in found], reference, path)
    labels = np.zeros(reference.shape, np.uint8)
    told = _Told()
    for number, label in lungs.items():
        planes = _planes(indices[number], reference, slices, told)
        check_gaps(planes.places, reference.spacing_mm[0], f"{path}: {structures[number][0]!r}")
        told.bridged += unfilled(planes.places, slices)
        labels[on_slices(planes, len(labels))] = label
    return Volume(labels, reference), (*findings, *told.findings())


class _Told:
    """Counts irregularities while planes are filled, for one finding each."""

    def __init__(self) -> None:
        self.bridged = self.twice = 0
        self.off = 0.0

    def findings(self) -> Iterator[Finding]:
        if self.twice:
            message = f"Contours that are stored twice were taken once ({self.twice})."
            yield Finding("duplicate-contours", message)
        if self.off > NEAR_SHARE:
            message = f"Contours lie up to {self.off:.2g} slice distances off the slices; the shape between was taken."
            yield Finding("contours-off-slices", message)
        if self.bridged:
            message = f"Slices without contours between others were filled by shape ({self.bridged})."
            yield Finding("contours-interpolated", message)


def _indices(contours: Sequence[FloatArray], reference: Geometry, path: Path) -> list[FloatArray]:
    """Return (n, 3) fractional indices (slice, row, column) of each contour's points."""
    found = [reference.to_index(points) for points in contours]
    if any(np.abs(each[:, 0] - each[:, 0].mean()).max() > ACROSS for each in found):
        raise ReadError(f"{path}: contours lie across the scan's slices; they were drawn on another series.")
    return found


def _check_inside(contours: Sequence[FloatArray], reference: Geometry, path: Path) -> None:
    centres = np.array([(each.min(axis=0) + each.max(axis=0)) / 2 for each in contours])
    outside = ((centres < -0.5) | (centres > np.array(reference.shape) - 0.5)).any(axis=1)
    if outside.sum() > GREATEST_LOSS * len(contours):
        message = f"{outside.sum()} of {len(contours)} contours lie outside the scan; they belong to another one."
        raise ReadError(f"{path}: {message}")


def _planes(contours: Sequence[FloatArray], reference: Geometry, slices: FloatArray, told: _Told) -> Planes:
    """Fill one structure's contours plane by plane."""
    heights = np.array([each[:, 0].mean() for each in contours])
    places, group = distinct(heights, SAME_PLACE_MM / reference.spacing_mm[0])
    masks = np.zeros((len(places), *reference.shape[1:]), bool)
    for plane, mask in enumerate(masks):
        told.twice += fill(mask, [contours[index][:, 1:] for index in np.flatnonzero(group == plane).tolist()])
    on = matched(places, slices)
    if on is not None and len(set(on.tolist())) == len(on):
        places = on
    else:
        told.off = max(told.off, float(np.abs(places[:, None] - slices[None, :]).min(axis=1).max()))
    return Planes(places, masks, max(0.5, usual_step(places) / 2))


def fill(mask: Mask, contours: Sequence[FloatArray]) -> int:
    """Fill one plane's contours into an empty mask; return how many duplicates were left out.

    Args:
        mask: (rows, columns), changed in place.
        contours: (n, 2) corners each, as fractional (row, column) indices.
    """
    shapes = []
    for points in contours:
        crossings = np.zeros(mask.shape, np.uint8)
        toggle_polygon(crossings, points)
        shapes.append(np.bitwise_xor.accumulate(crossings, axis=1).astype(bool))
    kept: list[Mask] = []
    # The largest first, so that a hole comes after the contour around it.
    for shape in sorted(shapes, key=np.count_nonzero, reverse=True):
        area = np.count_nonzero(shape)
        if any(np.count_nonzero(shape & each) >= SAME_SHARE * np.count_nonzero(shape | each) > 0 for each in kept):
            continue
        kept.append(shape)
        if area and np.count_nonzero(shape & mask) >= INSIDE_SHARE * area:
            mask ^= shape
        else:
            mask |= shape
    return len(shapes) - len(kept)


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
    """Return name and codes of each structure that has a number."""
    codes: dict[int, list[str]] = {}
    for item in dataset.get("RTROIObservationsSequence", []):
        number = int(item.get("ReferencedROINumber", -1))
        kinds = item.get("RTROIIdentificationCodeSequence", [])
        sides = [each for kind in kinds for each in kind.get("SegmentedPropertyTypeModifierCodeSequence", [])]
        codes.setdefault(number, []).extend(codes_of(*kinds, *sides))
        if item.get("RTROIInterpretedType") in TARGETS:
            codes[number].append(TARGETS[item.RTROIInterpretedType])
    named = {int(item.ROINumber): str(item.get("ROIName", "")) for item in dataset.get("StructureSetROISequence", [])}
    return {number: (name, codes.get(number, [])) for number, name in named.items()}


def _contours(dataset: Dataset, number: int) -> Iterator[FloatArray]:
    """Return (n, 3) LPS points of each closed contour of a structure."""
    for item in dataset.get("ROIContourSequence", []):
        if int(item.get("ReferencedROINumber", -1)) != number:
            continue
        for contour in item.get("ContourSequence", []):
            points = np.array(contour.get("ContourData", []), float).reshape(-1, 3)
            if not np.isfinite(points).all():
                raise ValueError("a contour's points are no finite numbers")
            if len(points) > 2 and contour.get("ContourGeometricType") not in NOT_FILLED:
                yield points
