"""Reads CT slice headers from DICOM files: position, orientation and conversion to HU, without reading pixels."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.files import READERS, read_dataset
from LungUNetSegLib.io.dicom.kinds import (
    FRAMES_WITHOUT_PLACES,
    MULTI_FRAME_CT,
    NAMED_AS_SLICES,
    NOT_DICOM,
    Others,
    image_type,
    kind_by_name,
    named_as,
    other_kind,
    values_of,
)
from LungUNetSegLib.io.dicom.units import unit_of_values

logger = logging.getLogger(__name__)

PHASES = (
    *("TemporalPositionIdentifier", "TemporalPositionIndex", "StackID", "NominalPercentageOfCardiacPhase"),
    *("CardiacCyclePosition", "NominalCardiacTriggerDelayTime", "TriggerTime", "NominalPercentageOfRespiratoryPhase"),
    *("RespiratoryCyclePosition", "NominalRespiratoryTriggerDelayTime", "KVP", "ContrastBolusAgent", "FilterType"),
    *("ReconstructionAlgorithm", "SliceThickness", "SeriesNumber", "SeriesDescription", "AcquisitionNumber"),
    *("AcquisitionUID", "IrradiationEventUID", "AcquisitionDate", "AcquisitionDateTime", "AcquisitionTime"),
    *("FrameAcquisitionDateTime", "ContentTime", "ImageComments"),
)
"""Tags that distinguish scans of the same region in one series, the most specific first."""

# The tags that are read of a CT slice's header; the rest stays on disk.
_KEYWORDS = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "ImageType", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"),
    *("FrameOfReferenceUID", "BodyPartExamined", "InstanceNumber", "ConvolutionKernel", *PHASES),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "SamplesPerPixel"),
    "PhotometricInterpretation",
    *("VolumeBasedCalculationTechnique", "RealWorldValueMappingSequence"),
    *("NumberOfFrames", "RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ContrastBolusAgentSequence"),
]

ADMINISTERED = "ContrastBolusAgentAdministered"
"""The keyword that a frame has: YES, or NO before the contrast agent was given (PS3.3 C.7.6.16.2.12)."""

_TAGS = {keyword: Tag(keyword) for keyword in (*_KEYWORDS, "FrameType", "MeasurementUnitsCodeSequence", ADMINISTERED)}
"""Looked up once: finding a tag by its keyword takes as long as reading its element."""

_WANTED = [_TAGS[keyword] for keyword in _KEYWORDS]

_UNASSIGNED = (Tag("UnassignedPerFrameConvertedAttributesSequence"), Tag("UnassignedSharedConvertedAttributesSequence"))

RIGHT_ANGLE = 0.02
"""Largest cosine between rows and columns that is explained by rounding or jitter, 1.1 degrees."""


@dataclass(frozen=True, eq=False)
class SliceHeader:
    """The header of one CT slice: a file, or a frame of a multi-frame file.

    Attributes:
        path: Its file.
        frame: Index of its frame in a multi-frame file, else None.
        sop_uid: SOP Instance UID of its file; the path where the file has none.
        series_uid: Series Instance UID.
        rows, columns: Size in pixels.
        position: (3,); Image Position (Patient): LPS mm of the first pixel's centre (PS3.3 C.7.6.2).
        orientation: (2, 3); LPS unit vectors along a row (column index rising) and along a column.
        pixel_spacing_mm: Distance between (rows, columns).
        thickness_mm: Slice Thickness, if given.
        slope, intercept: HU = slope * stored value + intercept (PS3.3 C.11.1).
        has_rescale: Whether the file gives an intercept.
        rescale_type: Unit of the rescaled values, or what else they are, in capitals; "HU" if the file does not say
            otherwise.
        instance: Instance Number, 0 if absent; of a frame its index.
        series_number: Series Number, 0 if absent.
        variant: Image type, how it was projected, and kernel.
        phase: Values of `PHASES`, "" where absent.
        title: Series description.
        body_part: Body Part Examined.
        patient, study, frame_of_reference: Identifiers, to compare; never shown.
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
    has_rescale: bool
    rescale_type: str
    instance: int
    series_number: int
    variant: str
    phase: tuple[str, ...]
    title: str
    body_part: str
    patient: str
    study: str
    frame_of_reference: str

    @property
    def normal(self) -> FloatArray:
        """(3,); LPS unit normal of the slice."""
        return np.cross(self.orientation[0], self.orientation[1])

    @property
    def kernel(self) -> str:
        """Convolution kernel, the first where several are named; "" if none is."""
        words = re.findall(r"[^\[\]', ]+(?: [^\[\]', ]+)*", self.variant.partition("]")[2])
        return "" if not words or words[0] == "None" else words[0]

    @property
    def contrast_agent(self) -> str:
        """Contrast/Bolus Agent, or what its codes mean; "" if none is named, or the frame was made before it."""
        return self.phase[PHASES.index("ContrastBolusAgent")]


