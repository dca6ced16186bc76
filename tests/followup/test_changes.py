"""Changes of blocks whose numbers are computed by hand, and what is refused or said."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.followup.changes import ADJUSTED, lung_changes, region_changes
from LungUNetSegLib.followup.scans import DatedScan, check_order, differences, measure
from LungUNetSegLib.measures import UNKNOWN, Acquisition
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume

MakeScan = Callable[..., DatedScan]


def codes(first: DatedScan, second: DatedScan) -> list[str]:
    return [each.code for each in differences(measure(first), measure(second))]


def test_a_known_change_of_volume_mass_and_density(blocks: MakeScan) -> None:
    """Protects the numbers: of the right lung's 80 ml at -800 HU, 0.2 g/ml, are left 64 ml at -700 HU, 0.3 g/ml.

    Its mass goes from 16 to 19.2 g. Perc15 is 200 and 300 g/l; at the first volume the second would be 300 x 64 / 80.
    """
    first, second = measure(blocks(right=10)), measure(blocks(right=8, hu=-700))
    changes = lung_changes(first, second)
    right, total = changes["right"], changes["total"]
    assert right is not None and total is not None
    assert right["volume_ml"] == pytest.approx({"first": 80, "second": 64, "change": -16, "change_percent": -20})
    assert right["mass_g"] == pytest.approx({"first": 16, "second": 19.2, "change": 3.2, "change_percent": 20})
    assert right["mean_hu"] == pytest.approx({"first": -800, "second": -700, "change": 100})
    assert right["perc15_g_per_l"] == pytest.approx({"first": 200, "second": 300, "change": 100, "change_percent": 50})
    assert right[ADJUSTED] == pytest.approx({"first": 200, "second": 240, "change": 40, "change_percent": 20})
    assert total["volume_ml"]["change"] == pytest.approx(-16)
    regions = region_changes(first, second)
    dorsal = regions["left"]["dorsal"]
    assert dorsal is not None and dorsal["volume_ml"]["change"] == 0
    assert dorsal["mass_g"] == pytest.approx({"first": 8, "second": 12, "change": 4, "change_percent": 50})


def test_a_lung_that_is_not_there_has_no_change(blocks: MakeScan) -> None:
    both, one = blocks("both"), blocks("one", left=0)
    changes = lung_changes(measure(both), measure(one))
    assert changes["left"] is None and changes["right"] is not None
    assert region_changes(measure(both), measure(one))["left"]["dorsal"] is None
    found = {each.code: each.message for each in differences(measure(both), measure(one))}
    assert "one has no left lung" in found["one-lung"]


def test_what_cannot_be_compared_is_refused(blocks: MakeScan) -> None:
    """Protects from numbers that are no change: other patients, swapped dates, no HU, no lung, another grid."""
    days = [datetime.date(2024, 5, 1), datetime.date(2025, 5, 1)]
    old, new = (blocks(str(day), date=day, patient="A") for day in days)
    check_order(old, new)
    with pytest.raises(DataError, match="2025-05-01 is of 2025-05-01 and 2024-05-01 of 2024-05-01: give the earlier"):
        check_order(new, old)
    other = blocks("other", patient="B")
    with pytest.raises(DataError, match="different patient IDs"):
        check_order(old, other)
    check_order(old, other, same_patient=True)
    check_order(old, blocks(), same_patient=False)  # an image file names no patient
    with pytest.raises(DataError, match="its density cannot be compared"):
        measure(blocks(findings=(Finding("no-air", "No value is below -200."),)))
    with pytest.raises(DataError, match="there is no lung in its mask"):
        measure(blocks(right=0, left=0))
    scan = blocks()
    elsewhere = Geometry.axial((16, 8, 12), (10.0, 10.0, 10.0), (5.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="another grid"):
        measure(dataclasses.replace(scan, labels=Volume(scan.labels.array, elsewhere)))


def test_a_scan_that_ends_in_the_lungs_is_no_breath(blocks: MakeScan) -> None:
    """Protects from half of a scan that was called a breath: 80 of 160 ml, cut off at the feet."""
    whole = blocks("whole")
    top = slice(7, None)  # of the slices 2 to 11 with lung
    geometry = Geometry.axial((9, 8, 12), (10.0, 10.0, 10.0), (0.0, 0.0, 70.0))
    part = dataclasses.replace(
        whole, name="part", ct=Volume(whole.ct.array[top], geometry), labels=Volume(whole.labels.array[top], geometry)
    )
    found = {each.code: each.message for each in differences(measure(whole), measure(part))}
    assert "part shows only a part of the lungs" in found["breath-differs"] and "-50 %" in found["breath-differs"]
    assert "lung-cut" in [each.code for each in measure(part).findings]
    assert "lung-cut" not in [each.code for each in measure(whole).findings]


def test_one_label_for_both_lungs_is_no_right_lung(blocks: MakeScan) -> None:
    scan = blocks("paper")
    with pytest.raises(DataError, match="paper: its mask has one label for both lungs"):
        measure(dataclasses.replace(scan, labels=Volume((scan.labels.array > 0).astype(np.uint8), scan.ct.geometry)))


def test_what_is_odd_of_a_scan_goes_along(blocks: MakeScan) -> None:
    """Protects from numbers of a scan whose reader, or whose network, had doubts; none is said twice."""
    given = (Finding("missing-slices", "3 are missing."), Finding("density-in-doubt", "older"))
    found = [each.code for each in measure(blocks(findings=given)).findings]
    assert found.count("missing-slices") == 1 and found.count("density-in-doubt") == 1


def test_what_else_differs_is_said(blocks: MakeScan) -> None:
    """Protects from a change that is the scanner's or the breath's."""

    def made(**about: object) -> DatedScan:
        return blocks(hu=-790, acquisition=Acquisition(**about))  # type: ignore[arg-type]

    thin = {"kernel": "B30f", "thickness_mm": 1.0}
    assert codes(blocks(acquisition=Acquisition(**thin)), made(**thin)) == []  # type: ignore[arg-type]
    assert codes(made(**thin), made(**thin)) == ["same-scan"]
    first = blocks(acquisition=Acquisition(**thin))  # type: ignore[arg-type]
    assert codes(first, made(kernel="B70f", thickness_mm=1.0)) == ["kernel-differs"]
    assert codes(first, made(kernel="B30f", thickness_mm=1.25)) == []
    assert codes(first, made(kernel="B30f", thickness_mm=1.5)) == ["thickness-differs"]
    assert codes(first, made(**thin, contrast_agent="Iodine")) == []  # no header says that there was none
    assert codes(blocks(right=10, left=10), blocks(right=9, left=10, hu=-790)) == []  # 5 %
    assert codes(blocks(right=10, left=10), blocks(right=8, left=9, hu=-790)) == ["breath-differs"]
    inspired, expired = (Acquisition(title=f"Thorax {name}") for name in ("inspiration", "expiration"))
    found = differences(measure(blocks(acquisition=inspired)), measure(blocks(hu=-790, acquisition=expired)))
    assert [each.code for each in found] == ["breath-differs"]
    assert "(inspiration and expiration)" in found[0].message


def test_blood_tells_of_contrast_agent(phantom: Phantom) -> None:
    """Protects scans whose header names no agent: 150 HU more between the lungs."""
    array = np.where(phantom.ct.array > 0, phantom.ct.array + 150, phantom.ct.array).astype(np.int16)
    plain, enhanced = (
        DatedScan(name="scan", ct=Volume(each, phantom.ct.geometry), labels=phantom.labels, acquisition=UNKNOWN)
        for each in (phantom.ct.array, array)
    )
    assert codes(plain, enhanced) == ["contrast-differs"]
