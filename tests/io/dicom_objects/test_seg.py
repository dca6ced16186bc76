"""A DICOM SEG says what was segmented, to the voxel, by others' software as by ours, in every geometry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import save, slices_of
from dicom_geometries import EXACT, PATIENT, SERIES, grid, phantom_on
from outside_programs import dciodvfy_errors
from pydicom import dcmread

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom_objects.common import is_own_object, write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, LungResult, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.io.masks.labels import read_mask
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import from_sitk

highdicom = pytest.importorskip("highdicom")

MAKER = Maker(model="lungs", sha256="0123456789abcdef" * 4)


def written(scan: Scan, labels: Volume, path: Path, **options: object) -> Path:
    """Labels on a scan's grid as a SEG."""
    result = LungResult(labels=labels, segments=LUNGS)
    objects, _ = make_objects(["dicom-seg"], result, scan, MAKER, DicomOptions(**options))  # type: ignore[arg-type]
    write_object(objects["dicom-seg"], path)
    return path


@pytest.fixture(scope="module", params=list(SERIES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Scan, Volume, Path]:
    """Name, scan, labels on its grid, and these as a SEG."""
    folder = tmp_path_factory.mktemp("series")
    scan = read_scan(save(SERIES[request.param](), folder / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    return request.param, scan, labels, written(scan, labels, folder / "seg.dcm")


def same_voxels(found: Volume, truth: Volume) -> bool:
    """Whether two label maps mark the same places, on whatever part and order of one grid."""
    index = truth.geometry.to_index(found.geometry.to_lps(np.argwhere(found.array)))
    near = np.rint(index).astype(int)
    values = found.array[tuple(np.argwhere(found.array).T)]
    return (
        np.abs(index - near).max() < 0.01
        and len(values) == np.count_nonzero(truth.array)
        and np.array_equal(truth.array[tuple(near.T)], values)
    )


def expected(name: str, scan: Scan, labels: Volume) -> Volume:
    """What of the labels a reader can find: where a slice was missing, no frame is."""
    if name != "gap":
        return labels
    array = labels.array.copy()
    array[np.setdiff1d(np.arange(len(array)), np.rint(scan.slice_places).astype(int))] = 0
    return Volume(array, labels.geometry)


def test_the_standards_rules_are_kept(case: tuple[str, Scan, Volume, Path]) -> None:
    assert dciodvfy_errors(case[3]) == []


def test_our_reader_gives_the_same_labels(case: tuple[str, Scan, Volume, Path]) -> None:
    """Protects the way back; a tilted scan's labels go over the slices' own pixels, so edges may move by half a one."""
    name, scan, labels, path = case
    mask = read_mask(path, scan.volume.geometry, slice_places=scan.slice_places)
    same = np.count_nonzero((mask.labels.array > 0) & (mask.labels.array == labels.array))
    dice = 2 * same / (np.count_nonzero(mask.labels.array) + np.count_nonzero(labels.array))
    assert dice == 1 if name in EXACT else dice > 0.96


def test_frames_lie_on_the_images_that_they_refer_to(case: tuple[str, Scan, Volume, Path]) -> None:
    """Protects overlays: the frame of a source image is the labels that the phantom has at that image's own pixels."""
    name, scan, _, path = case
    seg = highdicom.seg.segread(path)
    checked = 0
    for header in scan.slices:
        affine = np.eye(4)
        row_mm, column_mm = header.pixel_spacing_mm
        affine[:3, :3] = np.stack([header.normal, header.orientation[1] * row_mm, header.orientation[0] * column_mm], 1)
        affine[:3, 3] = header.position
        here = scan.volume.geometry.to_lps(scan.volume.geometry.to_index(header.position))
        assert np.allclose(here, header.position)
        truth = phantom_on(Geometry((1, header.rows, header.columns), affine)).labels.array[0]
        if header.frame is None:
            found = seg.get_pixels_by_source_instance([header.sop_uid], combine_segments=True)[0]
        else:
            found = seg.get_pixels_by_source_frame(header.sop_uid, [header.frame + 1], combine_segments=True)[0]
        if name in EXACT or name == "gap":
            assert np.array_equal(found, truth)
        else:
            assert np.mean(found != truth) < 0.03
        checked += 1
    assert checked == len(scan.slices)


def test_highdicom_reads_the_same_volume(case: tuple[str, Scan, Volume, Path]) -> None:
    name, scan, labels, path = case
    if name in ("uneven", "tilted"):
        pytest.skip("its slices make no straight, even volume")
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, allow_missing_positions=True)
    found = Volume(np.asarray(volume.array, np.uint8), Geometry(volume.array.shape, volume.affine))
    assert same_voxels(found, expected(name, scan, labels))


def test_dcmqi_reads_the_same_volume(case: tuple[str, Scan, Volume, Path], tmp_path: Path) -> None:
    """Protects what hospitals' and archives' tools make of it: dcmqi is written in C++ on dcmtk."""
    program = Path(sys.executable).with_name("segimage2itkimage")
    name, scan, labels, path = case
    if not program.exists():
        pytest.skip("dcmqi is not installed")
    if name in ("uneven", "tilted"):
        pytest.skip("its slices make no straight, even volume")
    command = [program, "--inputDICOM", path, "--outputDirectory", tmp_path, "-t", "nrrd", "-p", "x"]
    subprocess.run(command, check=True, capture_output=True)
    found = None
    for number in (1, 2):
        part = from_sitk(sitk.ReadImage(str(tmp_path / f"x-{number}.nrrd")))
        array = (part.array > 0).astype(np.uint8) * number
        found = Volume(array if found is None else found.array + array, part.geometry)
    assert found is not None and same_voxels(found, expected(name, scan, labels))


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    return read_scan(save(SERIES["axial"](), tmp_path / "ct"))


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
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, allow_missing_positions=True)
    found = Volume(np.asarray(volume.array, np.uint8), Geometry(volume.array.shape, volume.affine))
    assert same_voxels(found, labels)


def test_a_lung_that_is_not_there_and_both_in_one(scan: Scan, labels: Volume, tmp_path: Path) -> None:
    right = Volume((labels.array == 1).astype(np.uint8), labels.geometry)
    path = written(scan, right, tmp_path / "r.dcm")
    assert dciodvfy_errors(path) == []
    assert np.array_equal(read_mask(path, scan.volume.geometry).labels.array, right.array)
    nothing = written(scan, Volume(np.zeros_like(labels.array), labels.geometry), tmp_path / "n.dcm")
    assert dciodvfy_errors(nothing) == [] and not highdicom.seg.segread(nothing).pixel_array.any()
    both = LungResult(labels=Volume((labels.array > 0).astype(np.uint8), labels.geometry), segments=BOTH_LUNGS)
    made, _ = make_objects(["dicom-seg"], both, scan, MAKER, DicomOptions())
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
    free = [dcmread(written(scan, labels, tmp_path / f"{name}.dcm")).SOPInstanceUID for name in "de"]
    assert len({*free, dcmread(first).SOPInstanceUID}) == 3


def test_a_gap_is_said(tmp_path: Path) -> None:
    scan = read_scan(save(SERIES["gap"](), tmp_path / "ct"))
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
