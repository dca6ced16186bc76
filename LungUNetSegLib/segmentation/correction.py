"""Measures a mask that was corrected by hand, and says what was changed: which lung, where, and by how many ml."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.measures import Acquisition, judge, measure_lungs
from LungUNetSegLib.measures.acquisition import BLOOD_HU
from LungUNetSegLib.segmentation.network_mask import check_grid
from LungUNetSegLib.segmentation.quality import judge_labels
from LungUNetSegLib.segments import NAMED_LABELS, SIDES, LabelKind
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.geometry import slice_number

Changes = dict[str, dict[str, Any]]
"""The changes of "right" and "left", or of "total": ``added_ml``, ``removed_ml``, ``slices`` and ``heights_mm``, the
lowest and the highest changed one (None without a change), and ``is_new``, whether the network's mask has nothing of
the lung."""

_OF_THE_MASK = {
    "no-lung", "volume-of-no-human", "dense-lung", "uniform-lung", "spine-in-front", "heart-on-the-right",
    "lungs-upside-down", "gas-in-lung", "solid-behind-lung", "lung-cut", "small-lung", "density-in-doubt", "not-hu",
}  # fmt: skip
"""Codes of findings that are judged anew of a corrected mask."""

_OF_THE_NETWORK = {"sides-in-doubt", "stray-parts", "fluid-removed", "low-confidence"}
"""Codes that were about the network's mask: once it is corrected somebody has looked at it."""

SAME_HU = 0.5
"""The mean of the same voxels may differ by this much, as results were once kept with rounded numbers."""


def has_sides(result: Mapping[str, Any]) -> bool:
    """Return whether a result, as in its JSON, tells the right lung from the left."""
    return result["volumes_ml"].get("right") is not None


def changes_of(original: Volume, corrected: Volume, kind: LabelKind = "lr") -> Changes:
    """Return what was changed in each lung.

    Args:
        original: The network's labels.
        corrected: The labels as they are now, on the same grid.
        kind: What the labels mean.

    Raises:
        GeometryError: They lie on different grids.
    """
    check_grid(original, corrected)
    before, after = original.canonical(), corrected.canonical()
    voxel_ml = after.geometry.voxel_volume_ml
    changes: Changes = {}
    for name, label in NAMED_LABELS[kind].items():
        added, removed = np.zeros(len(after.array), np.int64), np.zeros(len(after.array), np.int64)
        was_found = False
        for number, (old, new) in enumerate(zip(before.array, after.array, strict=True)):
            was, now = (old > 0, new > 0) if kind == "binary" else (old == label, new == label)
            was_found |= bool(was.any())
            added[number], removed[number] = np.count_nonzero(now & ~was), np.count_nonzero(was & ~now)
        where = np.flatnonzero(added + removed)
        ends = [int(where[0]), int(where[-1])] if where.size else None
        changes[name] = {
            "added_ml": float(added.sum() * voxel_ml),
            "removed_ml": float(removed.sum() * voxel_ml),
            "slices": ends,
            "heights_mm": after.geometry.slice_centre_lps(ends)[:, 2].tolist() if ends else None,
            "is_new": not was_found and bool(added.any()),
        }
    return changes


def check_scan(result: Mapping[str, Any], scan: Volume, original: Volume) -> None:
    """Raise DataError unless the network's lungs are as dense in a scan as they were in the run.

    A volume of a scene may hold other voxels than it did then: another time point of a sequence, or filtered ones.

    Args:
        result: The report of the network's own mask.
        scan: HU.
        original: The network's labels on its grid.
    """
    lungs = original.array > 0
    then = result["mean_hu"].get("total")
    if then is None or not lungs.any():
        return
    now = float(np.mean(scan.array, dtype=np.float64, where=lungs))
    if abs(now - then) > SAME_HU:
        raise DataError(
            f"The CT's voxels are not those that were segmented: the network's lungs had a mean of {then:.1f} HU, and "
            f"have {now:.1f} HU now. In a sequence, choose the time point that was segmented; otherwise segment the CT "
            "again."
        )


def measure_correction(
    result: Mapping[str, Any],
    scan: Volume,
    labels: Volume,
    original: Volume | None,
    kind: LabelKind = "lr",
    remarks: tuple[Finding, ...] = (),
) -> dict[str, Any]:
    """Return the report of a corrected mask, with the keys of `summary.report`.

    Args:
        result: The report of the network's own mask.
        scan: HU.
        labels: The lungs as they are now, on its grid.
        original: The network's labels on this grid; None if they were not kept.
        kind: What the labels mean.
        remarks: On how the labels were read.

    Raises:
        DataError: No voxel is lung any more, or the scan is not the one that was segmented.
        GeometryError: The labels lie on another grid than the scan or than the network's mask.
    """
    if not labels.array.any():
        raise DataError(
            "Nothing is left of the lungs: no voxel of the CT is in a segment of a lung. Undo the last edits."
        )
    known = kind if has_sides(result) else "binary"
    changes = None if original is None else changes_of(original, labels, known)
    if changes is not None and not any(each["slices"] for each in changes.values()):
        return {**result, "correction": None}
    if original is not None:
        check_scan(result, scan, original)
    measures = measure_lungs(labels, scan, kind)
    record, judged = judge_labels(scan, labels, measures)
    acquisition, doubts = judge(measures.scan, _acquisition(result.get("acquisition") or {}))
    kept = [each for each in result["findings"] if each["code"] not in _OF_THE_MASK | _OF_THE_NETWORK]
    empty = [name for name in SIDES if measures.volumes_ml.get(name) == 0 and result["volumes_ml"].get(name)]
    gone = [Finding("lung-removed", f"Nothing is left of the {name} lung after the correction.") for name in empty]
    own = [dataclasses.asdict(each) for each in (*remarks, *gone, *judged, *doubts)]
    return {
        **result,
        **measures.record(),
        "acquisition": acquisition,
        "findings": [*kept, *own],
        "quality": {**result.get("quality", {}), **record},
        "correction": changes if changes is not None else {},
        "methods": f"{result['methods']} {correction_sentence(changes)}",
    }


def correction_sentence(changes: Changes | None) -> str:
    """Return the sentence of the methods section that says what was corrected.

    Args:
        changes: From `changes_of`; None if they are not known.
    """
    if changes is None:
        return "The lungs may have been corrected by hand since; the network's own mask was not kept."
    parts = []
    for name, each in changes.items():
        lung = "both lungs" if name == "total" else f"{name} lung"
        if each["slices"] is None:
            parts.append(f"{lung} unchanged")
            continue
        (first, last), (low, high) = each["slices"], each["heights_mm"]
        parts.append(
            f"{lung} +{each['added_ml']:.1f} ml and \N{MINUS SIGN}{each['removed_ml']:.1f} ml in axial slices "
            f"{slice_number(first)} to {slice_number(last)} from the feet (z {low:.1f} to {high:.1f} mm)"
        )
    return f"The masks were then corrected by hand: {'; '.join(parts)}."


def _acquisition(record: Mapping[str, Any]) -> Acquisition:
    """Return what a report says of the scan's header; `judge` finds the rest anew."""
    by_blood = any((record.get(key) or 0) > BLOOD_HU for key in ("blood_hu", "aorta_hu"))
    return Acquisition(
        thickness_mm=record.get("thickness_mm"),
        kernel=record.get("kernel") or "",
        contrast_agent="contrast agent" if record.get("contrast") and not by_blood else "",
        title=record.get("breathing") or "",
    )
