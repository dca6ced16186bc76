"""DICOM files to slice headers: what is a CT slice, where it lies and how its values become HU; no pixel is read."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset

from LungUNetSegLib.io.endings import image_ending

FloatArray = npt.NDArray[np.float64]

logger = logging.getLogger(__name__)

SINGLE_FRAME_CT = uid.CTImageStorage
MULTI_FRAME_CT = (uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage)

# What a CT slice's header is read for; all else stays on disk.
_KEYWORDS = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "ImageType", "SeriesInstanceUID", "SeriesNumber"),
    *("SeriesDescription", "BodyPartExamined", "AcquisitionNumber", "TemporalPositionIdentifier", "InstanceNumber"),
    *("ConvolutionKernel", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"),
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "RescaleSlope", "RescaleIntercept", "RescaleType"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
]

_KINDS = {
    "CR": "X-ray images",
    "DX": "X-ray images",
    "XA": "X-ray images",
    "RF": "X-ray images",
    "MG": "X-ray images",
    "MR": "MR images",
    "PT": "PET images",
    "NM": "nuclear medicine images",
    "US": "ultrasound images",
    "SC": "secondary captures",
    "OT": "secondary captures",
    "SEG": "segmentations",
    "RTSTRUCT": "contour sets",
    "SR": "reports",
}

UNREADABLE = (
    "files that cannot be opened",
    "empty files",
    "damaged DICOM files",
    "CT images whose place or size is not given",
)
"""Kinds that may be slices of a scan, lost to it; nothing else tells of one that lay at its end."""

HEADER_THREADS = 8
"""Files on a network are waited for, not computed."""


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """One CT slice: a file, or a frame of one.

    Attributes:
        path: Its file.
        frame: Index of its frame in a multi-frame file, else None.
        sop_uid: SOP Instance UID of its file.
        series_uid: Series Instance UID.
        rows, columns: Size in pixels.
        position: Image Position (Patient): LPS mm of the first pixel's centre (PS3.3 C.7.6.2).
        orientation: (2, 3); LPS unit vectors along a row (column index rising) and along a column.
        pixel_spacing_mm: Distance between (rows, columns).
        thickness_mm: Slice Thickness, if given.
        slope, intercept: HU = slope * stored value + intercept (PS3.3 C.11.1).
        rescale_type: Unit of the rescaled values, "HU" if the file does not say otherwise.
        acquisition, instance, series_number: The file's numbers, 0 if absent.
        variant: What sets apart images of one place: image type, kernel, temporal position.
        title: Series description.
        body_part: Body Part Examined.
    """

    path: Path
    frame: int | None
    sop_uid: str
    series_uid: str
    rows: int
    columns: int
    position: FloatArray
    orientation: FloatArray
    pixel_spacing_mm: tuple[float, float]
    thickness_mm: float | None
    slope: float
    intercept: float
    rescale_type: str
    acquisition: int
    instance: int
    series_number: int
    variant: str
    title: str
    body_part: str

    @property
    def normal(self) -> FloatArray:
        """Unit normal of the slice."""
        return np.cross(self.orientation[0], self.orientation[1])


def files_of(source: Path | Sequence[Path]) -> list[Path]:
    """Return the files of a folder, at any depth and of any name, or of a list of files and folders."""
    if not isinstance(source, Path):
        return [file for each in source for file in files_of(each)]
    return sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]


def read_headers(files: Sequence[Path]) -> tuple[list[SliceHeader], Counter[str]]:
    """Return the CT slices in these files, and how many of which other kind were set aside.

    Kinds are for people, in the plural: "MR images", "localizers", "files that are not DICOM".
    """
    slices: list[SliceHeader] = []
    others: Counter[str] = Counter()
    # pydicom warns of each value that breaks the standard; those that matter are checked here.
    with warnings.catch_warnings(), ThreadPoolExecutor(HEADER_THREADS) as pool:
        warnings.simplefilter("ignore")
        for found in pool.map(_read_file, files):
            if isinstance(found, str):
                others[found] += 1
            else:
                slices += found
    return slices, others


def read_dataset(path: Path, **options: Any) -> Dataset | None:
    """Return a DICOM file's data set, empty if it is damaged, or None if the file is none.

    Old files without the preamble are read too.
    """
    with path.open("rb") as file:
        start = file.read(132)
    has_preamble = start[128:] == b"DICM"
    # Without it the data begin with group 0002 or 0008, little endian.
    if not has_preamble and start[:2] not in (b"\x02\x00", b"\x08\x00"):
        return None
    try:
        return pydicom.dcmread(path, force=not has_preamble, **options)
    except Exception:  # broken bytes make pydicom raise nearly anything
        logger.debug("%s cannot be parsed as DICOM", path, exc_info=True)
        return Dataset() if has_preamble else None


def _read_file(path: Path) -> list[SliceHeader] | str:
    """The file's CT slices, or its kind if it has none."""
    try:
        dataset = read_dataset(path, stop_before_pixels=True, specific_tags=_KEYWORDS)
    except OSError:
        return "files that cannot be opened"
    if dataset is None:
        return _kind_by_name(path)
    try:
        kind = _other_kind(dataset)
        if kind is not None:
            return kind
        if dataset.SOPClassUID in MULTI_FRAME_CT:
            return list(_frames(dataset, path))
        return [_header(dataset, path, None, [dataset])]
    except Exception:  # missing, empty and malformed values all end here
        logger.debug("%s has no usable CT header", path, exc_info=True)
        return "CT images whose place or size is not given"


