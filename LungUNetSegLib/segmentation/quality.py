"""Judges how far a result can be trusted: quality numbers, and the findings that follow from them.

LOW_CONFIDENCE is calibrated on cross-validated results (docs/model_card.md); the other thresholds are explained below.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.measures import LungMeasures
from LungUNetSegLib.segmentation.agreement import Agreement
from LungUNetSegLib.segmentation.anatomy import contradictions
from LungUNetSegLib.segmentation.behind_lungs import solid_behind
from LungUNetSegLib.segmentation.cleaning import Cleaning
from LungUNetSegLib.segmentation.plausibility import unlike_lungs
from LungUNetSegLib.segmentation.probabilities import HALF, Probabilities
from LungUNetSegLib.volume import Geometry, Volume

LUNG_BELOW_HU = -500
TISSUE_HU = (-200, 200)
AIR_LEAST_SHARE = 0.005
TISSUE_LEAST_SHARE = 0.02
"""A scan of a chest has at least these shares of voxels like air or lung, and like soft tissue."""

CUT_LEAST_MM2 = 200.0
"""A lung with this area in the outermost plane of a scan is cut off; a smaller area may be its tip."""

SMALL_LUNG_RATIO = 0.4
"""A lung with less than this share of the other one's volume gets a finding."""

WHOLE_CHEST_MM = 150.0
"""Shorter scans show only parts of lungs, whose volumes cannot be compared."""

LONE_LUNG_RATIO, LONE_LUNG_MM = 0.02, 60.0
"""In a scan of at least this height a lung with a smaller ratio is missing; shorter scans may show one base only."""

STRAY_LEAST_ML = 20.0
PART_LEAST_ML = 1.0
"""Smaller parts are not counted in the remark: an oblique scan can have tens of a few voxels."""

DOUBTFUL_SIDE_SHARE = 0.02
"""Share of the lungs' volume that changed side, above which a finding is made."""

LOW_CONFIDENCE = 0.97
"""Expected Dice coefficient of a lung below which it should be checked. In cross-validation all but three slices with
a DSC under 0.965 were below it, and three of the better ones."""

_BODY_DIRECTIONS = (("right", "left"), ("front", "back"), ("feet", "head"))
"""Names of the beginning and the end of the axes x, y and z in LPS."""


