"""Writes a scan's folder of results: lungs in each format, report and pictures; it appears whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from LungUNetSegLib.batch.jobs import BatchSettings
from LungUNetSegLib.batch.reading import JobScan
from LungUNetSegLib.batch.store import REPORT, Store
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.evaluation.report.preview import draw_preview, draw_slices
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS
from LungUNetSegLib.io.masks.results import is_own_result
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.segmentation.doubt import Doubts
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.summary import report

STEM = "lungs"
"""How the names of results begin."""

PREVIEW, DOUBTFUL = "preview.png", "doubtful.png"
DOUBTFUL_SLICES = 4


class ChangedByHandError(WriteError):
    """Raised instead of replacing labels that somebody has corrected."""


def write_result(found: JobScan, result: Segmentation, model: Model, settings: BatchSettings) -> None:
    """Write a scan's folder of results; an older one is replaced when the new one is complete.

    Args:
        found: What was read.
        result: What was found in it, its seconds and findings those of reading too.
        model: What found it.
        settings: The batch's.

    Raises:
        WriteError: The folder is missing, read-only or full.
        ChangedByHandError: Somebody has changed the older results.
        DicomResultError: The lungs cannot be said as the DICOM object that is asked for.
    """
    scans, job, scan = Store(settings.output).scans, found.job, found.scan
    try:
        with draft_folder(scans) as draft:
            folder = draft / job.name
            folder.mkdir()
            for name in settings.label_formats:
                path = folder / f"{STEM}.{name}"
                write_labels(path, result.labels, result.segments, is_result=True, forms=scan.forms)
            told = _write_objects(folder, found, result, model, settings)
            result = replace(result, findings=result.findings + told)
            (folder / PREVIEW).write_bytes(draw_preview(scan.volume, result.labels, result.segments))
            numbers = slices_to_draw(result.doubts)
            if numbers:
                png = draw_slices(scan.volume, result.labels, result.segments, numbers)
                (folder / DOUBTFUL).write_bytes(png)
            content = json.dumps(_report(found, result, model, settings), indent=1)
            (folder / REPORT).write_text(content + "\n", encoding="utf-8")
            publish(folder, scans)
    except OSError as error:
        raise WriteError(f"{scans / job.name}: cannot be written: {error.strerror or error}.") from error


def slices_to_draw(doubts: Doubts) -> list[int]:
    """Return the numbers of the most doubtful slices of both lungs, at most `DOUBTFUL_SLICES`, from the feet on."""
    worst = dict.fromkeys(each.slice for each in doubts.worst())
    return sorted(list(worst)[:DOUBTFUL_SLICES])


def _write_objects(
    folder: Path, found: JobScan, result: Segmentation, model: Model, settings: BatchSettings
) -> tuple[Finding, ...]:
    """Write the requested DICOM objects; return findings on what they cannot express."""
    if found.source is None:
        return ()
    maker = Maker(model=model.name, sha256=model.sha256)
    # The same scan gives the same files, so that a batch that goes on ends as one that was not disturbed.
    options = DicomOptions(fixed_uids=True)
    objects, told = make_objects(settings.dicom_formats, LungResult.of(result), found.source, maker, options)
    for kind, dataset in objects.items():
        write_object(dataset, folder / f"{STEM}{DICOM_OUTPUT_ENDINGS[kind]}")
    return told


def publish(folder: Path, scans: Path) -> None:
    """Move a complete folder of results to its place; an older one of that name is removed.

    Args:
        folder: In a draft's folder, which keeps the older one for the moment between.
        scans: The folder of such folders.

    Raises:
        ChangedByHandError: Somebody has changed the older results: they are kept.
        OSError: It cannot be moved, or made durable.
    """
    target = scans / folder.name
    for path in target.glob(f"{STEM}.*"):
        if not is_own_result(path):
            raise ChangedByHandError(
                f"{path}: somebody has changed these labels since they were written, so they are kept. Move them"
                " elsewhere, and try the scan again (--retry-failed on the command line)."
            )
    for path in folder.iterdir():  # a power cut must not leave a whole folder of empty files
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    if target.exists():
        target.rename(folder.parent / "before")
    folder.rename(target)


def _report(found: JobScan, result: Segmentation, model: Model, settings: BatchSettings) -> dict[str, Any]:
    job, geometry = found.job, found.scan.volume.geometry
    objects = (DICOM_OUTPUT_ENDINGS[kind] for kind in settings.dicom_formats)
    content = report(result, model) | {
        "name": job.name,
        "identity": job.identity,
        "scanner": job.scanner,
        "geometry": {"shape": list(geometry.shape), "spacing_mm": [round(each, 6) for each in geometry.spacing_mm]},
        "outputs": [f"{STEM}{ending}" for ending in (*(f".{each}" for each in settings.label_formats), *objects)],
        "source": {"fingerprint": job.fingerprint, "digest": found.digest},
        "round": settings.round,
    }
    for finding in content["findings"]:
        finding["message"] = job.public(finding["message"])
    return content
