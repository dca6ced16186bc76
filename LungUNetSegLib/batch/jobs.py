"""Defines jobs, a batch's settings and outcomes as plain values, which are sent to other processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from LungUNetSegLib.batch.find import SourceFile
from LungUNetSegLib.engines import DeviceName, EngineName
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS, DicomFormat, image_ending
from LungUNetSegLib.models.model import DEFAULT_MODEL
from LungUNetSegLib.segments import LabelKind

Identify = Literal["path", "pseudonym", "dicom"]
IDENTIFY: tuple[Identify, ...] = get_args(Identify)

LABEL_FORMATS = ("nii.gz", "nrrd", "seg.nrrd")
"""Label maps, each called ``lungs.<format>``."""

FORMATS = (*LABEL_FORMATS, *DICOM_OUTPUT_ENDINGS)
"""Files that a batch writes of each scan."""


@dataclass(frozen=True, kw_only=True)
class BatchSettings:
    """How the scans of a batch are segmented; part of it decides the results and is kept with them.

    Attributes:
        output: Folder of the results.
        model: Name, folder or checkpoint, as `load_model` takes it.
        model_sha256: Of its weights.
        engine: What runs the network.
        device: Where it runs.
        threads: CPU threads of each worker; as many as there are cores when None.
        labels: Right and left lung, or both as one.
        formats: Of `FORMATS`.
        raw: Without postprocessing.
        identify: By what scans are named in the results.
        secret: Keys what is told of the input's identity; kept in the batch's private folder.
        round: Counts how often all was asked to be done again.
    """

    output: Path
    model: str = DEFAULT_MODEL
    model_sha256: str = ""
    engine: EngineName = "auto"
    device: DeviceName = "auto"
    threads: int | None = None
    labels: LabelKind = "lr"
    formats: tuple[str, ...] = ("nii.gz",)
    raw: bool = False
    identify: Identify = "path"
    secret: str = ""
    round: int = 0

    def __post_init__(self) -> None:
        if self.dicom_formats and self.identify == "pseudonym":
            raise ConfigError(
                "A DICOM result contains the patient's name and ID, which a pseudonym should hide. Write"
                f" label files ({', '.join(LABEL_FORMATS)}), or pseudonymise the scans first."
            )

    @property
    def label_formats(self) -> tuple[str, ...]:
        """Return the formats that are label maps."""
        return tuple(each for each in self.formats if each in LABEL_FORMATS)

    @property
    def dicom_formats(self) -> tuple[DicomFormat, ...]:
        """Return the formats that are DICOM objects; a report brings the SEG that it refers to."""
        wanted = {"dicom-seg", *self.formats} if "dicom-sr" in self.formats else {*self.formats}
        return tuple(sorted(each for each in DICOM_OUTPUT_ENDINGS if each in wanted))

    def what_decides(self) -> dict[str, Any]:
        """Return the settings on which the results depend."""
        names = ("model_sha256", "labels", "formats", "raw", "identify")
        return {name: list(value) if isinstance(value := getattr(self, name), tuple) else value for name in names}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A scan to be segmented.

    Attributes:
        name: Of its folder of results; different for each scan.
        place: Where it lies, for people.
        files: All that is read for it.
        copies: Files with copies of its images, which are compared with them and not used; also image files with all
            of it, which the plan compared.
        series: What `read_scan` needs to choose it among its files.
        voxels: How many it has by its headers; 0 where they do not say.
        fingerprint: Of names, sizes and dates of its files.
        identity: What the tables say of who it is.
        scanner: What the tables say of how it was made: site, manufacturer, scanner, kernel, thickness_mm.
        hidden: Texts that no result may contain, such as its path where it has a pseudonym.
    """

    name: str
    place: str
    files: tuple[SourceFile, ...]
    copies: tuple[SourceFile, ...] = ()
    series: str | None = None
    voxels: int = 0
    fingerprint: str = ""
    identity: dict[str, str] = field(default_factory=dict)
    scanner: dict[str, Any] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    @property
    def opened(self) -> tuple[SourceFile, ...]:
        """All files that are opened for it: the originals first, which the reader keeps of equal images.

        Image files that are copies were compared for the plan, and are not opened again.
        """
        return self.files + tuple(each for each in self.copies if not image_ending(Path(each.name)))

    def public(self, text: str) -> str:
        """Return a text with the scan's name in place of what no result may contain."""
        for each in sorted(self.hidden, key=len, reverse=True):
            text = text.replace(each, self.name)
        return text


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        name: The job's.
        error: Why it failed; "" if it is done.
        seconds: Wall time that it took.
        is_settled: False where the error is not the scan's own: its files are out of reach, or no result can be
            written. Such a scan counts as not begun.
    """

    name: str
    error: str = ""
    seconds: float = 0.0
    is_settled: bool = True


Outcomes = Generator[Outcome, None, None]


def job_to_json(job: Job) -> dict[str, Any]:
    """Return a job as values for JSON."""
    values = {each.name: getattr(job, each.name) for each in dataclasses.fields(job)}
    for name in ("files", "copies"):
        values[name] = [[str(each.path), each.size, each.mtime_ns, each.member] for each in values[name]]
    return values


def job_from_json(values: dict[str, Any]) -> Job:
    """Return the job that `job_to_json` was given."""
    files, copies = (
        tuple(SourceFile(Path(path), size, mtime_ns, member) for path, size, mtime_ns, member in values.get(name, ()))
        for name in ("files", "copies")
    )
    return Job(**{**values, "files": files, "copies": copies, "hidden": tuple(values["hidden"])})
