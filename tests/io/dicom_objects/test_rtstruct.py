"""Contours enclose just the mask's pixels, holes too, by our reader and by others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import save
from dicom_geometries import SERIES, phantom_on
from outside_programs import dciodvfy_errors
from pydicom import dcmread
from scipy import ndimage

from LungUNetSegLib import __version__
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io import Scan, read_labels, read_scan
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult, Origin
from LungUNetSegLib.io.dicom_objects.outlines import outlines
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.io.masks.rtstruct import toggle_polygon
from LungUNetSegLib.metrics import count
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume

MADE = f"LungUNetSeg {__version__}"


def enclosed(corners: np.ndarray) -> float:
    """Area of a polygon by the shoelace formula."""
    row, column = corners.T
    return float(np.sum(column * np.roll(row, -1) - row * np.roll(column, -1)) / 2)


def test_a_ring_by_hand() -> None:
    """3 x 3 pixels without the middle: a square of 4 corners and a hole; joined they enclose 8 pixels."""
    mask = np.pad(np.ones((3, 3), bool), ((1, 0), (2, 0)))
    mask[2, 3] = False
    apart = outlines(mask, keyholes=False)
    assert sorted(map(len, apart)) == [4, 4] and sorted(map(enclosed, apart)) == [-1, 9]
    (joined,) = outlines(mask)
    assert enclosed(joined) == 8 and len(joined) == 12
    assert joined.min(axis=0).tolist() == [1, 2] and joined.max(axis=0).tolist() == [4, 5]
    assert outlines(np.zeros((4, 4), bool)) == []


@pytest.mark.parametrize("keyholes", [True, False])
def test_any_mask_comes_back(keyholes: bool) -> None:
    """Protects holes within holes' islands, parts that touch at corners, and masks at the image's border."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        mask = ndimage.gaussian_filter(rng.normal(size=(24, 31)), rng.uniform(0, 2)) > 0
        crossings = np.zeros(mask.shape, np.uint8)
        polygons = outlines(mask, keyholes=keyholes)
        for each in polygons:
            toggle_polygon(crossings, each - 0.5)
        assert np.array_equal(np.bitwise_xor.accumulate(crossings, axis=1).astype(bool), mask)
        assert sum(map(enclosed, polygons)) == pytest.approx(mask.sum())
        if keyholes:
            assert len(polygons) == ndimage.label(mask)[1], "one contour a part"


def written(
    scan: Scan, labels: Volume, path: Path, origins: dict[int, Origin] | None = None, **options: object
) -> Path:
    result = LungResult(labels=labels, segments=LUNGS, origins=origins or {})
    maker = Maker(model="lungs", sha256="0" * 64)
    made, _ = make_objects(["rtstruct"], result, read_source(scan), maker, DicomOptions(**options))  # type: ignore[arg-type]
    write_object(made["rtstruct"], path)
    return path


