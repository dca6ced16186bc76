"""Compares two scans in all respects, and gives the result as values for JSON and as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import LungUNetSegLib
from LungUNetSegLib.files import write_csv
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.followup.alignment import (
    Alignment,
    align_affine,
    align_deformable,
    align_rigid,
)
from LungUNetSegLib.followup.changes import Change, lung_changes, region_changes
from LungUNetSegLib.followup.density_change import density_change
from LungUNetSegLib.followup.scans import DatedScan, MeasuredScan, check_order, differences, measure
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.volume import Volume

STAGE = "compare"


@dataclass(frozen=True, eq=False, kw_only=True)
class Followup:
    """The comparison of two scans of one patient.

    Attributes:
        first, second: The scans with their measures.
        lungs: Changes by lung; see `changes.lung_changes`.
        regions: Changes by lung and region.
        rigid, affine: How the first scan lies on the second.
        deformable: The same by a deformation, if requested.
        density: Local change of density in HU, float32 on the second scan's grid, if requested.
        findings: What else differs between the scans, and reasons to doubt each scan's numbers.
    """

    first: MeasuredScan
    second: MeasuredScan
    lungs: dict[str, dict[str, Change] | None]
    regions: dict[str, dict[str, dict[str, Change] | None]]
    rigid: Alignment
    affine: Alignment
    deformable: Alignment | None
    density: Volume | None
    findings: tuple[Finding, ...]


def compare_dates(
    first: DatedScan,
    second: DatedScan,
    *,
    same_patient: bool = False,
    deform: bool = False,
    progress: Progress = silent,
) -> Followup:
    """Compare the lungs of two scans of one patient.

    Args:
        first: The earlier scan.
        second: The later one.
        same_patient: Whether different patient IDs are known to belong to one patient.
        deform: Whether to align by a deformation too, and to subtract the densities.
        progress: Called as ``("compare", done, total)``.

    Raises:
        DataError: Different patients, swapped dates, no HU, no lung, or lungs that do not match each other.
        GeometryError: Lungs lie on another grid than their scan.
    """
    check_order(first, second, same_patient=same_patient)
    total = 5 if deform else 3
    progress(STAGE, 0, total)
    one, other = measure(first), measure(second)
    progress(STAGE, 1, total)
    rigid = align_rigid(first.labels, second.labels)
    progress(STAGE, 2, total)
    affine = align_affine(first.labels, second.labels, rigid)
    progress(STAGE, 3, total)
    own = tuple(
        Finding(found.code, f"{each.scan.name}: {found.message}") for each in (one, other) for found in each.findings
    )
    found = Followup(
        first=one,
        second=other,
        lungs=lung_changes(one, other),
        regions=region_changes(one, other),
        rigid=rigid,
        affine=affine,
        deformable=None,
        density=None,
        findings=differences(one, other) + own,
    )
    return deformed(found, progress) if deform else found


def deformed(found: Followup, progress: Progress = silent) -> Followup:
    """Return a comparison with a deformation and the local change of density in addition.

    Args:
        found: From `compare_dates`.
        progress: Called as ``("compare", done, 5)``.
    """
    first, second = found.first.scan, found.second.scan
    lungs = (first.labels, second.labels)
    deformable = align_deformable(first.ct, second.ct, lungs, found.affine)
    progress(STAGE, 4, 5)
    density = density_change(first.ct, second.ct, lungs, deformable)
    progress(STAGE, 5, 5)
    return dataclasses.replace(found, deformable=deformable, density=density)


def record(found: Followup) -> dict[str, Any]:
    """Return a comparison as values for JSON; docs/json.md explains each key."""
    dates = [each.scan.date for each in (found.first, found.second)]
    return {
        "lungunetseg": LungUNetSegLib.__version__,
        "first": _scan(found.first),
        "second": _scan(found.second),
        "days": (dates[1] - dates[0]).days if dates[0] and dates[1] else None,
        "lungs": found.lungs,
        "regions": found.regions,
        "alignment": {
            "rigid": _alignment(found.rigid),
            "affine": _alignment(found.affine),
            "deformable": _alignment(found.deformable) if found.deformable else None,
        },
        "findings": [dataclasses.asdict(each) for each in found.findings],
    }


def write_changes_csv(path: Path, found: Followup) -> None:
    """Write a row for each number of each lung and region.

    Raises:
        WriteError: The file cannot be written.
    """
    columns = ("lung", "region", "measure", "first", "second", "change", "change_percent")
    rows = (
        [lung, region, key, *(_cell(change, name) for name in columns[3:])]
        for lung in found.lungs
        for region, changes in {"": found.lungs[lung], **found.regions[lung]}.items()
        for key, change in (changes or {}).items()
    )
    write_csv(path, columns, rows)


def _cell(change: Mapping[str, float | None], name: str) -> str:
    value = change.get(name)
    return "" if value is None else f"{value:.2f}"


def _scan(measured: MeasuredScan) -> dict[str, Any]:
    scan = measured.scan
    return {
        "input": scan.name,
        "series_uid": scan.series_uid,
        "date": scan.date.isoformat() if scan.date else None,
        "acquisition": measured.acquisition,
    }


def _alignment(alignment: Alignment) -> dict[str, Any]:
    matrix = alignment.matrix
    return {
        "matrix_lps": None if matrix is None else matrix.tolist(),
        "dsc": alignment.dsc,
        "surface_mm": alignment.surface_mm,
    }
