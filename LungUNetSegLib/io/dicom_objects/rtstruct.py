"""Makes an RT Structure Set (PS3.3 A.19) of a label map: a structure for each lung, contours along pixels' edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from LungUNetSegLib.errors import DicomResultError
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.dicom_objects.common import RTSTRUCT_NUMBER, codes_of, describe_series
from LungUNetSegLib.io.dicom_objects.identity import NAME, Identifiers, Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult, Origin
from LungUNetSegLib.io.dicom_objects.outlines import outlines
from LungUNetSegLib.io.dicom_objects.source import Source
from LungUNetSegLib.segments import Segment

Holes = Literal["keyhole", "xor"]

PATIENT_AND_STUDY = (
    *("SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("PatientAge", "PatientSize", "PatientWeight", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("ReferringPhysicianName", "FrameOfReferenceUID"),
)
"""What is taken over from the images as it is (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.4.1)."""

_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management SOP Class, to which RT Referenced Study Sequence points (retired, and still usual)."""


def make_structure_set(
    frames: npt.NDArray[np.uint8],
    result: LungResult,
    source: Source,
    maker: Maker,
    identifiers: Identifiers,
    *,
    holes: Holes = "keyhole",
) -> Dataset:
    """Return a structure set of labels on a series' slices.

    Args:
        frames: (slice, row, column) labels, one plane for each of the source's slices.
        result: What the labels mean and how each was made.
        source: The series.
        maker: Program and model.
        identifiers: Of the new object.
        holes: "keyhole" joins a hole to its outline by a channel without width, as CLOSED_PLANAR, which every reader
            knows; "xor" gives it a contour of its own, as CLOSEDPLANAR_XOR of the standard of 2020.

    Raises:
        DicomResultError: There is no lung, and a structure without contours would say nothing.
    """
    if not frames.any():
        raise DicomResultError("There is no lung in the scan, and so no contour to write; write a DICOM SEG instead.")
    dataset = _new(source, maker, identifiers)
    dataset.StructureSetDescription = result.description
    dataset.StructureSetROISequence = []
    dataset.ROIContourSequence = []
    dataset.RTROIObservationsSequence = []
    for number, segment in enumerate(result.segments, 1):
        contours = Dataset()
        contours.ReferencedROINumber = number
        contours.ROIDisplayColor = [round(255 * part) for part in segment.colour]
        found = list(_contours(frames == segment.label, source, holes))
        if found:
            contours.ContourSequence = found
        dataset.StructureSetROISequence.append(_roi(number, segment, result.origin(segment.label), source, maker))
        dataset.ROIContourSequence.append(contours)
        dataset.RTROIObservationsSequence.append(_observation(number, segment))
    describe_series(dataset, "Lungs", maker, identifiers)
    return dataset


def _new(source: Source, maker: Maker, identifiers: Identifiers) -> Dataset:
    """The object without its structures."""
    dataset = Dataset()
    for keyword in PATIENT_AND_STUDY:
        if keyword in source.first:
            dataset[keyword] = source.first[keyword]
    dataset.PositionReferenceIndicator = source.first.get("PositionReferenceIndicator")
    dataset.SOPClassUID, dataset.SOPInstanceUID = RTStructureSetStorage, identifiers.uid("rtstruct")
    dataset.SeriesInstanceUID, dataset.SeriesNumber = identifiers.uid("series rtstruct"), RTSTRUCT_NUMBER
    dataset.Modality, dataset.InstanceNumber, dataset.OperatorsName = "RTSTRUCT", 1, None
    dataset.Manufacturer = dataset.ManufacturerModelName = NAME
    dataset.SoftwareVersions, dataset.DeviceSerialNumber = maker.software, maker.sha256[:64] or "0"
    dataset.StructureSetLabel, dataset.StructureSetName = "LUNGS", "Lungs"
    dataset.ApprovalStatus = "UNAPPROVED"
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "StructureSetDate", "StructureSetTime"):
        setattr(dataset, keyword, "19000101" if keyword.endswith("Date") else "000000")  # set with the rest
    dataset.ReferencedFrameOfReferenceSequence = [_frame_of_reference(source)]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # a contour may be longer than explicit VR can say
    dataset.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def _frame_of_reference(source: Source) -> Dataset:
    """Which images the contours were drawn on."""
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = source.first.SeriesInstanceUID
    files = {each.sop_uid: _reference(source, each, with_frame=False) for each in source.slices}
    series.ContourImageSequence = list(files.values())
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _DETACHED_STUDY, source.first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = source.first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame


def _reference(source: Source, header: SliceHeader, *, with_frame: bool = True) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.first.SOPClassUID, header.sop_uid
    if with_frame and header.frame is not None:
        item.ReferencedFrameNumber = header.frame + 1
    return item


def _roi(number: int, segment: Segment, origin: Origin, source: Source, maker: Maker) -> Dataset:
    """A structure's name, and how it was made."""
    made = f"{NAME} {maker.version}"
    how = {"AUTOMATIC": made, "SEMIAUTOMATIC": f"{made}, corrected by hand", "MANUAL": "drawn by hand"}
    item = Dataset()
    item.ROINumber, item.ROIName, item.ROIGenerationAlgorithm = number, segment.name, origin
    item.ROIGenerationDescription = how[origin]
    item.ReferencedFrameOfReferenceUID = source.first.FrameOfReferenceUID
    return item


def _contours(mask: npt.NDArray[np.bool_], source: Source, holes: Holes) -> Iterator[Dataset]:
    number = 0
    for plane, header in zip(mask, source.slices, strict=True):
        if not plane.any():
            continue
        row_mm, column_mm = header.pixel_spacing_mm
        for corners in outlines(plane, keyholes=holes == "keyhole"):
            rows, columns = corners.T - 0.5  # of pixel centres, from which positions count
            points = (
                header.position
                + np.outer(columns * column_mm, header.orientation[0])
                + np.outer(rows * row_mm, header.orientation[1])
            )
            number += 1
            item = Dataset()
            item.ContourNumber, item.NumberOfContourPoints = number, len(points)
            item.ContourImageSequence = [_reference(source, header)]
            item.ContourGeometricType = "CLOSED_PLANAR" if holes == "keyhole" else "CLOSEDPLANAR_XOR"
            item.ContourData = [_decimal(value) for value in points.ravel().tolist()]
            yield item


def _decimal(value: float) -> str:
    """A coordinate to a tenth of a micrometre, in no more characters than it needs."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _observation(number: int, segment: Segment) -> Dataset:
    """What a structure is: an organ, with the codes that the segment has."""
    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.ROIObservationLabel = segment.name[:16]
    item.RTROIInterpretedType, item.ROIInterpreter = "ORGAN", None
    category, kind, side = (_code(*each) for each in codes_of(segment))
    kind.SegmentedPropertyTypeModifierCodeSequence = [side]
    item.SegmentedPropertyCategoryCodeSequence, item.RTROIIdentificationCodeSequence = [category], [kind]
    return item


def _code(scheme: str, value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