def _kind_by_name(path: Path) -> str:
    """What a file is that is no DICOM."""
    if image_ending(path):
        return "image files of other formats"
    return "files that are not DICOM" if path.stat().st_size else "empty files"


def _other_kind(dataset: Dataset) -> str | None:
    """What a file is if it is no CT slice to segment; None if it is one."""
    modality = str(dataset.get("Modality", "") or "")
    sop_class = dataset.get("SOPClassUID", SINGLE_FRAME_CT if modality == "CT" else "")
    if not sop_class:
        return "damaged DICOM files"
    if sop_class == uid.MediaStorageDirectoryStorage:
        return "directories of a disc"
    if sop_class != SINGLE_FRAME_CT and sop_class not in MULTI_FRAME_CT:
        return "secondary captures" if modality == "CT" else _KINDS.get(modality, f"{modality or 'unknown'} objects")
    dataset.SOPClassUID = sop_class
    if "LOCALIZER" in _image_type(dataset):
        return "localizers"
    if int(dataset.get("SamplesPerPixel", 1) or 1) != 1:
        return "colour images"
    return None


def _frames(dataset: Dataset, path: Path) -> Iterator[SliceHeader]:
    """Slices of an Enhanced CT: each frame's own functional groups, then the shared ones (PS3.3 C.7.6.16)."""
    shared = dataset.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in dataset else Dataset()
    for index, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        places = [macro for group in (own, shared) for macro in _macros(group)]
        header = _header(dataset, path, index, [*places, dataset])
        if "LOCALIZER" not in header.variant:
            yield header


def _macros(group: Dataset) -> Iterable[Dataset]:
    """The first item of each sequence in a functional group, where its attributes lie."""
    return [element.value[0] for element in group if element.VR == "SQ" and element.value]


def _header(dataset: Dataset, path: Path, frame: int | None, places: Sequence[Dataset]) -> SliceHeader:
    """Build a header from the first of `places` that has each attribute."""

    def find(keyword: str) -> Any:
        values = (place[keyword].value for place in places if keyword in place)
        return next((value for value in values if value is not None), None)

    def number(keyword: str, default: float) -> float:
        value = find(keyword)
        return default if value in (None, "") else float(value)

    orientation = np.array(find("ImageOrientationPatient"), float).reshape(2, 3)
    orientation /= np.linalg.norm(orientation, axis=1, keepdims=True)
    position = np.array(find("ImagePositionPatient"), float).reshape(3)
    row_mm, column_mm = (float(each) for each in find("PixelSpacing"))
    if not (np.isfinite(orientation).all() and np.isfinite(position).all() and row_mm > 0 and column_mm > 0):
        raise ValueError("no place in space")
    thickness_mm = number("SliceThickness", 0.0)
    image_type = find("FrameType") or _image_type(dataset)
    variant = (list(image_type), find("ConvolutionKernel"), find("TemporalPositionIdentifier"))
    return SliceHeader(
        path=path,
        frame=frame,
        sop_uid=str(dataset.get("SOPInstanceUID", path)),
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        position=position,
        orientation=orientation,
        pixel_spacing_mm=(row_mm, column_mm),
        thickness_mm=thickness_mm if thickness_mm > 0 else None,
        slope=number("RescaleSlope", 1.0),
        intercept=number("RescaleIntercept", 0.0),
        rescale_type=str(find("RescaleType") or "HU"),
        acquisition=int(number("AcquisitionNumber", 0)),
        instance=int(number("InstanceNumber", 0)) if frame is None else frame,
        series_number=int(number("SeriesNumber", 0)),
        variant=" ".join(map(str, variant)),
        title=str(dataset.get("SeriesDescription", "") or "").strip(),
        body_part=str(find("BodyPartExamined") or "").strip(),
    )


def _image_type(dataset: Dataset) -> list[str]:
    value = dataset.get("ImageType") or []
    return [value] if isinstance(value, str) else [str(each) for each in value]