def assess(
    scan: Volume,
    labels: Volume,
    measures: LungMeasures,
    confidence: float | None,
    cleaning: Cleaning,
    agreement: Agreement | None = None,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Judge a result.

    Args:
        scan: HU.
        labels: The result, on the same grid; 0 is not lung.
        measures: Of these labels.
        confidence: `confidence_of` its probabilities.
        cleaning: The changes that cleaning made.
        agreement: How well the result and the coarse network's lungs agree; None without a coarse view.

    Returns:
        The quality record, plain numbers by name, and the findings. The record has ``confidence``, the lower expected
        Dice coefficient of both lungs (None without lung); ``air_share`` and ``tissue_share`` of the scan's voxels;
        ``cut_mm2``, area of lung in the scan's outermost planes by direction; the changes by cleaning; and, with a
        coarse view, ``coarse_dsc``, ``coarse_far_ml`` and ``coarse_side_ml``, see `Agreement`.
    """
    own, findings = judge_labels(scan, labels, measures)
    record: dict[str, Any] = {
        "confidence": confidence,
        **own,
        "removed_parts": len(cleaning.removed_ml),
        "removed_ml": sum(cleaning.removed_ml),
        "moved_ml": cleaning.moved_ml,
        "filled_ml": cleaning.filled_ml,
        "sides_swapped": cleaning.sides_swapped,
        "outside_ml": cleaning.outside_ml,
        "fluid_ml": cleaning.fluid_ml,
        "added_ml": cleaning.added_ml,
    }
    if agreement is not None:
        record |= {f"coarse_{name}": value for name, value in dataclasses.asdict(agreement).items()}
    more: tuple[Finding | None, ...] = (_fluid(record),)
    if measures.volumes_ml["total"] > 0:
        more += (_doubtful_sides(record, measures.volumes_ml), _stray(cleaning), _unsure(record))
    return record, (*findings, *(finding for finding in more if finding))


def judge_labels(scan: Volume, labels: Volume, measures: LungMeasures) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Judge labels by themselves, whoever drew them; arguments and values are those of `assess`.

    Returns:
        ``air_share``, ``tissue_share`` and ``cut_mm2`` of the quality record, and the findings that follow.
    """
    volumes_ml = measures.volumes_ml
    air_share, tissue_share = _hu_shares(scan)
    record: dict[str, Any] = {"air_share": air_share, "tissue_share": tissue_share, "cut_mm2": _cut_mm2(labels)}
    findings = [_not_hu(record)]
    if volumes_ml["total"] == 0:
        findings.append(Finding("no-lung", "No lung was found in this scan."))
    else:
        findings += [*unlike_lungs(scan, labels, measures), *contradictions(scan, labels)]
        findings += [solid_behind(scan, labels, have_sides="right" in volumes_ml), _cut(record)]
        extent_mm = _extent_mm(labels.geometry)
        if extent_mm >= LONE_LUNG_MM:
            findings.append(_small(volumes_ml, SMALL_LUNG_RATIO if extent_mm >= WHOLE_CHEST_MM else LONE_LUNG_RATIO))
    return record, tuple(finding for finding in findings if finding)


def confidence_of(probabilities: Probabilities) -> float | None:
    """Return the lower of both lungs' Dice coefficients as expected from the probabilities; None without lung.

    Args:
        probabilities: (D, 2, h, w) on the network's grid, 0 to 255, after cleaning.
    """
    expected = []
    for side in (0, 1):
        total = inside = size = 0
        for values in probabilities[:, side]:
            lung = values[values >= HALF]
            total += int(values.sum(dtype=np.int64))
            inside += int(lung.sum(dtype=np.int64))
            size += lung.size
        if size:
            expected.append(2 * inside / (total + 255 * size))
    return min(expected, default=None)


def _hu_shares(scan: Volume) -> tuple[float, float]:
    """Return the shares of voxels like air or lung, and like soft tissue, in a sample of the scan."""
    array = scan.canonical().array  # so that the same voxels are taken in whatever order they are stored
    steps = tuple(max(1, size // 64) for size in array.shape)
    sample = array[:: steps[0], :: steps[1], :: steps[2]]
    low, high = TISSUE_HU
    return float((sample < LUNG_BELOW_HU).mean()), float(((sample > low) & (sample < high)).mean())


def _cut_mm2(labels: Volume) -> dict[str, float]:
    """Return the area of lung in the first and last plane along each axis (if it has inner planes), by direction."""
    areas = {}
    geometry = labels.geometry
    for axis, size in enumerate(labels.array.shape):
        if size < 3:
            continue
        others = [geometry.spacing_mm[each] for each in range(3) if each != axis]
        direction = geometry.directions[:, axis]
        along = int(np.abs(direction).argmax())
        names = _BODY_DIRECTIONS[along] if direction[along] > 0 else _BODY_DIRECTIONS[along][::-1]
        for name, index in zip(names, (0, -1), strict=True):
            areas[name] = float(np.count_nonzero(labels.array.take(index, axis)) * others[0] * others[1])
    return areas


def _extent_mm(geometry: Geometry) -> float:
    """Return the height of a scan along the body."""
    return float(np.ptp(geometry.corners_lps()[:, 2]))


def _not_hu(record: dict[str, Any]) -> Finding | None:
    air, tissue = record["air_share"], record["tissue_share"]
    if air >= AIR_LEAST_SHARE and tissue >= TISSUE_LEAST_SHARE:
        return None
    return Finding(
        "not-hu",
        f"The values do not look like Hounsfield units of a chest CT: {air:.1%} are as low as air or lung, and "
        f"{tissue:.1%} are like soft tissue. Do not trust the result.",
    )


def _cut(record: dict[str, Any]) -> Finding | None:
    cut = {name: area for name, area in record["cut_mm2"].items() if area >= CUT_LEAST_MM2}
    if not cut:
        return None
    where = " and ".join(f"{name} ({area / 100:.1f} cm\u00b2)" for name, area in cut.items())
    return Finding(
        "lung-cut", f"The lung is cut off at the edge of the scan: {where}. The volume covers only what was scanned."
    )


def _doubtful_sides(record: dict[str, Any], volumes_ml: dict[str, float]) -> Finding | None:
    if record["sides_swapped"]:
        message = "The network swapped right and left; this was corrected from their positions. Check the sides."
    elif record["moved_ml"] >= DOUBTFUL_SIDE_SHARE * volumes_ml["total"]:
        message = f"{record['moved_ml']:.0f} ml were reassigned to the other lung. Check the sides."
    else:
        return None
    return Finding("sides-in-doubt", message)


def _stray(cleaning: Cleaning) -> Finding | None:
    removed_ml, outside_ml = sum(cleaning.removed_ml), cleaning.outside_ml
    if removed_ml + outside_ml < STRAY_LEAST_ML:
        return None
    removed = []
    if removed_ml >= PART_LEAST_ML:
        removed.append(f"{_parts(cleaning.removed_ml)} ({removed_ml:.0f} ml)")
    if outside_ml >= 1:
        removed.append(f"air around the body ({outside_ml:.0f} ml)")
    return Finding("stray-parts", f"Removed because it is not lung: {' and '.join(removed)}.")


def _parts(sizes_ml: tuple[float, ...]) -> str:
    """Count removed parts as a reader would: the small ones only together."""
    count = sum(size >= PART_LEAST_ML for size in sizes_ml)
    if not count:
        return "small separate parts"
    small = " and smaller ones" if count < len(sizes_ml) else ""
    return f"{count} separate {'part' if count == 1 else 'parts'}{small}"


def _fluid(record: dict[str, Any]) -> Finding | None:
    if not record["fluid_ml"]:
        return None
    return Finding(
        "fluid-removed",
        f"{record['fluid_ml']:.0f} ml were removed because their density is that of fluid, not of lung: an effusion, "
        "or the space after a pneumonectomy? If it is lung, take it back by hand.",
    )


def _unsure(record: dict[str, Any]) -> Finding | None:
    if record["confidence"] >= LOW_CONFIDENCE:
        return None
    return Finding(
        "low-confidence",
        f"The network is unsure of this result (confidence {_below(record['confidence'], LOW_CONFIDENCE)}).",
    )


def _below(value: float, threshold: float) -> str:
    """Format a value with enough digits to show that it lies below a threshold."""
    return next(text for digits in range(2, 17) if float(text := f"{value:.{digits}f}") < threshold)


def _small(volumes_ml: dict[str, float], least_ratio: float) -> Finding | None:
    if "right" not in volumes_ml:
        return None
    (small_ml, side), (large_ml, other) = sorted((volumes_ml[name], name) for name in ("right", "left"))
    if small_ml >= least_ratio * large_ml:
        return None
    volumes = f"The {side} lung has {small_ml:.0f} ml, the {other} lung {large_ml:.0f} ml"
    message = f"{volumes}: collapsed, removed, or missed?"
    if small_ml < LONE_LUNG_RATIO * large_ml:
        message += f" If the scan shows one lung only, check that it is the {other} one."
    return Finding("small-lung", message)