@pytest.mark.parametrize("name", ["axial", "oblique", "enhanced", "tilted"])
@pytest.mark.parametrize("holes", ["keyhole", "xor"])
def test_a_structure_set_holds_the_labels(name: str, holes: str, tmp_path: Path) -> None:
    """Debian's dciodvfy knows no XOR contours yet; it judges those with keyholes."""
    scan = read_scan(save(SERIES[name]()[0], tmp_path / "ct"))
    labels = phantom_on(scan.volume.geometry).labels
    labels.array[labels.array.shape[0] // 2, 20:24, 12:15] = 0  # holes, if in a lung
    path = written(scan, labels, tmp_path / "r.dcm", holes=holes)
    if holes == "keyhole":
        assert dciodvfy_errors(path) == []
    mask = read_mask(path, scan.volume.geometry, slice_places=scan.slice_places)
    if name == "tilted":
        assert np.mean(mask.labels.array != labels.array) < 0.02
    else:
        assert np.array_equal(mask.labels.array, labels.array)


def test_it_names_colours_and_refers(tmp_path: Path) -> None:
    scan = read_scan(save(SERIES["axial"]()[0], tmp_path / "ct"))
    dataset = dcmread(written(scan, phantom_on(scan.volume.geometry).labels, tmp_path / "r.dcm"))
    assert [each.ROIName for each in dataset.StructureSetROISequence] == ["Right lung", "Left lung"]
    assert list(dataset.ROIContourSequence[0].ROIDisplayColor) == [51, 161, 201]
    images = {each.sop_uid for each in scan.slices}
    contours = [each for roi in dataset.ROIContourSequence for each in roi.ContourSequence]
    assert {each.ContourImageSequence[0].ReferencedSOPInstanceUID for each in contours} <= images
    kind = dataset.RTROIObservationsSequence[1].RTROIIdentificationCodeSequence[0]
    assert kind.CodeValue == "39607008"
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "7771000"


@pytest.mark.parametrize(
    ("origins", "algorithms", "descriptions", "whole"),
    [
        ({}, ["AUTOMATIC"] * 2, [MADE] * 2, "segmented automatically"),
        (
            {1: "SEMIAUTOMATIC", 2: "MANUAL"},
            ["SEMIAUTOMATIC", "MANUAL"],
            [f"{MADE}, corrected by hand", "drawn by hand"],
            "segmented automatically, corrected by hand",
        ),
        ({1: "MANUAL", 2: "MANUAL"}, ["MANUAL"] * 2, ["drawn by hand"] * 2, "drawn by hand"),
    ],
)
def test_it_says_how_each_lung_was_made(
    origins: dict[int, Origin], algorithms: list[str], descriptions: list[str], whole: str, tmp_path: Path
) -> None:
    """Protects from hand-made contours that are called automatic; correcting is not approving (PS3.3 C.8.8.5)."""
    scan = read_scan(save(SERIES["axial"]()[0], tmp_path / "ct"))
    path = written(scan, phantom_on(scan.volume.geometry).labels, tmp_path / "r.dcm", origins)
    dataset = dcmread(path)
    assert [each.ROIGenerationAlgorithm for each in dataset.StructureSetROISequence] == algorithms
    assert [each.ROIGenerationDescription for each in dataset.StructureSetROISequence] == descriptions
    assert dataset.StructureSetDescription == f"Lungs, {whole}; research only"
    assert dataset.ApprovalStatus == "UNAPPROVED"
    assert dciodvfy_errors(path) == []


def test_no_lung_is_no_structure_set(tmp_path: Path) -> None:
    scan = read_scan(save(SERIES["axial"]()[0], tmp_path / "ct"))
    empty = Volume(np.zeros(scan.volume.array.shape, np.uint8), scan.volume.geometry)
    with pytest.raises(WriteError, match="no contour to write"):
        written(scan, empty, tmp_path / "r.dcm")


@pytest.mark.shared_data
@pytest.mark.slow
def test_two_readers_fill_the_sample_s_contours_alike(shared_data: Path, tmp_path: Path) -> None:
    """Protects volumes in planning systems: area within 0.5 %, DSC at least 0.995, by us and by plastimatch."""
    case = shared_data / "volumes" / "LIDC-IDRI-0001"
    scan = read_scan(case / "ct")
    labels = read_labels(case / "lungs.nii.gz", scan.volume.geometry)
    path = written(scan, labels, tmp_path / "r.dcm")
    found = [read_mask(path, scan.volume.geometry).labels.array]
    plastimatch = Path(sys.executable).with_name("plastimatch")
    if plastimatch.exists():
        from LungUNetSegLib.io import write_dicom_series

        write_dicom_series(scan.volume, tmp_path / "plain")  # it reads no JPEG-LS
        command = [plastimatch, "convert", "--input", path, "--referenced-ct", tmp_path / "plain"]
        command += ["--output-prefix", tmp_path / "out", "--prefix-format", "nrrd"]
        subprocess.run(command, check=True, capture_output=True)
        sides = [sitk.ReadImage(str(tmp_path / "out" / f"{each.name}.nrrd")) for each in LUNGS]
        right, left = (sitk.GetArrayFromImage(each) for each in sides)
        found.append(right + 2 * left)
    for array in found:
        for side in (1, 2):
            got, truth = array == side, labels.array == side
            assert got.sum() / truth.sum() == pytest.approx(1, abs=0.005)
            assert count(got, truth).dsc >= 0.995
    if len(found) == 1:
        pytest.skip("the second reader, plastimatch, is not installed (PyPI: plastimatch)")
