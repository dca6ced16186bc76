"""Frames of DICOM SEG objects land on the slices they were drawn on, whatever is left out between them."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import save, slices_of
from dicom_mask_files import segmentation

from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.masks.read import LoadedMask, read_mask
from LungUNetSegLib.phantom import Phantom, make_phantom
from LungUNetSegLib.volume import Geometry, Volume

GRID = Geometry.axial((12, 30, 26), (2.0, 5.0, 5.0), (-60.0, -70.0, 40.0))


def block(*slices: int, grid: Geometry = GRID) -> Volume:
    """400 pixels of right lung in each of some slices: columns 3..22 and rows 5..24."""
    array = np.zeros(grid.shape, np.uint8)
    array[list(slices), 5:25, 3:23] = 1
    return Volume(array, grid)


def stating(path: Path, **measures: float) -> Path:
    """Change what the file states of its slices."""
    dataset = pydicom.dcmread(path)
    item = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    for keyword, value in measures.items():
        setattr(item, keyword, value)
    dataset.save_as(path)
    return path


def on_slices_of(scan: Scan, path: Path) -> LoadedMask:
    return read_mask(path, scan.volume.geometry, slice_places=scan.slice_places)


def areas(mask: LoadedMask) -> list[int]:
    return (mask.labels.array > 0).sum(axis=(1, 2)).tolist()


def codes(mask: LoadedMask) -> list[str]:
    return [finding.code for finding in mask.findings]


def test_marked_slices_that_are_no_neighbours_are_those_slices(tmp_path: Path) -> None:
    """Protects a volume from being tripled: slices 2, 5 and 8 of a 2 mm series, as the file states."""
    path = stating(segmentation(tmp_path / "seg.dcm", block(2, 5, 8)), SpacingBetweenSlices=2.0, SliceThickness=2.0)
    alone = read_mask(path)
    assert areas(alone) == [400, 0, 0, 400, 0, 0, 400]
    assert alone.labels.geometry.spacing_mm == pytest.approx((2, 5, 5))
    assert codes(alone) == ["structure-empty", "slices-without-frames"], "the left lung has no frame"
    on_scan = read_mask(path, GRID)
    assert np.flatnonzero(areas(on_scan)).tolist() == [2, 5, 8]


def test_without_a_stated_distance_the_scan_tells_and_else_it_is_said(tmp_path: Path) -> None:
    path = stating(segmentation(tmp_path / "seg.dcm", block(2, 5, 8)), SliceThickness=2.0)
    assert np.flatnonzero(areas(read_mask(path, GRID))).tolist() == [2, 5, 8]
    alone = read_mask(path)
    assert codes(alone)[1] == "slice-distance-assumed" and "6 mm were taken" in alone.findings[1].message


def test_a_coarser_segmentation_fills_the_slices_between(tmp_path: Path) -> None:
    """A mask of a 6 mm reconstruction on the 2 mm one: as much volume on both."""
    coarse = Geometry.axial((4, 30, 26), (6.0, 5.0, 5.0), (-60.0, -70.0, 42.0))
    path = segmentation(tmp_path / "seg.dcm", block(1, 2, grid=coarse))
    mask = read_mask(stating(path, SpacingBetweenSlices=6.0, SliceThickness=6.0), GRID)
    assert np.flatnonzero(areas(mask)).tolist() == [3, 4, 5, 6, 7, 8]


def test_a_segmentation_of_other_pixels_is_the_same_block(tmp_path: Path) -> None:
    """By hand: pixels of 2.5 mm, half of the scan's; 40 x 40 of them are its 20 x 20, wherever their grid begins."""
    fine = Geometry.axial((12, 60, 52), (2.0, 2.5, 2.5), (-61.25, -71.25, 40.0))
    array = np.zeros(fine.shape, np.uint8)
    array[3:6, 10:50, 6:46] = 1
    mask = read_mask(segmentation(tmp_path / "seg.dcm", Volume(array, fine)), GRID)
    assert np.array_equal(mask.labels.array, block(3, 4, 5).array)


