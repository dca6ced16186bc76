"""Checks that two scans can be compared, and reports what differs between them besides the lungs."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LungUNetSegLib.cases.sides import is_both_lungs
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.measures import Acquisition, LungMeasures, judge, measure_lungs
from LungUNetSegLib.segmentation.quality import judge_labels
from LungUNetSegLib.segments import SIDES
from LungUNetSegLib.volume import Volume

NO_HU = ("no-air", "beyond-scanner")
"""Codes of readers' findings on values that are not Hounsfield units."""

BREATH_PERCENT = 10.0
"""A larger change of both lungs' volume is due to breathing rather than disease, and changes all densities."""

THICKNESS_RATIO = 1.3
"""If slice thicknesses differ by a larger factor, they average lung and vessels differently."""

BLOOD_STEP_HU = 40.0
"""A larger difference of the tissue between the lungs shows contrast agent in one of the scans."""

CUT = "lung-cut"
"""Code of the finding on lungs that the edge of a scan cuts off."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DatedScan:
    """One of the two scans.

    Attributes:
        name: Display name.
        ct: HU.
        labels: 1 right and 2 left lung, on the same grid.
        acquisition: How it was acquired.
        patient: The patient's ID, which is only compared, never shown; "" if unknown.
        date: Date of the scan; None if unknown.
        series_uid: UID of its series; None if unknown.
        findings: On how the scan was read, and how its lungs were read or found.
    """

    name: str
    ct: Volume
    labels: Volume
    acquisition: Acquisition
    patient: str = ""
    date: datetime.date | None = None
    series_uid: str | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredScan:
    """A scan with what was measured of its lungs.

    Attributes:
        scan: The scan.
        measures: Volume, density and regions.
        acquisition: How it was acquired, with reasons for doubt, as in docs/json.md.
        findings: What is odd of this scan and its lungs, such as lungs that its edge cuts off, and reasons to doubt its
            density numbers.
    """

    scan: DatedScan
    measures: LungMeasures
    acquisition: dict[str, Any]
    findings: tuple[Finding, ...]


def measure(scan: DatedScan) -> MeasuredScan:
    """Measure the lungs of one of the scans.

    Raises:
        DataError: Its values are not HU, or there is no lung, or one label for both.
        GeometryError: Its lungs lie on another grid.
    """
    wrong = next((each for each in scan.findings if each.code in NO_HU), None)
    if wrong:
        raise DataError(f"{scan.name}: its density cannot be compared. {wrong.message} Give the original scan.")
    measures = measure_lungs(scan.labels, scan.ct)
    if not measures.volumes_ml["total"]:
        raise DataError(f"{scan.name}: there is no lung in its mask; give a mask of 1 (right) and 2 (left lung).")
    if not measures.volumes_ml["left"] and is_both_lungs(scan.labels, scan.ct):
        raise DataError(
            f"{scan.name}: its mask has one label for both lungs, and changes are measured of each; give a mask of 1"
            " (right) and 2 (left lung)."
        )
    acquisition, doubtful = judge(measures.scan, scan.acquisition)
    odd = judge_labels(scan.ct, scan.labels, measures)[1] + doubtful
    known = {"density-in-doubt", *(each.code for each in odd)}
    findings = (*(each for each in scan.findings if each.code not in known), *odd)
    return MeasuredScan(scan=scan, measures=measures, acquisition=acquisition, findings=findings)


def check_order(first: DatedScan, second: DatedScan, *, same_patient: bool = False) -> None:
    """Refuse scans of different patients, and scans in the wrong order.

    Args:
        first: The earlier scan.
        second: The later scan.
        same_patient: Whether different IDs are known to belong to one patient, as after anonymisation.

    Raises:
        DataError: The patients differ, or the first scan is later than the second.
    """
    if first.patient and second.patient and first.patient != second.patient and not same_patient:
        raise DataError(
            f"{first.name} and {second.name} have different patient IDs, so that they cannot show a change. If they "
            "are of one patient all the same, confirm that."
        )
    if first.date and second.date and first.date > second.date:
        raise DataError(
            f"{first.name} is of {first.date} and {second.name} of {second.date}: give the earlier scan first, or "
            "all changes have the wrong sign."
        )


def differences(first: MeasuredScan, second: MeasuredScan) -> tuple[Finding, ...]:
    """Return findings on all differences between two scans besides the lungs themselves."""
    found = (_same(first, second), *_missing_lungs(first, second), _breath(first, second))
    return tuple(each for each in (*found, *_technique(first.acquisition, second.acquisition)) if each)


def _same(first: MeasuredScan, second: MeasuredScan) -> Finding | None:
    one, other = first.scan.ct, second.scan.ct
    if one.array.shape != other.array.shape or not np.array_equal(one.array, other.array):
        return None
    return Finding("same-scan", "Both scans hold the same values: they are one scan, and nothing can have changed.")


def _missing_lungs(first: MeasuredScan, second: MeasuredScan) -> Iterator[Finding]:
    for side in SIDES:
        for each in (first, second):
            if not each.measures.volumes_ml[side]:
                message = (
                    f"{each.scan.name} has no {side} lung: unless the other scan lacks it too, changes of both lungs "
                    "together are meaningless."
                )
                yield Finding("one-lung", message)


def _breath(first: MeasuredScan, second: MeasuredScan) -> Finding | None:
    before, after = (each.measures.volumes_ml["total"] for each in (first, second))
    percent = 100 * (after / before - 1)
    named = [each.acquisition["breathing"] for each in (first, second)]
    if abs(percent) <= BREATH_PERCENT and not (all(named) and named[0] != named[1]):
        return None
    held = f" ({named[0]} and {named[1]})" if all(named) and named[0] != named[1] else ""
    cause = (
        "most of that is due to breathing, which changes all density numbers. Compare mass, and Perc15 at the first "
        "volume."
    )
    cut = [each.scan.name for each in (first, second) if any(found.code == CUT for found in each.findings)]
    if cut:
        cause = (
            f"{' and '.join(cut)} show{'s' * (len(cut) == 1)} only a part of the lungs, and breathing may differ too. "
            "Volume, mass, regions and Perc15 at the first volume do not compare the same lung."
        )
    return Finding("breath-differs", f"The lung volume differs by {percent:+.0f} % at the second date{held}: {cause}")


def _technique(first: dict[str, Any], second: dict[str, Any]) -> Iterator[Finding | None]:
    kernels = [each["kernel"] for each in (first, second)]
    if all(kernels) and kernels[0] != kernels[1]:
        message = f"The kernels differ ({kernels[0]} and {kernels[1]}): LAA, HAA, Perc15 and SD change with the kernel."
        yield Finding("kernel-differs", message)
    thick_mm = [each["thickness_mm"] or each["slice_mm"] for each in (first, second)]
    if max(thick_mm) > THICKNESS_RATIO * min(thick_mm):
        shown = " and ".join(f"{each:.3g} mm" for each in thick_mm)
        yield Finding("thickness-differs", f"The slices are {shown} thick: LAA, HAA and Perc15 change with that.")
    yield _contrast(first, second)


def _contrast(first: dict[str, Any], second: dict[str, Any]) -> Finding | None:
    enhanced: Sequence[bool | None] = [each["contrast"] for each in (first, second)]
    blood = [each["blood_hu"] for each in (first, second)]
    steps = None not in blood and abs(blood[1] - blood[0]) > BLOOD_STEP_HU
    if not steps and (None in enhanced or enhanced[0] == enhanced[1]):
        return None
    shown = "" if None in blood else f" (tissue between the lungs: {blood[0]:.0f} and {blood[1]:.0f} HU)"
    return Finding("contrast-differs", f"The scans differ in contrast agent{shown}, which makes the lung denser.")
