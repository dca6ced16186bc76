"""Compares one prediction with one reference: all scores of each lung and of both, and the DSC of each slice.

docs/metrics.md defines the scores. Both label maps are compared on the reference's grid. Findings report what was
changed for the comparison, and what looks wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.metrics import Counts, count, surface_distances
from LungUNetSegLib.segments import BOTH_LUNGS, LEFT_LUNG, LUNGS, RIGHT_LUNG, LabelKind, title_of
from LungUNetSegLib.texts import listed
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Geometry, Volume, bounding_box
from LungUNetSegLib.volume.resample import orthogonal, resample

TOLERANCE_MM = 2.0
"""Tolerance of the surface DSC: two careful readers differ by this much at the edge of a lung."""

LOST_SHARE = 0.01
"""A finding is added if a prediction loses a larger share than this on the reference's grid."""


@dataclass(frozen=True, kw_only=True)
class RegionScores:
    """Scores of one region: the right lung, the left, or both. A score that is not defined is NaN.

    Attributes:
        name: Of the segment, "Right lung", "Left lung" or "Lungs" (both): how JSON and CSV name the region.
        dsc, jaccard, sensitivity, precision, accuracy: Overlap, 0 to 1 (`metrics.overlap`).
        prediction_ml, reference_ml: Volumes on the reference's grid.
        difference_ml: Prediction minus reference.
        difference_percent: The same in % of the reference; NaN if the reference is empty.
        hd_mm, hd95_mm, mean_surface_mm: Distances (`metrics.surface`); infinite if one of the masks is empty.
        surface_dsc_2mm: Surface DSC at `TOLERANCE_MM`.
        dsc_by_slice: One value for each slice from foot to head; NaN where neither mask has a voxel.
        accuracy_by_slice: Binary accuracy of each slice, over the whole plane.
        wrong_by_slice: Number of false positive and false negative voxels of each slice.
    """

    name: str
    dsc: float
    jaccard: float
    sensitivity: float
    precision: float
    accuracy: float
    prediction_ml: float
    reference_ml: float
    difference_ml: float
    difference_percent: float
    hd_mm: float
    hd95_mm: float
    mean_surface_mm: float
    surface_dsc_2mm: float
    dsc_by_slice: tuple[float, ...]
    accuracy_by_slice: tuple[float, ...]
    wrong_by_slice: tuple[int, ...]

    @property
    def title(self) -> str:
        """The region's name for people: "Right lung", "Left lung" or "Both lungs"."""
        return title_of(self.name)

    def slices_from_worst(self) -> list[int]:
        """Return the slices with lung, lowest DSC first; among equal ones, more wrong voxels first."""
        where = np.flatnonzero(~np.isnan(self.dsc_by_slice))
        dsc, wrong = np.array(self.dsc_by_slice)[where], np.array(self.wrong_by_slice)[where]
        return [int(each) for each in where[np.lexsort((-wrong, dsc))]]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The result of `compare`.

    Attributes:
        regions: Right lung, left lung and both; or both alone.
        findings: What was changed for the comparison, and what looks wrong.
        prediction: uint8 labels on the reference's grid, axes (head, back, left); slice k is that of `dsc_by_slice`.
            1 is the right lung and 2 the left; or 1 is both, if both lungs are compared as one.
        reference: uint8 labels on the same grid.
    """

    regions: tuple[RegionScores, ...]
    findings: tuple[Finding, ...]
    prediction: Volume
    reference: Volume

    @property
    def whole(self) -> RegionScores:
        """The scores of both lungs together."""
        return self.regions[-1]

    def slice_centre_lps(self, index: int) -> tuple[float, float, float]:
        """Return the centre of a slice in LPS mm, to which a viewer should jump."""
        x, y, z = self.reference.geometry.slice_centre_lps(index)
        return float(x), float(y), float(z)


def compare(prediction: Volume, reference: Volume, labels: LabelKind = "lr") -> Comparison:
    """Score a prediction against a reference on the reference's grid.

    Args:
        prediction: Label map of integers, on any grid of the same patient.
        reference: Label map of integers.
        labels: ``"lr"``: 1 = right lung, 2 = left. ``"binary"``: every value but 0 is lung, right and left together.

    Raises:
        DataError: A volume is not a label map, or contains other values than 0, 1 and 2.
        GeometryError: The grids do not overlap: different scans or frames of reference.
    """
    for name, volume in (("prediction", prediction), ("reference", reference)):
        _check_labels(volume.array, name)
    reference = _as_labels(reference.canonical(), labels)
    prediction, findings = _on_reference_grid(_as_labels(prediction.canonical(), labels), reference)
    # The margin is needed since `surface_distances` takes an axis of one voxel for a scan of a single slice.
    box = bounding_box(prediction.array | reference.array, margin=1)
    predicted, referred = prediction.array[box], reference.array[box]
    masks = {}
    findings += _check_holes(predicted, referred)
    if labels == "lr":
        findings += _check_sides(predicted, referred)
        masks = {lung.name: (predicted == lung.label, referred == lung.label) for lung in LUNGS}
    masks[BOTH_LUNGS[0].name] = (predicted > 0, referred > 0)
    regions = tuple(_score(name, *pair, box[0], reference.geometry) for name, pair in masks.items())
    findings += tuple(finding for region in regions for finding in _check_empty(region))
    return Comparison(regions, findings, prediction, reference)


def _score(name: str, prediction: Mask, reference: Mask, slices: slice, geometry: Geometry) -> RegionScores:
    """Score two masks that are cropped to `slices` and within the planes; both are background outside the crop."""
    by_slice = count(prediction, reference, axis=(1, 2))
    tp, fp, fn = (each.sum() for each in (by_slice.tp, by_slice.fp, by_slice.fn))
    counts = Counts(tp, fp, fn, math.prod(geometry.shape) - tp - fp - fn)
    dsc_by_slice = np.full(geometry.shape[0], np.nan)
    dsc_by_slice[slices] = by_slice.dsc
    wrong_by_slice = np.zeros(geometry.shape[0], np.int64)
    wrong_by_slice[slices] = by_slice.fp + by_slice.fn
    distances = surface_distances(prediction, reference, geometry.affine_lps[:3, :3])
    prediction_ml, reference_ml = (float(each) * geometry.voxel_volume_ml for each in (tp + fp, tp + fn))
    return RegionScores(
        name=name,
        dsc=float(counts.dsc),
        jaccard=float(counts.jaccard),
        sensitivity=float(counts.sensitivity),
        precision=float(counts.precision),
        accuracy=float(counts.accuracy),
        prediction_ml=prediction_ml,
        reference_ml=reference_ml,
        difference_ml=prediction_ml - reference_ml,
        difference_percent=100 * (prediction_ml / reference_ml - 1) if reference_ml else float("nan"),
        hd_mm=distances.hd_mm,
        hd95_mm=distances.hd95_mm,
        mean_surface_mm=distances.mean_mm,
        surface_dsc_2mm=distances.surface_dsc(TOLERANCE_MM),
        dsc_by_slice=tuple(dsc_by_slice.tolist()),
        accuracy_by_slice=tuple((1 - wrong_by_slice / math.prod(geometry.shape[1:])).tolist()),
        wrong_by_slice=tuple(wrong_by_slice.tolist()),
    )


def _check_labels(array: npt.NDArray[Any], name: str) -> None:
    if array.dtype.kind not in "biu":
        raise DataError(f"The {name} contains {array.dtype} values; a label map contains integers. Is it an image?")
    if array.min() < 0 or array.max() > LEFT_LUNG:
        shown = listed([str(each) for each in np.unique(array[(array < 0) | (array > LEFT_LUNG)])])
        raise DataError(
            f"The {name} contains the value(s) {shown}; expected 0 (background), 1 (right lung) and 2 (left lung) only."
            " Is it an image, or a label map of something else?"
        )


def _as_labels(volume: Volume, labels: LabelKind) -> Volume:
    """Return uint8 labels; without sides both lungs are 1, so that pictures show no difference between sides."""
    array = volume.array if labels == "lr" else volume.array > 0
    return Volume(array.astype(np.uint8, copy=False), volume.geometry)


def _on_reference_grid(prediction: Volume, reference: Volume) -> tuple[Volume, tuple[Finding, ...]]:
    if prediction.geometry.matches(reference.geometry, GRID_TOLERANCE_MM):
        return Volume(prediction.array, reference.geometry), ()
    for one, other in ((prediction.geometry, reference.geometry), (reference.geometry, prediction.geometry)):
        if not _reaches_into(one, other):
            raise GeometryError(
                f"Prediction and reference do not overlap in space: {_extent(prediction.geometry)} against"
                f" {_extent(reference.geometry)}. They belong to different scans or frames of reference."
            )
    if not prediction.geometry.is_orthogonal:
        prediction = orthogonal(prediction, "nearest", 0)
    moved = resample(prediction, reference.geometry, "nearest")
    sizes = [" x ".join(map(str, volume.geometry.shape)) for volume in (prediction, reference)]
    message = f"The prediction ({sizes[0]} voxels) was resampled onto the reference's grid ({sizes[1]} voxels)."
    findings = [Finding("prediction-resampled", message)]
    before_ml, after_ml = (_volume_ml(volume) for volume in (prediction, moved))
    if after_ml < before_ml * (1 - LOST_SHARE):
        outside = f"{before_ml - after_ml:.0f} of {before_ml:.0f} ml"
        message = f"The prediction reaches beyond the reference's grid: {outside} were left out."
        findings.append(Finding("prediction-cropped", message))
    return moved, tuple(findings)


def _reaches_into(one: Geometry, other: Geometry) -> bool:
    """Return whether `one` covers part of `other`'s index range along each of its axes."""
    corners = other.to_index(one.corners_lps())
    low, high = corners.min(axis=0), corners.max(axis=0)
    return bool((high >= -0.5).all() and (low <= np.array(other.shape) - 0.5).all())


