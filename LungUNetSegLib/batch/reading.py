"""A scan of a batch from its files, wherever they lie."""

from __future__ import annotations

import tempfile
from pathlib import Path

from LungUNetSegLib.batch.find import unpack
from LungUNetSegLib.batch.jobs import Job
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.volume.resample import limited_threads


def read_files(job: Job, threads: int | None = None) -> Scan:
    """Read the scan that a job names; members of archives are unpacked for that time.

    Raises:
        ReadError: A file is missing or damaged, or they make no scan.
    """
    with tempfile.TemporaryDirectory(prefix="lungunetseg-") as folder, limited_threads(threads):
        paths = unpack(job.files, Path(folder))
        return read_scan(paths[0]) if image_ending(paths[0]) else read_scan(paths, job.series)


def read_scan_of(folder: Path, name: str) -> Scan:
    """Read a scan that a batch has segmented.

    Args:
        folder: The batch's folder of results.
        name: Of the scan's own folder in it.

    Raises:
        ReadError: The batch's plan is gone, or the scan has no longer the files that it had.
    """
    job = Store(folder).job(name)
    if job is None:
        raise ReadError(f"{folder}: its plan does not name the files of {name}; run the batch again.")
    return read_files(job)
