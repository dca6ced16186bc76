"""A scan's folder of results: labels in each format, report and pictures, which appear together or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from LungUNetSegLib.batch.jobs import BatchSettings, Job
from LungUNetSegLib.batch.preview import draw_doubtful, draw_preview
from LungUNetSegLib.batch.store import REPORT
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.io import Scan, write_labels
from LungUNetSegLib.io.masks.results import is_own_result
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.summary import report

Writer = Callable[[Path, Segmentation, Scan, Job], None]


def _write_image(ending: str, folder: Path, result: Segmentation, scan: Scan, job: Job) -> None:
    write_labels(folder / f"lungs.{ending}", result.labels, result.segments, is_result=True, forms=scan.forms)


WRITERS: dict[str, Writer] = {ending: partial(_write_image, ending) for ending in ("nii.gz", "nrrd", "seg.nrrd")}
"""By the names of `jobs.FORMATS`, what writes a result in that format into a folder."""

PREVIEW, DOUBTFUL = "preview.png", "doubtful.png"


class ChangedByHandError(WriteError):
    """Labels that somebody has corrected, and that are not replaced."""


def write_result(
    scans: Path, job: Job, scan: Scan, result: Segmentation, model: Model, settings: BatchSettings, digest: str
) -> None:
    """Write a scan's folder of results; an older one is replaced when the new one is complete.

    Args:
        scans: The folder of such folders.
        job: What was asked for.
        scan: What was read.
        result: What was found, its seconds and findings those of reading too.
        model: What found it.
        settings: The batch's.
        digest: Of the input's content.

    Raises:
        WriteError: The folder is missing, read-only or full.
        ChangedByHandError: Somebody has changed the older labels.
    """
    try:
        with draft_folder(scans) as draft:
            folder = draft / job.name
            folder.mkdir()
            for name in settings.formats:
                WRITERS[name](folder, result, scan, job)
            (folder / PREVIEW).write_bytes(draw_preview(scan.volume, result.labels, result.segments))
            doubtful = draw_doubtful(scan.volume, result.labels, result.segments)
            if doubtful is not None:
                (folder / DOUBTFUL).write_bytes(doubtful)
            content = json.dumps(_report(job, scan, result, model, settings, digest), indent=1)
            (folder / REPORT).write_text(content + "\n", encoding="utf-8")
            publish(folder, scans)
    except OSError as error:
        raise WriteError(f"{scans / job.name}: cannot be written: {error.strerror or error}.") from error


def publish(folder: Path, scans: Path) -> None:
    """Move a complete folder of results among the others; an older one of its name goes.

    Args:
        folder: In a draft's folder, which keeps the older one for the moment between.
        scans: The folder of such folders.

    Raises:
        ChangedByHandError: Somebody has changed the older labels: they are kept.
        OSError: It cannot be moved, or made durable.
    """
    target = scans / folder.name
    for path in target.glob("lungs.*"):
        if not is_own_result(path):
            raise ChangedByHandError(
                f"{path}: somebody has changed these labels since they were written, so they are kept. Move them"
                " elsewhere, and try again with --retry-failed."
            )
    for path in folder.iterdir():  # a power cut must not leave a whole folder of empty files
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    if target.exists():
        target.rename(folder.parent / "before")
    folder.rename(target)


def _report(
    job: Job, scan: Scan, result: Segmentation, model: Model, settings: BatchSettings, digest: str
) -> dict[str, Any]:
    geometry = scan.volume.geometry
    content = report(result, model) | {
        "name": job.name,
        "identity": job.identity,
        "scanner": job.scanner,
        "geometry": {"shape": list(geometry.shape), "spacing_mm": [round(each, 6) for each in geometry.spacing_mm]},
        "outputs": [f"lungs.{name}" for name in settings.formats],
        "source": {"fingerprint": job.fingerprint, "digest": digest},
        "round": settings.round,
    }
    for finding in content["findings"]:
        finding["message"] = job.public(finding["message"])
    return content