def read_headers(files: Sequence[Path]) -> tuple[list[SliceHeader], Others]:
    """Return the CT slices in these files, and the other files by kind."""
    slices: list[SliceHeader] = []
    others: Others = {}
    with ThreadPoolExecutor(READERS) as pool:
        for path, found in zip(files, pool.map(read_header, files), strict=True):
            if isinstance(found, str):
                others.setdefault(found, []).append(path)
            else:
                slices += found
    lost = named_as((each.path for each in slices), others.get(NOT_DICOM, ()))
    if slices and lost:
        others[NAMED_AS_SLICES] = lost
        others[NOT_DICOM] = [each for each in others[NOT_DICOM] if each not in lost]
    return slices, {kind: paths for kind, paths in others.items() if paths}


def read_header(path: Path) -> list[SliceHeader] | str:
    """Return the CT slices of one file; if it has none, the kind of file, as a plural for messages."""
    try:
        dataset = read_dataset(path, stop_before_pixels=True, specific_tags=_WANTED)
    except ReadError:
        return "files that cannot be opened"
    if dataset is None:
        return kind_by_name(path)
    try:
        kind = other_kind(dataset)
        if kind is not None:
            return kind
        count = int(dataset.get("NumberOfFrames", 1) or 1)
        if dataset.SOPClassUID in MULTI_FRAME_CT or "PerFrameFunctionalGroupsSequence" in dataset:
            if len(dataset.PerFrameFunctionalGroupsSequence) != count:
                return FRAMES_WITHOUT_PLACES
            headers = list(_frames(dataset, path))
        elif count > 1:
            return FRAMES_WITHOUT_PLACES
        else:
            headers = [_header(dataset, path, None, [dataset])]
        if any(abs(each.orientation[0] @ each.orientation[1]) > RIGHT_ANGLE for each in headers):
            return "CT images whose rows and columns are not at right angles"
        return headers or "localizers"
    except Exception:  # missing, empty and malformed values are all handled here
        logger.debug("%s has no usable CT header", path, exc_info=True)
        return "CT images whose place or size is not given"


def _frames(dataset: Dataset, path: Path) -> Iterator[SliceHeader]:
    """Return an Enhanced CT's slices; a frame's own functional groups override the shared ones (PS3.3 C.7.6.16)."""
    shared = dataset.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in dataset else Dataset()
    for index, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        places = [macro for take in (_macros, _unassigned) for group in (own, shared) for macro in take(group)]
        header = _header(dataset, path, index, [*places, dataset])
        if "LOCALIZER" not in header.variant:
            yield header


def _macros(group: Dataset) -> Iterable[Dataset]:
    """Return the first item of each of the standard's sequences in a functional group, which holds the attributes."""
    return [
        element.value[0]
        for element in group
        if not element.is_private and element.tag not in _UNASSIGNED and element.VR == "SQ" and element.value
    ]


