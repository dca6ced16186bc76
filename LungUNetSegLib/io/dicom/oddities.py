"""Makes findings on odd DICOM series: unreadable files, other series, patients, units, scales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.kinds import PACKED, UNREADABLE, Others
from LungUNetSegLib.io.dicom.series import Series
from LungUNetSegLib.io.dicom.stack import Stack
from LungUNetSegLib.texts import listed
from LungUNetSegLib.volume.memory import planes_of

LEVEL_HU = 300
"""Slices whose scales differ and whose darkest values differ by more than this were not scaled alike."""


def count(others: Others) -> str:
    """Return a text with the number of files of each kind: "MR images (3), localizers (1)"."""
    kinds = sorted(others.items(), key=lambda each: -len(each[1]))
    return ", ".join(f"{kind} ({len(paths)})" for kind, paths in kinds)


def unreadable(others: Others) -> tuple[Finding, ...]:
    """Return a finding that names unreadable files, which may be slices of the scan."""
    lost = {kind: others[kind] for kind in UNREADABLE if others.get(kind)}
    if not lost:
        return ()
    paths = [path for each in lost.values() for path in each]
    advice = "unpack them" if set(lost) <= set(PACKED) else "copy it again"
    message = (
        f"{len(paths)} file{'s' if len(paths) > 1 else ''} could not be read: {count(lost)}: {_names(paths)}."
        f" If slices of this scan are among them, it is incomplete: {advice}."
    )
    return (Finding("unreadable-files", message),)


def several(chosen: Series, series: Sequence[Series]) -> tuple[Finding, ...]:
    """Return findings that name the series that was taken, and the others."""

    def line(each: Series) -> str:
        return f"{each.title} ({len(each.stack.slices)} slices, {each.uid})"

    patients = {each.stack.slices[0].patient for each in series}
    findings: tuple[Finding, ...] = ()
    if len(patients) > 1:
        message = (
            f"The folder holds scans of {len(patients)} patients, and only one scan was taken; give each patient's"
            " folder separately."
        )
        findings = (Finding("several-patients", message),)
    others = [line(each) for each in series if each is not chosen]
    message = f"{len(series)} CT series were found; {line(chosen)} was taken. Others: {listed(others, separator='; ')}."
    return (*findings, Finding("several-series", message))


def put_together(series: Series) -> tuple[Finding, ...]:
    """Return a finding if one scan was joined from many series."""
    if series.uids == 1:
        return ()
    message = f"Each of the {series.uids} slices has a series UID of its own; they were joined to one scan."
    return (Finding("joined-series", message),)


def unit_of(stack: Stack) -> tuple[Finding, ...]:
    """Return a finding if the file states another unit than HU."""
    units = {each.rescale_type for each in stack.slices} - {"HU"}
    if not units:
        return ()
    message = f"The header says that the values are {', '.join(sorted(units))}, not Hounsfield units."
    return (Finding("not-hu", message),)


def projections(series: Series) -> tuple[Finding, ...]:
    """Return a finding if the images are maxima or minima of many slices."""
    if not series.is_projected:
        return ()
    message = (
        "The images are projections (MIP or MinIP) of many slices: no tissue has its own density there, and vessels are"
        " too wide or missing. Give the series that they were made from."
    )
    return (Finding("projected", message),)


def scale_of(stack: Stack, hu: npt.NDArray[np.int16]) -> tuple[Finding, ...]:
    """Return a finding if slices are scaled differently and their values show it.

    Args:
        stack: n slices.
        hu: (n, row, column).
    """
    scales = {(each.slope, each.intercept) for each in stack.slices}
    given = [each.has_rescale for each in stack.slices]
    if len(scales) == 1:
        return ()
    if not all(given):
        message = f"{given.count(False)} of {len(given)} slices do not state their conversion to Hounsfield units."
        return (Finding("scale-in-doubt", message + " Their values may be wrong."),)
    levels = np.array([np.percentile(plane[::8, ::8], 5) for plane in planes_of(hu)])
    odd = int(np.count_nonzero(np.abs(levels - np.median(levels)) > LEVEL_HU))
    if not odd:
        return ()
    message = (
        f"The slices are scaled by different rules, and {odd} of {len(hu)} are far brighter or darker than others."
    )
    return (Finding("scale-in-doubt", message + " Their values may be wrong."),)


def more_pixels(stack: Stack, has_more: npt.NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Return a finding that names files with more pixels than their headers tell of: part of the image is not read.

    Args:
        stack: n slices.
        has_more: (n,) whether it is so.
    """
    paths = _marked(stack, has_more)
    if not paths:
        return ()
    message = f"Files hold more pixels than their headers tell of: {_names(paths)}. Are rows, columns and frames right?"
    return (Finding("more-data", message),)


def more_bits(stack: Stack, has_more: npt.NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Return a finding that names files whose values use more bits than their headers tell of.

    Args:
        stack: n slices.
        has_more: (n,) whether it is so.
    """
    paths = _marked(stack, has_more)
    if not paths:
        return ()
    message = (
        f"Values use more bits than Bits Stored says, and the others were left out: {_names(paths)}. If no overlay lies"
        " there, dense voxels such as metal read as air or as lung: export the original images."
    )
    return (Finding("more-bits", message),)


def _marked(stack: Stack, marks: npt.NDArray[np.bool_]) -> set[Path]:
    return {stack.slices[index].path for index in np.flatnonzero(marks)}


def _names(paths: Iterable[Path]) -> str:
    return listed([path.name for path in sorted(paths)])
