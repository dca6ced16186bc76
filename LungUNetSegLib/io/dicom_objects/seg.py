"""Makes a DICOM Segmentation (PS3.3 A.51, or A.101 for label maps) of a label map, with highdicom."""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import DicomResultError
from LungUNetSegLib.io.dicom_objects.common import SEG_NUMBER, codes_of, describe_series, highdicom, keep_characters
from LungUNetSegLib.io.dicom_objects.identity import NAME, Identifiers, Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult, Origin
from LungUNetSegLib.io.dicom_objects.source import Source
from LungUNetSegLib.segments import Segment

SegKind = Literal["BINARY", "LABELMAP"]


def make_segmentation(
    frames: npt.NDArray[np.uint8],
    result: LungResult,
    source: Source,
    maker: Maker,
    identifiers: Identifiers,
    *,
    kind: SegKind = "BINARY",
    all_frames: bool = False,
) -> Dataset:
    """Return a Segmentation of labels on a series' slices.

    Args:
        frames: (slice, row, column) labels, one plane for each of the source's slices.
        result: What the labels mean and how each was made; the segments' numbers are from 1 on without a gap.
        source: The series.
        maker: Program and model.
        identifiers: Of the new object.
        kind: BINARY has a frame of one bit for each segment and slice, which every reader knows; LABELMAP, of the
            standard of 2024, one frame of numbers for each slice.
        all_frames: Whether slices without lung get frames, too.

    Raises:
        DicomResultError: All frames are asked for, and the scan is only a part of its multi-frame file.
        MissingDependencyError: highdicom is not installed.
    """
    hd = highdicom()
    planes, sources = _planes(frames, source, all_frames)
    dataset: Dataset = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=planes,
        segmentation_type=kind,
        segment_descriptions=[
            _description(hd, each, maker, identifiers, result.origin(each.label)) for each in result.segments
        ],
        series_instance_uid=identifiers.uid("series seg"),
        series_number=SEG_NUMBER,
        sop_instance_uid=identifiers.uid("seg"),
        instance_number=1,
        **maker.equipment,
        content_label="LUNGS",
        content_description=result.description,
        omit_empty_frames=not all_frames,
        pixel_measures=_measures(hd, source),
        specific_character_set=None,
    )
    keep_characters(dataset, source.first)
    # highdicom takes the source's own measures where they agree, which may lack the distance of slices or give a wrong
    # one; readers then take the thickness for it.
    shared = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    shared.update(_measures(hd, source)[0])
    describe_series(dataset, "Lungs", maker, identifiers)
    dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID = identifiers.uid("dimensions")
    for index in dataset.DimensionIndexSequence:
        index.DimensionOrganizationUID = identifiers.uid("dimensions")
    return dataset


def _planes(
    frames: npt.NDArray[np.uint8], source: Source, all_frames: bool
) -> tuple[npt.NDArray[np.uint8], list[Dataset]]:
    """Return planes and source images in one order, as highdicom wants them: one plane for each frame of a file."""
    across, down = source.slices[0].orientation
    # It compares directions as numbers; scanners write them with rounding.
    directions = [f"{each:.9g}"[:16] for each in (*across, *down)]
    if not source.is_multiframe:
        copies = [copy.copy(each) for each in source.datasets]
        for each in copies:
            each.ImageOrientationPatient = directions
        return frames, copies
    count = int(source.first.NumberOfFrames)
    numbers = [each.frame or 0 for each in source.slices]
    if all_frames and len(numbers) < count:
        raise DicomResultError(
            f"{source.slices[0].path}: only {len(numbers)} of its {count} frames belong to the scan; frames without"
            " lung cannot all be written. Leave them out."
        )
    planes = np.zeros((count, *frames.shape[1:]), np.uint8)
    planes[numbers] = frames
    dataset = copy.deepcopy(source.first)
    orientation = Dataset()
    orientation.ImageOrientationPatient = directions
    shared = dataset.setdefault("SharedFunctionalGroupsSequence", [Dataset()]) or dataset.SharedFunctionalGroupsSequence
    shared[0].PlaneOrientationSequence = [orientation]
    shared[0].PixelMeasuresSequence = [Dataset()]
    shared[0].PixelMeasuresSequence[0].PixelSpacing = list(source.slices[0].pixel_spacing_mm)
    shared[0].PixelMeasuresSequence[0].SliceThickness = source.slices[0].thickness_mm or source.spacing_mm
    return planes, [dataset]


def _measures(hd: Any, source: Source) -> Any:
    """Pixel Measures with all distances, whatever the source gives."""
    first = source.slices[0]
    return hd.PixelMeasuresSequence(
        pixel_spacing=[_short(each) for each in first.pixel_spacing_mm],
        slice_thickness=_short(first.thickness_mm or source.spacing_mm),
        spacing_between_slices=_short(source.spacing_mm),
    )


def _short(value: float) -> float:
    """A number that fits into the 16 characters of a decimal string."""
    return float(f"{value:.10g}")


def _description(hd: Any, segment: Segment, maker: Maker, identifiers: Identifiers, origin: Origin) -> Any:
    """A segment's names, codes, colour and algorithm."""
    algorithm = hd.AlgorithmIdentificationSequence(
        name=NAME,
        family=hd.sr.CodedConcept("123110", "DCM", "Artificial Intelligence"),
        version=maker.version,
        parameters={"model": maker.model, "sha256": maker.sha256},
    )
    category, kind, side = (hd.sr.CodedConcept(value, scheme, meaning) for scheme, value, meaning in codes_of(segment))
    item = hd.seg.SegmentDescription(
        segment_number=segment.label,
        segment_label=segment.name,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type=origin,
        algorithm_identification=None if origin == "MANUAL" else algorithm,
        tracking_uid=identifiers.uid(f"segment {segment.label}"),
        tracking_id=segment.segment_id,
        display_color=hd.color.CIELabColor.from_rgb(*(round(255 * part) for part in segment.colour)),
    )
    # The side is a modifier of the type, as in Slicer's terminology; highdicom has no argument for it.
    item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    return item
