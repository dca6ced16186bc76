"""Reads a batch's scan from its files, which may be in archives."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.batch.digests import digest_of
from LungUNetSegLib.batch.find import unpack
from LungUNetSegLib.batch.jobs import BatchSettings, Job
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.errors import LungUNetSegError, ReadError
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom_objects.source import Source, read_source
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.volume.resample import limited_threads


def read_files(job: Job) -> Scan:
    """Read the scan that a job names; members of archives are unpacked for that time.

    Raises:
        ReadError: A file is missing or damaged, or they make no scan.
    """
    with _files_of(job) as paths:
        return _read(paths, job)


@dataclass(frozen=True, eq=False)
class JobScan:
    """Everything that is read for a job.

    Attributes:
        job: What was asked for.
        scan: What was read.
        source: To what of it DICOM results refer, where they are asked for.
        digest: Of the input's content.
    """

    job: Job
    scan: Scan
    source: Source | None
    digest: str


def read_for(job: Job, settings: BatchSettings) -> JobScan:
    """Read the scan that a job names, and its source where DICOM results are asked for.

    Raises:
        ReadError: As of `read_files`.
        DicomResultError: No DICOM result can refer to the scan.
    """
    with _files_of(job) as paths, limited_threads(settings.threads):
        scan = _read(paths, job)
        source = read_source(scan) if settings.dicom_formats else None
    return JobScan(job, scan, source, digest_of(job.files, settings.secret))


@contextmanager
def _files_of(job: Job) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="lungunetseg-") as folder:
        paths = unpack(job.opened, Path(folder))
        try:
            yield paths
        except LungUNetSegError as error:
            raise type(error)(with_own_places(str(error), job, paths)) from error


def with_own_places(text: str, job: Job, paths: Sequence[Path]) -> str:
    """Return a message with the places where a scan's files were found, for those where they lay to be read."""
    for file, path in zip(job.opened, paths, strict=True):
        if file.member or file.path != path:
            text = text.replace(str(path.parent), str(Path(file.name).parent))
    return text


def _read(paths: list[Path], job: Job) -> Scan:
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
