"""Label maps survive every format, replace old files only when complete, and masks of others are understood."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.errors import ReadError, WriteError
from LungUNetSegLib.io.masks import placing
from LungUNetSegLib.io.masks.read import read_labels
from LungUNetSegLib.io.masks.write import check_writable, write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import resample, to_sitk

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".seg.nrrd", ".SEG.NRRD")


@pytest.mark.parametrize("ending", ENDINGS)
def test_labels_and_place_come_back_from_every_format(ending: str, oblique_phantom: Phantom, tmp_path: Path) -> None:
    labels = oblique_phantom.labels
    write_labels(tmp_path / f"lungs{ending}", labels)
    back = read_labels(tmp_path / f"lungs{ending}")
    assert back.array.dtype == np.uint8
    assert np.array_equal(back.array, labels.array)
    assert back.geometry.matches(labels.geometry)
    assert [path.name for path in tmp_path.iterdir()] == [f"lungs{ending}"]


def test_slicer_segmentation_carries_names_colours_and_codes(small_phantom: Phantom, tmp_path: Path) -> None:
    write_labels(tmp_path / "lungs.seg.nrrd", small_phantom.labels)
    image = sitk.ReadImage(str(tmp_path / "lungs.seg.nrrd"))
    for index, segment in enumerate(LUNGS):
        assert image.GetMetaData(f"Segment{index}_Name") == segment.name
        assert image.GetMetaData(f"Segment{index}_LabelValue") == str(segment.label)
        assert image.GetMetaData(f"Segment{index}_Tags") == f"TerminologyEntry:{segment.terminology}|"
        assert image.GetMetaData(f"Segment{index}_Extent") == "0 71 0 63 0 23"
    assert not image.HasMetaDataKey("Segment2_ID")


def test_binary_output_is_one_segment(small_phantom: Phantom, tmp_path: Path) -> None:
    both = Volume((small_phantom.labels.array > 0).astype(np.uint8), small_phantom.labels.geometry)
    write_labels(tmp_path / "lungs.seg.nrrd", both, BOTH_LUNGS)
    assert not sitk.ReadImage(str(tmp_path / "lungs.seg.nrrd")).HasMetaDataKey("Segment1_ID")
    assert np.array_equal(read_labels(tmp_path / "lungs.seg.nrrd").array, both.array)


def test_slicer_itself_reads_the_segmentation(oblique_phantom: Phantom, tmp_path: Path) -> None:
    """Slicer's own storage node: both segments, their codes, and the voxels in their places."""
    pytest.importorskip("trame_slicer", reason="Slicer's core is not installed")
    path = tmp_path / "lungs.seg.nrrd"
    write_labels(path, oblique_phantom.labels)
    script = (
        "import sys, vtk\n"
        "from trame_slicer.core import SlicerApp\n"
        "from vtk.util.numpy_support import vtk_to_numpy\n"
        "scene = SlicerApp().scene\n"
        "node = scene.AddNewNodeByClass('vtkMRMLSegmentationNode')\n"
        "storage = scene.AddNewNodeByClass('vtkMRMLSegmentationStorageNode')\n"
        "storage.SetFileName(sys.argv[1])\n"
        "assert storage.ReadData(node)\n"
        "found = node.GetSegmentation()\n"
        "for index in range(found.GetNumberOfSegments()):\n"
        "    segment = found.GetNthSegment(index)\n"
        "    tag = vtk.reference('')\n"
        "    assert segment.GetTag('TerminologyEntry', tag)\n"
        "    image = segment.GetRepresentation('Binary labelmap')\n"
        "    count = (vtk_to_numpy(image.GetPointData().GetScalars()) == segment.GetLabelValue()).sum()\n"
        "    bounds = [0.0] * 6\n"
        "    segment.GetBounds(bounds)\n"
        "    print(found.GetNthSegmentID(index), segment.GetName(), str(tag).split('^')[5], count, sep='|')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = [(oblique_phantom.labels.array == label).sum() for label in (1, 2)]
    assert done.stdout.splitlines()[-2:] == [
        f"RightLung|Right lung|24028007|{counts[0]}",
        f"LeftLung|Left lung|7771000|{counts[1]}",
    ]


def test_slanting_axes_are_written_straight_and_in_place(tmp_path: Path) -> None:
    affine = np.array(Geometry.axial((10, 32, 32), (4.0, 2.0, 2.0)).affine_lps)
    affine[1, 0] = 2.0  # one row per slice
    labels = Volume(np.zeros((10, 32, 32), np.uint8), Geometry((10, 32, 32), affine))
    labels.array[4, 10:20, 10:20] = 1
    for ending in (".nii.gz", ".seg.nrrd"):
        write_labels(tmp_path / f"lungs{ending}", labels)
        back = read_labels(tmp_path / f"lungs{ending}")
        assert back.geometry.is_orthogonal
        places = [volume.geometry.to_lps(np.argwhere(volume.array)).mean(axis=0) for volume in (labels, back)]
        assert np.abs(places[0] - places[1]).max() < 1e-3


# What a user finds out before minutes of computing, and what survives a failure


def test_places_that_cannot_be_written_are_told_at_once(tmp_path: Path) -> None:
    check_writable(tmp_path / "lungs.nii.gz")
    for path, word in (
        (tmp_path / "lungs.png", ".seg.nrrd"),
        (tmp_path / "missing" / "lungs.nrrd", "does not exist"),
    ):
        with pytest.raises(WriteError, match=word):
            check_writable(path)
    (tmp_path / "folder.nrrd").mkdir()
    with pytest.raises(WriteError, match="is a folder"):
        check_writable(tmp_path / "folder.nrrd")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.nrrd"]


def test_a_read_only_folder_and_a_read_only_file_are_told(open_folder: Path, small_phantom: Phantom) -> None:
    path = open_folder / "lungs.nii.gz"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(WriteError, match="Permission denied"):
        check_writable(path)
    path.chmod(0o644)
    inner = open_folder / "inner"
    inner.mkdir()
    inner.chmod(0o555)
    for call in (check_writable, lambda each: write_labels(each, small_phantom.labels)):
        with pytest.raises(WriteError, match="Permission denied"):
            call(inner / "lungs.nii.gz")
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file size there")
@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha", ".seg.nrrd"])
def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(ending: str, tmp_path: Path) -> None:
    """A limit of file size stands for the full disk; ITK itself reports success under NIfTI."""
    path = tmp_path / f"lungs{ending}"
    path.write_bytes(b"old")
    script = (
        "import resource, signal, sys, numpy as np\n"
        "from LungUNetSegLib.errors import WriteError\n"
        "from LungUNetSegLib.io.masks.write import write_labels\n"
        "from LungUNetSegLib.volume import Geometry, Volume\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "array = np.random.default_rng(0).integers(0, 3, (20, 64, 64)).astype(np.uint8)\n"
        "try:\n"
        "    write_labels(sys.argv[1], Volume(array, Geometry.axial(array.shape)))\n"
        "except WriteError as error:\n"
        "    sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is the disk full?" in done.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_keeps_the_old_file(
    small_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lungs.nrrd"
    write_labels(path, small_phantom.labels)
    before = path.read_bytes()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sitk, "WriteImage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_labels(path, small_phantom.labels)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_keeps_being_a_link(small_phantom: Phantom, tmp_path: Path) -> None:
    real, link = tmp_path / "real.nrrd", tmp_path / "link.nrrd"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_labels(link, small_phantom.labels)
    assert link.is_symlink()
    assert np.array_equal(read_labels(real).array, small_phantom.labels.array)


# Masks that others made


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
