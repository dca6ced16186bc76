"""Label maps that others made are understood: archives of NumPy, other grids, Slicer's layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.masks import placing
from LungUNetSegLib.io.masks.read import read_labels
from LungUNetSegLib.io.masks.write import write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import resample, to_sitk


def test_the_papers_npz_has_slices_last_and_takes_its_place_from_the_scan(tmp_path: Path) -> None:
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[2, 0, 1], labels[0, 3, 4] = 1, 2
    np.savez_compressed(tmp_path / "Case_001_seg.npz", masks=np.moveaxis(labels, 0, -1).astype(np.float64))
    up = Geometry.axial((3, 4, 5), (2.0, 1.0, 1.0))
    assert np.array_equal(read_labels(tmp_path / "Case_001_seg.npz", up).array, labels)
    down = up.reordered((0, 1, 2), (True, False, False))
    flipped = read_labels(tmp_path / "Case_001_seg.npz", down)
    assert np.array_equal(flipped.canonical().array, labels), (
        "the paper's slices rise with z, whatever the scan's order"
    )


def test_npz_that_cannot_be_a_mask_is_refused(tmp_path: Path) -> None:
    grid = Geometry.axial((3, 4, 5))
    np.savez(tmp_path / "mask.npz", np.zeros((4, 5, 3), np.uint8))
    np.savez(tmp_path / "shape.npz", np.zeros((3, 4, 5), np.uint8))
    np.savez(tmp_path / "two.npz", a=np.zeros((4, 5, 3)), b=np.zeros((4, 5, 3)))
    np.savez(tmp_path / "pickle.npz", np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "values.npz", np.full((4, 5, 3), 255))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    refusals = {
        "shape.npz": "its scan",
        "two.npz": "expected one array",
        "pickle.npz": "NumPy archive",
        "values.npz": "this one holds 255",
        "broken.npz": "NumPy archive",
        "missing.npz": "NumPy archive",
    }
    for name, reason in refusals.items():
        with pytest.raises(ReadError, match=reason):
            read_labels(tmp_path / name, grid)
    with pytest.raises(ReadError, match="no position in space"):
        read_labels(tmp_path / "mask.npz")


def test_masks_on_another_grid_come_onto_the_scans(phantom: Phantom, tmp_path: Path) -> None:
    write_labels(tmp_path / "lungs.nii.gz", phantom.labels)
    flipped = phantom.labels.geometry.reordered((0, 1, 2), (True, True, False))
    on_scan = read_labels(tmp_path / "lungs.nii.gz", flipped)
    assert on_scan.geometry.matches(flipped)
    assert np.array_equal(on_scan.array, phantom.labels.array[::-1, ::-1])


def test_a_mask_of_another_patient_is_refused(phantom: Phantom, tmp_path: Path) -> None:
    write_labels(tmp_path / "lungs.nii.gz", phantom.labels)
    affine = np.array(phantom.ct.geometry.affine_lps)
    affine[2, 3] += 150
    with pytest.raises(ReadError, match="belongs to another scan"):
        read_labels(tmp_path / "lungs.nii.gz", Geometry(phantom.ct.array.shape, affine))


@pytest.mark.parametrize(
    ("first", "shape"),
    [
        ((2, 3, 4), (5, 6, 7)),
        ((-2, 3, -1), (5, 6, 30)),
        ((0, 0, 0), (1, 6, 7)),
        ((20, 0, 0), (5, 6, 7)),
        ((2.0005, 2.9995, 4), (5, 6, 7)),
    ],
    ids=["inside", "beyond its edges", "of one slice", "outside", "but for rounding"],
)
def test_a_cropped_mask_is_put_where_resampling_puts_it(
    tmp_path: Path, first: tuple[float, float, float], shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects places: Slicer crops segmentations to what is drawn, and they are shifted and not resampled then."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn * (2.5, 0.7, 0.8), (-100, 50, 7)
    scan = Geometry((13, 14, 15), affine)
    cropped = np.array(affine)
    cropped[:3, 3] = scan.to_lps(np.array(first))
    labels = Volume(np.random.default_rng(1).integers(0, 3, shape, np.uint8), Geometry(shape, cropped))
    expected = resample(labels, scan, "nearest")
    monkeypatch.setattr(placing, "resample", None)
    monkeypatch.setattr(placing, "check_loss", lambda *_: ())
    placed, _ = placing.on_grid(labels, scan, tmp_path)
    assert np.array_equal(placed.array, expected.array) and placed.geometry is scan


def test_a_slice_of_another_thickness_is_resampled(tmp_path: Path) -> None:
    """One plane of 5 mm covers five slices of 1 mm; it is not one of them."""
    labels = Volume(np.ones((1, 4, 4), np.uint8), Geometry.axial((1, 4, 4), (5.0, 1.0, 1.0), (0.0, 0.0, 3.0)))
    placed, _ = placing.on_grid(labels, Geometry.axial((7, 4, 4)), tmp_path)
    assert placed.array.any(axis=(1, 2)).tolist() == [False, True, True, True, True, True, False]


def layered(path: Path, names: list[str], tags: list[str] | None = None) -> Path:
    """A segmentation whose segments may overlap, as Slicer writes it: one layer each, label value 1."""
    layers = np.zeros((4, 6, 8, len(names)), np.uint8)
    for index in range(len(names)):
        layers[1:3, 2:4, index : index + 2, index] = 1
    image = sitk.GetImageFromArray(layers, isVector=True)
    for index, name in enumerate(names):
        fields = {"ID": f"Segment_{index}", "Name": name, "LabelValue": "1", "Layer": str(index)}
        fields["Tags"] = tags[index] if tags else ""
        for key, value in fields.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(path))
    return path


def test_layers_of_a_slicer_segmentation_are_told_by_name(tmp_path: Path) -> None:
    back = read_labels(layered(tmp_path / "any.seg.nrrd", ["Left Lung", "Heart", "lung_r"]))
    assert (back.array == 2).sum() == 8
    assert (back.array == 1).sum() == 8
    assert back.array[1, 2].tolist() == [2, 2, 1, 1, 0, 0, 0, 0]


def test_terminology_counts_more_than_the_name(tmp_path: Path) -> None:
    tags = [f"Other:x|TerminologyEntry:{LUNGS[1].terminology}|", f"TerminologyEntry:{LUNGS[0].terminology}|"]
    back = read_labels(layered(tmp_path / "any.nrrd", ["Segment_1", "Segment_2"], tags))
    assert back.array[1, 2].tolist()[:3] == [2, 1, 1]


def test_a_segmentation_without_lungs_and_wrong_values_are_refused(tmp_path: Path, small_phantom: Phantom) -> None:
    with pytest.raises(ReadError, match="its segments are Heart, Liver"):
        read_labels(layered(tmp_path / "other.seg.nrrd", ["Heart", "Liver"]))
    sitk.WriteImage(to_sitk(small_phantom.ct), str(tmp_path / "ct.nii.gz"))
    with pytest.raises(ReadError, match="a mask holds 0, 1"):
        read_labels(tmp_path / "ct.nii.gz")
    (tmp_path / "mask.txt").touch()
    with pytest.raises(ReadError, match="not a mask in a known format"):
        read_labels(tmp_path / "mask.txt")
    with pytest.raises(ReadError, match="no such file"):
        read_labels(tmp_path / "none.nii.gz")
