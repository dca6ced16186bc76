"""Masks as DICOM files for tests: segmentation objects and structure sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import item
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, SegmentationStorage, generate_uid

from LungUNetSegLib.volume import Volume


def code(value: str, modifier: str = "") -> Dataset:
    concept = item(CodeValue=value, CodingSchemeDesignator="SCT", CodeMeaning="x")
    if modifier:
        concept.SegmentedPropertyTypeModifierCodeSequence = [code(modifier)]
    return concept


def saved(dataset: Dataset, path: Path, sop_class: str) -> Path:
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path


def dashes(values: np.ndarray) -> list[str]:
    return [f"{value:.6f}" for value in np.ravel(values)]


SEGMENTS = [("Heart", code("80891009")), ("Segment 2", code("39607008", "7771000")), ("Lung_R", code("0"))]
"""Number 1 is no lung, 2 is left by its codes, 3 is right by its name."""


def segmentation(path: Path, volume: Volume, kind: str = "BINARY") -> Path:
    """Labels 1 (right) and 2 (left) as a SEG, frames without voxels left out, in mixed order."""
    geometry = volume.geometry
    numbers = {2: 2, 1: 3}
    wanted = [(n, k) for n in numbers for k in range(len(volume.array)) if (volume.array[k] == n).any()]
    wanted = wanted[1::2] + wanted[::2]
    dataset = item(Modality="SEG", SegmentationType=kind, Rows=geometry.shape[1], Columns=geometry.shape[2])
    dataset.SegmentSequence = [
        item(SegmentNumber=number, SegmentLabel=name, SegmentedPropertyTypeCodeSequence=[concept])
        for number, (name, concept) in enumerate(SEGMENTS, 1)
    ]
    measures = item(PixelSpacing=dashes(geometry.spacing_mm[1:]), SliceThickness=f"{geometry.spacing_mm[0]:.6f}")
    directions = np.concatenate([geometry.directions[:, 2], geometry.directions[:, 1]])
    dataset.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[measures],
            PlaneOrientationSequence=[item(ImageOrientationPatient=[f"{each:.9f}" for each in directions])],
        )
    ]
    if kind == "LABELMAP":
        wanted = [(0, k) for k in range(len(volume.array))]
    frames = []
    for label, index in wanted:
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=dashes(geometry.to_lps((index, 0, 0))))])
        if label:
            frame.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=numbers[label])]
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.NumberOfFrames = len(frames)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    pixels = np.array([volume.array[index] == label for label, index in wanted], np.uint8)
    if kind == "BINARY":
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
        dataset.PixelData = pack_bits(pixels)
    else:
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        if kind == "FRACTIONAL":
            dataset.MaximumFractionalValue = 200
            dataset.PixelData = (pixels * 110 + 60).tobytes()
        else:
            dataset.PixelData = np.choose(volume.array, (1, 3, 2)).astype(np.uint8).tobytes()
    return saved(dataset, path, SegmentationStorage)


def structure_set(path: Path, structures: dict[str, list[np.ndarray]]) -> Path:
    """Each structure a list of (n, 3) LPS contours."""
    dataset = item(Modality="RTSTRUCT", StructureSetLabel="x")
    dataset.StructureSetROISequence = [item(ROINumber=n, ROIName=name) for n, name in enumerate(structures, 5)]
    dataset.ROIContourSequence = [
        item(ReferencedROINumber=number, ContourSequence=[_contour(each) for each in contours])
        for number, contours in enumerate(structures.values(), 5)
    ]
    return saved(dataset, path, RTStructureSetStorage)


def _contour(points: np.ndarray) -> Dataset:
    return item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(points), ContourData=dashes(points))


def outlines(labels: Volume) -> dict[str, list[np.ndarray]]:
    """Both lungs of labels 1 (right) and 2 (left) as structures, outlined between voxels."""
    contourpy = pytest.importorskip("contourpy")
    structures: dict[str, list[np.ndarray]] = {"Right Lung": [], "Left Lung": []}
    for label, contours in zip((1, 2), structures.values(), strict=True):
        for index, plane in enumerate(labels.array == label):
            for line in contourpy.contour_generator(z=plane.astype(float)).lines(0.5):
                points = np.column_stack([np.full(len(line), index), line[:, 1], line[:, 0]])
                contours.append(labels.geometry.to_lps(points))
    return structures