def _extent(geometry: Geometry) -> str:
    low, high = geometry.corners_lps().min(axis=0), geometry.corners_lps().max(axis=0)
    return " by ".join(f"{a:.0f}..{b:.0f}" for a, b in zip(low, high, strict=True)) + " mm"


def _volume_ml(volume: Volume) -> float:
    return float(np.count_nonzero(volume.array) * volume.geometry.voxel_volume_ml)


def _check_holes(prediction: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8]) -> tuple[Finding, ...]:
    """Report slices in which one of the two is empty between slices with lung, while the other has lung there.

    A mask that was drawn on a scan with missing slices is empty there, although viewers fill the scan.
    """
    findings = []
    for name, array, other in (("prediction", prediction, reference), ("reference", reference, prediction)):
        used = np.flatnonzero(array.any(axis=(1, 2)))
        inside = slice(used[0], used[-1]) if used.size else slice(0)
        empty = int(np.count_nonzero(~array[inside].any(axis=(1, 2)) & other[inside].any(axis=(1, 2))))
        if not empty:
            continue
        message = (
            f"The {name} is empty in {empty} slice{'s' if empty > 1 else ''} between slices with lung; this counts as"
            " an error. If it was drawn on a scan with missing slices, compare the files with"
            " `lungunetseg evaluate --images`, which resamples scan and mask to one grid."
        )
        findings.append(Finding(f"{name}-slices-empty", message))
    return tuple(findings)


