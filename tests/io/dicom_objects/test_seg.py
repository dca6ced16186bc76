"""A DICOM SEG says what was segmented, to the voxel, by others' software as by ours, in every geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from dicom_files import save, slices_of
from dicom_geometries import EXACT, PATIENT, SERIES, grid, phantom_on
from outside_programs import (
    Frame,
    by_dcmqi,
    by_highdicom,
    dciodvfy_errors,
    frames_by_dcmtk,
    frames_by_highdicom,
    same_voxels,
)
from pydicom import dcmread

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom_objects.common import is_own_object, write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Volume

highdicom = pytest.importorskip("highdicom")

MAKER = Maker(model="lungs", sha256="0123456789abcdef" * 4)


def written(scan: Scan, labels: Volume, path: Path, **options: object) -> Path:
    """Labels on a scan's grid as a SEG."""
    result = LungResult(labels=labels, segments=LUNGS)
    objects, _ = make_objects(["dicom-seg"], result, read_source(scan), MAKER, DicomOptions(**options))  # type: ignore[arg-type]
    write_object(objects["dicom-seg"], path)
    return path


@dataclass(frozen=True, eq=False)
class Case:
    """A series, labels on its scan's grid, and these as a SEG."""

    name: str
    scan: Scan
    labels: Volume
    path: Path
    truth: list[np.ndarray]
    """The labels on each file, or each frame of the one file, in their order."""

    @property
    def is_straight(self) -> bool:
        return self.name not in ("uneven", "tilted")