def _unassigned(group: Dataset) -> Iterable[Dataset]:
    """Return what a converter kept of old images and found no place for: it gives way to all else."""
    return [group[tag].value[0] for tag in _UNASSIGNED if tag in group and group[tag].value]


def _header(dataset: Dataset, path: Path, frame: int | None, places: Sequence[Dataset]) -> SliceHeader:
    """Build a header, taking each attribute from the first of `places` that has it."""

    def find(keyword: str) -> Any:
        tag = _TAGS[keyword]
        values = (place[tag].value for place in places if tag in place)
        return next((value for value in values if value is not None), None)

    def number(keyword: str, default: float) -> float:
        value = find(keyword)
        return default if value in (None, "") else float(value)

    def text(keyword: str) -> str:
        try:
            value = find(keyword)
        except (ValueError, TypeError):  # an invalid number in a field that is not essential
            return ""
        return "" if value is None else str(value).strip()

    position, orientation, pixel_spacing_mm = _place(find)
    slope, intercept = number("RescaleSlope", 1.0), number("RescaleIntercept", 0.0)
    if not np.isfinite((slope, intercept)).all():
        raise ValueError("no scale")
    thickness_mm = _number(text("SliceThickness"))
    agent = _agent(text("ContrastBolusAgent"), find("ContrastBolusAgentSequence"), text(ADMINISTERED))
    kinds = values_of(find("FrameType")) or image_type(dataset)
    technique = text("VolumeBasedCalculationTechnique")
    kinds += [technique] if technique not in ("", "NONE", "MIXED") else []
    return SliceHeader(
        path=path,
        frame=frame,
        sop_uid=str(dataset.get("SOPInstanceUID", path)),
        series_uid=str(dataset.get("SeriesInstanceUID", "")),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        position=position,
        orientation=orientation,
        pixel_spacing_mm=pixel_spacing_mm,
        thickness_mm=thickness_mm if thickness_mm > 0 else None,
        slope=slope,
        intercept=intercept,
        has_rescale=find("RescaleIntercept") is not None,
        rescale_type=unit_of_values(
            text("RescaleType").upper(),
            kinds,
            [*(find("RealWorldValueMappingSequence") or ()), *places],
        ),
        instance=int(_number(text("InstanceNumber"))) if frame is None else frame,
        series_number=int(_number(text("SeriesNumber"))),
        variant=" ".join(map(str, (kinds, find("ConvolutionKernel")))),
        phase=tuple(agent if keyword == "ContrastBolusAgent" else text(keyword) for keyword in PHASES),
        title=text("SeriesDescription"),
        body_part=text("BodyPartExamined"),
        patient=text("PatientID"),
        study=text("StudyInstanceUID"),
        frame_of_reference=text("FrameOfReferenceUID"),
    )


def _place(find: Callable[[str], Any]) -> tuple[FloatArray, FloatArray, tuple[float, float]]:
    """Return a slice's position, orientation and pixel spacing, of what gives an attribute's value by its keyword.

    Raises:
        ValueError, TypeError: They are missing or malformed.
    """
    position = np.array(find("ImagePositionPatient"), float).reshape(3)
    orientation = np.array(find("ImageOrientationPatient"), float).reshape(2, 3)
    orientation /= np.linalg.norm(orientation, axis=1, keepdims=True)
    row_mm, column_mm = (float(each) for each in find("PixelSpacing"))
    if not np.isfinite((*position, *orientation.flat, row_mm, column_mm)).all() or min(row_mm, column_mm) <= 0:
        raise ValueError("no place in space")
    return position, orientation, (row_mm, column_mm)


def _agent(name: str, codes: Iterable[Dataset] | None, administered: str) -> str:
    """Return the name of a contrast agent, or what its codes mean, as Enhanced CT names it (PS3.3 C.7.6.4b)."""
    if administered == "NO":
        return ""
    return name or ", ".join(str(each.get("CodeMeaning") or "coded") for each in codes or ())


def _number(text: str) -> float:
    """Convert a text to a number, 0 if it is not one."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if np.isfinite(value) else 0.0