def _check_sides(prediction: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8]) -> tuple[Finding, ...]:
    findings = []
    for name, array, other in (("prediction", prediction, reference), ("reference", reference, prediction)):
        missing = [lung for lung in LUNGS if not (array == lung.label).any() and (other == lung.label).any()]
        if len(missing) == 1 and array.any():
            message = (
                f"The {name} has no {missing[0].name.lower()}. If one label covers both lungs, compare both lungs as "
                "one: on the command line with --labels binary, in Slicer by choosing that segment for right and left."
            )
            findings.append(Finding(f"{name}-one-label", message))
    right, left = (prediction == RIGHT_LUNG), (prediction == LEFT_LUNG)
    straight = np.count_nonzero(right & (reference == RIGHT_LUNG)) + np.count_nonzero(left & (reference == LEFT_LUNG))
    crossed = np.count_nonzero(right & (reference == LEFT_LUNG)) + np.count_nonzero(left & (reference == RIGHT_LUNG))
    if crossed > straight and not (findings and straight):
        message = "Most of the prediction's right lung lies in the reference's left lung, and vice versa."
        findings.append(Finding("sides-swapped", message))
    return tuple(findings)


def _check_empty(region: RegionScores) -> tuple[Finding, ...]:
    name = region.title
    if not region.reference_ml and not region.prediction_ml:
        return (Finding("in-neither", f"{name}: in neither label map; nothing can be scored."),)
    if not region.reference_ml:
        return (Finding("not-in-reference", f"{name}: in the prediction only ({region.prediction_ml:.0f} ml)."),)
    if not region.prediction_ml:
        return (Finding("not-predicted", f"{name}: in the reference only ({region.reference_ml:.0f} ml)."),)
    if not region.dsc:
        return (Finding("no-overlap", f"{name}: prediction and reference have no voxel in common."),)
    return ()