def test_lungs_that_overlap_are_said(tmp_path: Path) -> None:
    """By hand: right columns 3 to 22, left 13 to 22 of one slice are marked twice; 200 voxels of 0.05 ml."""
    path = segmentation(tmp_path / "seg.dcm", block(4))
    dataset = pydicom.dcmread(path)
    frame = dataset.PerFrameFunctionalGroupsSequence[0]
    again = copy.deepcopy(frame)
    again.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 2
    left = block(4).array[4].copy()
    left[:, :13] = 0
    dataset.PerFrameFunctionalGroupsSequence = [again, frame]
    dataset.NumberOfFrames = 2
    dataset.PixelData = pydicom.pixels.pack_bits(np.stack([left, block(4).array[4]]))
    dataset.save_as(path)
    mask = read_mask(path, GRID)
    assert codes(mask) == ["lungs-overlap"] and "200 voxels (10.0 ml)" in mask.findings[0].message
    assert (mask.labels.array == 1).sum() == 400, "segment 3, the right lung, is the later one"


@pytest.mark.parametrize("shape", [(4, 15, 13), (4, 250, 255), (3, 9, 7)])
def test_frames_that_do_not_fill_whole_bytes_are_read(shape: tuple[int, int, int], tmp_path: Path) -> None:
    """Protects valid BINARY files: PS3.5 8.1.1 packs pixels without a gap between frames."""
    grid = Geometry.axial(shape, (3.0, 1.5, 1.5))
    array = np.random.default_rng(0).integers(0, 3, shape).astype(np.uint8)
    mask = read_mask(segmentation(tmp_path / "seg.dcm", Volume(array, grid)), grid)
    assert np.array_equal(mask.labels.array, array)


@pytest.mark.parametrize("step_mm", [2 / 3, 0.7, 1 / 3, 1.23456])
def test_a_slice_distance_that_is_no_round_number(step_mm: float, tmp_path: Path) -> None:
    """Protects 150 slices of 2/3 mm: refused, or read as 0.666 mm, which is a slice too short at the end."""
    grid = Geometry.axial((150, 12, 10), (step_mm, 3.0, 3.0))
    array = np.ones(grid.shape, np.uint8)
    mask = read_mask(segmentation(tmp_path / "seg.dcm", Volume(array, grid)))
    assert mask.labels.geometry.matches(grid, 0.02) and np.array_equal(mask.labels.array, array)


@pytest.fixture
def fine() -> Phantom:
    """A thorax in 40 slices of 6 mm."""
    return make_phantom(Geometry.axial((40, 64, 72), (6.0, 5.0, 5.0), (-180.0, -150.0, -110.0)), rng=1)


def without(volume: Volume, *numbers: int) -> tuple[list[int], Volume]:
    """Kept slices, and the volume with the others emptied, as in files where they are lost."""
    array = volume.array.copy()
    array[list(numbers)] = 0
    return [n for n in range(len(array)) if n not in numbers], Volume(array, volume.geometry)


def dsc(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero((one == other) & (one > 0)) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize("knows_scan", [True, False])
def test_a_reference_of_real_slices_comes_onto_the_even_grid(knows_scan: bool, fine: Phantom, tmp_path: Path) -> None:
    """Protects a perfect mask of a CT that lost a file: HD95 29.9 mm, +3.7 % volume, an empty slice."""
    kept, emptied = without(fine.labels, 20)
    datasets = slices_of(fine.ct)
    scan = read_scan(save([datasets[n] for n in kept], tmp_path / "ct"))
    assert scan.slice_places is not None and scan.slice_places.tolist() == kept
    path = segmentation(tmp_path / "seg.dcm", emptied)
    mask = on_slices_of(scan, path) if knows_scan else read_mask(path, scan.volume.geometry)
    assert np.array_equal(mask.labels.array[kept], fine.labels.array[kept])
    assert dsc(mask.labels.array[20], fine.labels.array[20]) > 0.97
    assert codes(mask) == ([] if knows_scan else ["slices-interpolated"])


def test_a_slice_that_the_scan_has_stays_as_empty_as_it_is(fine: Phantom, tmp_path: Path) -> None:
    """A mask that misses a slice is wrong there, and must not be mended before it is scored."""
    _, emptied = without(fine.labels, 20)
    scan = read_scan(save(slices_of(fine.ct), tmp_path / "ct"))
    mask = on_slices_of(scan, segmentation(tmp_path / "seg.dcm", emptied))
    assert np.array_equal(mask.labels.array, emptied.array)
    assert codes(mask) == ["slices-without-frames"]


def test_uneven_slices_and_their_segmentation_come_onto_one_grid(tmp_path: Path) -> None:
    """Protects a SEG of an uneven CT: refused, though the CT is read."""
    heights = np.array([0.0, 5, 10, 15.5, 21.5, 27, 32, 38.5, 44, 49, 55, 60, 66, 71, 76, 82])
    grid = Geometry.axial((len(heights), 48, 56), (5.0, 6.0, 6.0), (-165.0, -141.0, -40.0))
    volumes = [make_phantom(_one_slice(grid, height), rng=1) for height in heights]
    datasets = slices_of(Volume(np.concatenate([each.ct.array for each in volumes]), grid))
    for dataset, height in zip(datasets, heights, strict=True):
        dataset.ImagePositionPatient = [-165, -141, f"{height - 40:.6f}"]
    scan = read_scan(save(datasets, tmp_path / "ct"))
    assert "uneven-slices" in [finding.code for finding in scan.findings]
    path = segmentation(tmp_path / "seg.dcm", Volume(np.concatenate([each.labels.array for each in volumes]), grid))
    dataset = pydicom.dcmread(path)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0]
        number = round((float(place.ImagePositionPatient[2]) + 40) / 5)
        place.ImagePositionPatient = [-165, -141, f"{heights[number] - 40:.6f}"]
    dataset.save_as(path)
    truth = make_phantom(scan.volume.geometry, rng=1).labels.array
    assert dsc(on_slices_of(scan, path).labels.array, truth) > 0.97
    alone = read_mask(path)
    assert "uneven-segmentation" in codes(alone)
    volume_ml = np.count_nonzero(truth) * scan.volume.geometry.voxel_volume_ml
    assert np.count_nonzero(alone.labels.array) * alone.labels.geometry.voxel_volume_ml == pytest.approx(
        volume_ml, rel=0.03
    )