@pytest.fixture(scope="module", params=list(SERIES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("series")
    datasets, truth = SERIES[request.param]()
    scan = read_scan(save(datasets, folder / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    return Case(request.param, scan, labels, written(scan, labels, folder / "seg.dcm"), truth)


def expected(case: Case) -> Volume:
    """What of the labels a reader can find: where a slice was missing, no frame is."""
    if case.name != "gap":
        return case.labels
    assert case.scan.slice_places is not None
    array = case.labels.array.copy()
    array[np.setdiff1d(np.arange(len(array)), np.rint(case.scan.slice_places).astype(int))] = 0
    return Volume(array, case.labels.geometry)


def test_the_standards_rules_are_kept(case: Case) -> None:
    assert dciodvfy_errors(case.path) == []


def test_our_reader_gives_the_same_labels(case: Case) -> None:
    """Protects the way back; where slices are not the grid's own, edges move by up to half a voxel."""
    mask = read_mask(case.path, case.scan.volume.geometry, slice_places=case.scan.slice_places)
    same = np.count_nonzero((mask.labels.array > 0) & (mask.labels.array == case.labels.array))
    dice = 2 * same / (np.count_nonzero(mask.labels.array) + np.count_nonzero(case.labels.array))
    assert dice == 1 if case.name in EXACT else dice > 0.95


def test_frames_lie_on_the_images_that_they_refer_to(case: Case) -> None:
    """Protects overlays: the frame of a source image is what the phantom has at that image's own pixels."""
    seg = highdicom.seg.segread(case.path)
    numbers = {header.path: index for index, header in enumerate(sorted(case.scan.slices, key=lambda h: str(h.path)))}
    for header in case.scan.slices:
        if header.frame is None:
            found = seg.get_pixels_by_source_instance([header.sop_uid], combine_segments=True, **LENIENT)[0]
            truth = case.truth[numbers[header.path]]
        else:
            found = seg.get_pixels_by_source_frame(header.sop_uid, [header.frame + 1], combine_segments=True, **LENIENT)
            found, truth = found[0], case.truth[header.frame]
        differ = np.mean(found != truth)
        assert differ == 0 if case.name in (*EXACT, "gap") else differ < 0.04


def expected_frames(case: Case) -> list[Frame]:
    """A frame for each segment on each image that shows some of it, in the order of positions and segments."""
    planes, _ = read_source(case.scan).frames(case.labels)
    return in_order(
        [
            Frame(position=header.position, segment=label, pixels=plane == label)
            for header, plane in zip(case.scan.slices, planes, strict=True)
            for label in (1, 2)
            if (plane == label).any()
        ]
    )


def in_order(frames: list[Frame]) -> list[Frame]:
    return sorted(frames, key=lambda each: (*each.position.round(2), each.segment))


def test_others_find_each_frame_at_its_place(case: Case, tmp_path: Path) -> None:
    """Protects tilted and uneven scans, too, of which no reader makes a volume: place, segment and every pixel."""
    expected = expected_frames(case)
    for found in (frames_by_highdicom(case.path), frames_by_dcmtk(case.path, tmp_path / "frames")):
        assert len(found) == len(expected) > 0
        assert all(own.same(other) for own, other in zip(expected, in_order(found), strict=True))


LENIENT = {"ignore_spatial_locations": True, "assert_missing_frames_are_empty": True}


def test_highdicom_reads_the_same_volume(case: Case) -> None:
    if not case.is_straight:
        pytest.skip("its slices make no straight, even volume")
    assert same_voxels(by_highdicom(case.path), expected(case))


def test_dcmqi_reads_the_same_volume(case: Case, tmp_path: Path) -> None:
    """Protects what hospitals' and archives' tools make of it: dcmqi is written in C++ on dcmtk."""
    found = by_dcmqi(case.path, tmp_path)
    if case.is_straight:
        assert same_voxels(found, expected(case))
        return
    # It puts tilted and uneven frames on a straight, even grid: each is in the plane of its height, to half a distance.
    planes, _ = read_source(case.scan).frames(case.labels)
    for header, plane in zip(case.scan.slices, planes, strict=True):
        place = (header.position - found.geometry.affine_lps[:3, 3]) @ header.normal / found.geometry.spacing_mm[0]
        near = {min(max(round(place + away), 0), len(found.array) - 1) for away in (-0.01, 0.01)}
        assert any(np.array_equal(found.array[index], plane) for index in near)


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    return read_scan(save(SERIES["axial"]()[0], tmp_path / "ct"))


@pytest.fixture
def labels(scan: Scan) -> Volume:
    return phantom_on(scan.volume.geometry).labels


def test_it_says_what_whose_and_by_whom(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    """Protects the codes of Slicer's segmentation node, patient and study of the source, and the model's name."""
    dataset = dcmread(written(scan, labels, tmp_path / "s.dcm"))
    source = dcmread(scan.slices[0].path)
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert dataset[keyword].value == source[keyword].value
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID and dataset.SegmentationType == "BINARY"
    kinds = [each.SegmentedPropertyTypeCodeSequence[0] for each in dataset.SegmentSequence]
    sides = [kind.SegmentedPropertyTypeModifierCodeSequence[0] for kind in kinds]
    assert [kind.CodeValue for kind in kinds] == ["39607008"] * 2
    assert [side.CodeValue for side in sides] == ["24028007", "7771000"]
    algorithm = dataset.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == "LungUNetSeg" and MAKER.sha256 in algorithm.AlgorithmParameters
    assert dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices == 10
    assert str(dataset.SOPInstanceUID).startswith("2.25.")
    assert "research only" in dataset.SeriesDescription


def test_a_lung_that_was_corrected_or_drawn_by_hand_is_called_so(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    """Protects from hand-made voxels that are called automatic; a manual segment names no algorithm (PS3.3 C.8.20)."""
    result = LungResult(labels=labels, segments=LUNGS, origins={1: "SEMIAUTOMATIC", 2: "MANUAL"})
    objects, _ = make_objects(["dicom-seg"], result, read_source(scan), MAKER, DicomOptions())
    write_object(objects["dicom-seg"], tmp_path / "seg.dcm")
    found = dcmread(tmp_path / "seg.dcm")
    right, left = found.SegmentSequence
    assert (right.SegmentAlgorithmType, left.SegmentAlgorithmType) == ("SEMIAUTOMATIC", "MANUAL")
    assert "SegmentationAlgorithmIdentificationSequence" in right
    assert "SegmentationAlgorithmIdentificationSequence" not in left
    assert found.ContentDescription == "Lungs, segmented automatically, corrected by hand; research only"
    assert dciodvfy_errors(tmp_path / "seg.dcm") == []


def test_only_slices_with_lung_have_frames_unless_all_are_asked_for(scan: Scan, tmp_path: Path) -> None:
    """Hand-counted: the right lung in slices 3 and 4, the left in 4: three frames; all are 2 x 13."""
    array = np.zeros(scan.volume.array.shape, np.uint8)
    array[3, 20:30, 10:20] = 1
    array[4, 20:30, 10:20] = 1
    array[4, 20:30, 40:50] = 2
    labels = Volume(array, scan.volume.geometry)
    assert dcmread(written(scan, labels, tmp_path / "a.dcm")).NumberOfFrames == 3
    every = written(scan, labels, tmp_path / "b.dcm", all_frames=True)
    assert dcmread(every).NumberOfFrames == 26 and dciodvfy_errors(every) == []
    assert np.array_equal(read_mask(every, scan.volume.geometry).labels.array, array)


def test_a_label_map_holds_the_same(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    """Debian's dciodvfy does not know label maps yet, so highdicom and we read it."""
    path = written(scan, labels, tmp_path / "s.dcm", seg_kind="LABELMAP")
    assert dcmread(path).SOPClassUID == "1.2.840.10008.5.1.4.1.1.66.7"
    assert np.array_equal(read_mask(path, scan.volume.geometry).labels.array, labels.array)
    assert same_voxels(by_highdicom(path), labels)


def test_a_lung_that_is_not_there_and_both_in_one(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    right = Volume((labels.array == 1).astype(np.uint8), labels.geometry)
    path = written(scan, right, tmp_path / "r.dcm")
    assert dciodvfy_errors(path) == []
    assert np.array_equal(read_mask(path, scan.volume.geometry).labels.array, right.array)
    nothing = written(scan, Volume(np.zeros_like(labels.array), labels.geometry), tmp_path / "n.dcm")
    assert dciodvfy_errors(nothing) == [] and not highdicom.seg.segread(nothing).pixel_array.any()
    both = LungResult(labels=Volume((labels.array > 0).astype(np.uint8), labels.geometry), segments=BOTH_LUNGS)
    made, _ = make_objects(["dicom-seg"], both, read_source(scan), MAKER, DicomOptions())
    write_object(made["dicom-seg"], tmp_path / "b.dcm")
    assert np.array_equal(read_mask(tmp_path / "b.dcm", scan.volume.geometry).labels.array, both.labels.array)


def test_fixed_identifiers_give_the_same_file_and_other_voxels_others(
    scan: Scan, labels: Volume, tmp_path: Path
) -> None:
    """Protects reruns of a study: byte for byte the same, and never one UID for two contents."""
    first, second = (written(scan, labels, tmp_path / f"{name}.dcm", fixed_uids=True) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    other = written(scan, Volume(labels.array[:, ::-1].copy(), labels.geometry), tmp_path / "c.dcm", fixed_uids=True)
    assert dcmread(other).SOPInstanceUID != dcmread(first).SOPInstanceUID
    corrected = LungResult(labels=labels, segments=LUNGS, origins={1: "SEMIAUTOMATIC"})
    made, _ = make_objects(["dicom-seg"], corrected, read_source(scan), MAKER, DicomOptions(fixed_uids=True))
    assert made["dicom-seg"].SOPInstanceUID != dcmread(first).SOPInstanceUID
    free = [dcmread(written(scan, labels, tmp_path / f"{name}.dcm")).SOPInstanceUID for name in "de"]
    assert len({*free, dcmread(first).SOPInstanceUID}) == 3


def test_a_gap_is_said(tmp_path: Path) -> None:
    scan = read_scan(save(SERIES["gap"]()[0], tmp_path / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    _, findings = read_source(scan).frames(labels)
    assert [each.code for each in findings] == ["dicom-gaps"] and "2 places" in findings[0].message


def test_files_that_somebody_changed_are_no_longer_ours(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    """Protects a corrected mask from being replaced without asking."""
    path = written(scan, labels, tmp_path / "s.dcm")
    assert is_own_object(path) and not is_own_object(scan.slices[0].path)
    dataset = dcmread(path)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(path)
    assert not is_own_object(path)


REFUSED = {
    "Study Instance UID": {"StudyInstanceUID": None},
    "Frame of Reference UID": {"FrameOfReferenceUID": ""},
}


@pytest.mark.parametrize("name", REFUSED)
def test_images_without_identifiers_are_refused(name: str, tmp_path: Path) -> None:
    datasets = slices_of(phantom_on(grid()).ct, **PATIENT | REFUSED[name])
    scan = read_scan(save(datasets, tmp_path / "ct"))
    with pytest.raises(WriteError, match=name):
        read_source(scan)


def test_images_of_two_names_are_refused(tmp_path: Path) -> None:
    datasets = slices_of(phantom_on(grid()).ct, **PATIENT)
    datasets[3].PatientName = "Other^One"
    scan = read_scan(save(datasets, tmp_path / "ct"))
    with pytest.raises(WriteError, match="differ in PatientName"):
        read_source(scan)


def test_images_anonymised_of_all_that_may_be_empty_are_written(tmp_path: Path) -> None:
    """Protects against anonymisers that take type 2 attributes away whole, and say so by half."""
    datasets = slices_of(phantom_on(grid()).ct, PatientName="", PatientID="", StudyTime=None, StudyDate=None)
    for dataset in datasets:
        dataset.PatientIdentityRemoved = "YES"
    scan = read_scan(save(datasets, tmp_path / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    path = written(scan, labels, tmp_path / "s.dcm", fixed_uids=True)
    assert [each for each in dciodvfy_errors(path) if "PatientID" not in each and "PatientName" not in each] == []
    assert np.array_equal(read_mask(path, scan.volume.geometry).labels.array, labels.array)
