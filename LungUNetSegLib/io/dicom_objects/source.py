"""Reads the CT slices that a DICOM result refers to, and brings a label map onto them.

A scan is read onto an even, straight grid; its slices may be tilted, uneven or with gaps. What is written as DICOM lies
on the slices themselves, so that each viewer shows it over the images.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.arrays import FloatArray, Labels
from LungUNetSegLib.errors import DicomResultError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.dicom_objects.identity import EARLIEST
from LungUNetSegLib.io.scan import Scan
from LungUNetSegLib.volume import ANGLE_TOLERANCE, GRID_TOLERANCE_MM, Volume

IDENTITY = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "SeriesInstanceUID")
"""Attributes that are the same in all images of a series."""

NEEDED = {
    "SOPInstanceUID": "SOP Instance UID",
    "StudyInstanceUID": "Study Instance UID",
    "SeriesInstanceUID": "Series Instance UID",
    "FrameOfReferenceUID": "Frame of Reference UID",
}
"""Identifiers without which nothing can refer to an image."""

MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName", "SeriesNumber"),
)
"""Type 2 attributes of the patient and study modules (PS3.3 C.7.1.1, C.7.2.1), which anonymisers take away whole."""

_STRAY_PIXELS = 0.01

_SAME_IMAGE = 0.9
"""Least correlation of an image with the series it was made from; denoised images reach more, other patients less."""


@dataclass(frozen=True, eq=False)
class Source:
    """Slices of one CT series.

    Attributes:
        place: Where they were read.
        slices: In their order along the slice axis.
        datasets: Headers of their files: one a slice, or one for all where the file is multi-frame.
        spacing_mm: Distance of slices; the usual one where slices are missing.
        is_even: Whether all slices lie at multiples of it.
    """

    place: Path
    slices: tuple[SliceHeader, ...]
    datasets: tuple[Dataset, ...]
    spacing_mm: float
    is_even: bool

    @property
    def first(self) -> Dataset:
        """The data set from which patient, study and series are taken."""
        return self.datasets[0]

    @property
    def is_multiframe(self) -> bool:
        """Whether the slices are frames of one file."""
        return self.slices[0].frame is not None

    @property
    def instances(self) -> tuple[str, ...]:
        """SOP Instance UIDs, with frame numbers where there are any."""
        return tuple(each.sop_uid if each.frame is None else f"{each.sop_uid} {each.frame}" for each in self.slices)

    @property
    def moment(self) -> datetime:
        """When the study was made, for objects that are to be the same at each run."""
        text = f"{self.first.get('StudyDate') or ''}{str(self.first.get('StudyTime') or '')[:6]}"
        for pattern in ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d"):
            try:
                return datetime.strptime(text, pattern)
            except ValueError:
                continue
        return EARLIEST

    def frames(self, labels: Volume) -> tuple[Labels, tuple[Finding, ...]]:
        """Return labels on the slices, (slice, row, column), and a finding if no slice shows some of them."""
        to_index = np.asarray(np.linalg.inv(labels.geometry.affine_lps[:3, :3]), np.float64)
        found = np.stack([_on_slice(labels, each, to_index) for each in self.slices])
        axis = _slice_axis(labels, self.slices)
        places = labels.geometry.to_index([each.position for each in self.slices])[:, axis]
        seen = set(np.rint(places).astype(int).tolist())
        planes = enumerate(np.moveaxis(labels.array, axis, 0))
        missing = [index for index, plane in planes if index not in seen and plane.any()]
        if not missing:
            return found, ()
        message = (
            f"In {len(missing)} places between the scan's slices, where one was missing, the lungs are measured but not"
            " in the DICOM object: it has frames only where the scan has images."
        )
        return found, (Finding("dicom-gaps", message),)


def read_source(scan: Scan) -> Source:
    """Read the headers of a scan's slices, and check that a DICOM result can refer to them.

    Raises:
        DicomResultError: The scan is no DICOM series, or lacks identifiers, or its images disagree on patient or
            directions.
    """
    slices = scan.slices
    if not slices:
        raise DicomResultError(
            f"{scan.source}: is not a DICOM series; a DICOM result must refer to one: give the series from which it"
            " was made, or write another format."
        )
    paths = dict.fromkeys(each.path for each in slices)
    datasets = tuple(_header(path) for path in paths)
    if slices[0].frame is not None and len(datasets) > 1:
        raise DicomResultError(
            f"{scan.source}: the scan is spread over {len(datasets)} multi-frame files, to which no DICOM result can"
            " refer as one; write another format."
        )
    _check_identity(datasets, scan)
    _check_directions(slices, scan)
    heights = np.array([each.position for each in slices]) @ slices[0].normal
    gaps = np.abs(np.diff(heights))
    if not len(gaps):
        return Source(scan.source, slices, datasets, slices[0].thickness_mm or 1.0, True)
    usual_mm = float(np.median(gaps))
    is_even = bool(np.abs(gaps / usual_mm - np.rint(gaps / usual_mm)).max() <= 0.1)
    return Source(scan.source, slices, datasets, usual_mm, is_even)


def _header(path: Path) -> Dataset:
    dataset = read_dataset(path, stop_before_pixels=True)
    assert dataset is not None, "it was read before"
    for keyword in MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, None)
    told = dataset.get("DeidentificationMethod") or dataset.get("DeidentificationMethodCodeSequence")
    if dataset.get("PatientIdentityRemoved") == "YES" and not told:  # the standard wants both or none
        dataset.DeidentificationMethod = "Not told by the images"
    return dataset


def _check_identity(datasets: tuple[Dataset, ...], scan: Scan) -> None:
    for keyword, name in NEEDED.items():
        if any(not str(each.get(keyword) or "") for each in datasets):
            raise DicomResultError(
                f"{scan.source}: its images have no {name}, so no DICOM result can refer to them (were they anonymised"
                " too far?); write another format."
            )
    for keyword in IDENTITY:
        if len({str(each.get(keyword) or "") for each in datasets}) > 1:
            raise DicomResultError(
                f"{scan.source}: its images differ in {keyword}; a DICOM result belongs to one patient, study and"
                " series. Correct the series, or write another format."
            )


def _check_directions(slices: tuple[SliceHeader, ...], scan: Scan) -> None:
    first = slices[0].orientation
    if max(float(np.abs(each.orientation - first).max()) for each in slices) > ANGLE_TOLERANCE:
        raise DicomResultError(
            f"{scan.source}: its slices have different orientations, and a DICOM result has only one; write another"
            " format."
        )


def _on_slice(labels: Volume, header: SliceHeader, to_index: FloatArray) -> Labels:
    """Labels at a slice's pixels, (row, column): those of the nearest voxel, 0 outside of the grid."""
    row_mm, column_mm = header.pixel_spacing_mm
    base = to_index @ (header.position - labels.geometry.affine_lps[:3, 3])
    steps = to_index @ (header.orientation[1] * row_mm), to_index @ (header.orientation[0] * column_mm)
    lines = np.arange(header.rows)[:, None], np.arange(header.columns)[None, :]
    indices: list[npt.NDArray[np.intp]] = []
    inside = np.ones((1, 1), bool)
    for axis, size in enumerate(labels.array.shape):
        place = np.full((1, 1), base[axis])
        for step, line in zip(steps, lines, strict=True):
            if abs(step[axis]) * line.size > _STRAY_PIXELS:
                place = place + step[axis] * line
        index = np.rint(place).astype(np.intp)
        inside = inside & (index >= 0) & (index < size)
        indices.append(index.clip(0, size - 1))
    found = labels.array[tuple(indices)] * inside
    return np.broadcast_to(found, (header.rows, header.columns)).astype(np.uint8)


def _slice_axis(labels: Volume, slices: tuple[SliceHeader, ...]) -> int:
    """The axis of the labels that runs along the slices' normal."""
    return int(np.abs(slices[0].normal @ labels.geometry.directions).argmax())


def check_same_image(image: Scan, reference: Scan) -> None:
    """Raise DicomResultError unless an image shows the same voxels as the series that it is said to be made from."""
    own, other = image.volume.canonical(), reference.volume.canonical()
    if not own.geometry.matches(other.geometry, GRID_TOLERANCE_MM):
        raise DicomResultError(
            f"{image.source}: does not lie on the grid of the series in {reference.source}; give the series from which"
            " it was made, as it was made."
        )
    step = max(1, len(own.array) // 16)
    values = [each.array[::step, ::4, ::4].astype(float).ravel() for each in (own, other)]
    if float(np.corrcoef(values[0], values[1])[0, 1]) < _SAME_IMAGE:
        raise DicomResultError(
            f"{image.source}: does not show the same as the series in {reference.source}, on the same grid; give the"
            " series from which it was made."
        )
