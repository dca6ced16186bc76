"""Label maps survive every format, and replace old files only when complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.io.masks.read import read_labels
from LungUNetSegLib.io.masks.write import check_writable, write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry, Volume

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