def _one_slice(grid: Geometry, height: float) -> Geometry:
    return Geometry.axial((1, *grid.shape[1:]), grid.spacing_mm, (-165.0, -141.0, -40.0 + height))


def test_a_tilted_segmentation_comes_onto_its_straightened_scan(fine: Phantom, tmp_path: Path) -> None:
    """Protects a SEG of a tilted gantry: refused, though the CT is read."""
    affine = np.array(fine.ct.geometry.affine_lps)
    affine[1, 0] = np.tan(np.radians(20)) * 6.0  # each slice lies further to the back
    tilted = Geometry(fine.ct.geometry.shape, affine)
    datasets = slices_of(fine.ct)
    for index, dataset in enumerate(datasets):
        dataset.ImagePositionPatient = [f"{each:.6f}" for each in tilted.to_lps((index, 0, 0))]
    scan = read_scan(save(datasets, tmp_path / "ct"))
    path = segmentation(tmp_path / "seg.dcm", fine.labels)
    dataset = pydicom.dcmread(path)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        place = frame.PlanePositionSequence[0]
        index = round(float(fine.labels.geometry.to_index([float(each) for each in place.ImagePositionPatient])[0]))
        place.ImagePositionPatient = [f"{each:.6f}" for each in tilted.to_lps((index, 0, 0))]
    dataset.save_as(path)
    mask = on_slices_of(scan, path)
    assert mask.labels.geometry is scan.volume.geometry
    lungs = scan.volume.array[mask.labels.array > 0]
    assert lungs.mean() < -700 and np.mean(lungs > -300) < 0.03
    volume_ml = np.count_nonzero(fine.labels.array) * fine.labels.geometry.voxel_volume_ml
    assert np.count_nonzero(mask.labels.array) * scan.volume.geometry.voxel_volume_ml == pytest.approx(
        volume_ml, rel=0.01
    )
    alone = read_mask(path).labels
    assert alone.geometry.is_orthogonal
    assert np.count_nonzero(alone.array) * alone.geometry.voxel_volume_ml == pytest.approx(volume_ml, rel=0.02)


def test_a_segment_without_voxels_is_said(tmp_path: Path) -> None:
    """A segment "Right Lung" and nothing in it must not leave a lung out in silence."""
    volume = block(2, 3, 4)
    volume.array[3, 5:25, 3:23] = 2
    path = segmentation(tmp_path / "seg.dcm", volume)
    dataset = pydicom.dcmread(path)
    dataset.SegmentSequence.append(pydicom.dcmread(path).SegmentSequence[2])
    dataset.SegmentSequence[3].SegmentNumber, dataset.SegmentSequence[3].SegmentLabel = 4, "Right Lung"
    dataset.save_as(path)
    mask = read_mask(path, GRID)
    assert "structure-empty" in codes(mask) and set(np.unique(mask.labels.array)) == {0, 1, 2}
