"""The map of local density, by hand: what is averaged, over how many mm, and where nothing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.measures.density_map import OUTSIDE_HU, density_map, kernel, values_near
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import from_sitk, to_sitk

# 2 mm voxels are cells by themselves, and five of them the 10 mm of the box.
GRID = Geometry.axial((9, 20, 30), (2.0, 2.0, 2.0))


def lungs() -> Volume:
    array = np.zeros(GRID.shape, np.uint8)
    array[:, 2:18, 2:12], array[:, 2:18, 12:24] = 1, 2  # they touch
    return Volume(array, GRID)


def scan(labels: Volume) -> Volume:
    return Volume(np.choose(labels.array, (40, -800, -900)).astype(np.int16), labels.geometry)


def test_even_lungs_have_their_own_density_up_to_the_edge() -> None:
    """Protects against chest wall and the other lung: neither counts, though both lie within the box."""
    labels = lungs()
    found = density_map(labels, scan(labels))
    assert found.array.dtype == np.int16 and found.geometry is labels.geometry
    for label, hu in ((0, OUTSIDE_HU), (1, -800), (2, -900)):
        assert set(found.array[labels.array == label].tolist()) == {hu}


def test_a_single_dense_voxel_spreads_over_the_box_and_no_farther() -> None:
    """Protects the formula: the mean over 5 x 5 x 5 voxels, of which fewer are lung at the corner."""
    labels = lungs()
    ct = scan(labels)
    ct.array[4, 8, 6] = 450  # 1250 HU more: 10 HU in 125 voxels
    found = density_map(labels, ct).array
    assert (found[2:7, 6:11, 4:9] == -790).all()
    assert np.count_nonzero(found == -790) == 125 and (found[labels.array == 1] == -800).sum() == 9 * 16 * 10 - 125
    corner = scan(labels)
    corner.array[0, 2, 2] = -800 + 270
    assert density_map(labels, corner).array[0, 2, 2] == -790  # of 3 x 3 x 3 voxels in the lung


def test_the_box_is_as_near_to_ten_mm_as_whole_cells_allow() -> None:
    assert kernel((2.0, 2.0, 2.0)) == ((1, 1, 1), (5, 5, 5))
    assert kernel((1.0, 0.7, 0.7)) == ((2, 3, 3), (5, 5, 5))  # 10 x 10.5 x 10.5 mm
    assert kernel((5.0, 0.98, 0.98)) == ((1, 2, 2), (3, 5, 5))  # 15 x 9.8 x 9.8 mm
    assert kernel((10.0, 1.0, 1.0)) == ((1, 2, 2), (1, 5, 5))
    assert kernel((12.0, 1.0, 1.0))[1][0] == 1


def test_voxels_of_a_cell_share_a_value() -> None:
    """Protects cells of several voxels, also the last ones, which are smaller: 1 mm voxels, cells of 2 x 2 x 2."""
    grid = Geometry.axial((5, 15, 15), (1.0, 1.0, 1.0))
    labels = Volume(np.ones(grid.shape, np.uint8), grid)
    hu = np.full(grid.shape, -800, np.int16)
    hu[0, 0, 0] = -800 + 1800
    found = density_map(labels, Volume(hu, grid)).array
    # A cell's box reaches two cells on each side: all 5 slices, and at the corner 6 x 6 pixels, then 8 x 8 and 10 x 10.
    assert (found[:, :2, :2] == -790).all()  # 1800 / 180
    assert (found[:, 2:4, 2:4] == -794).all()  # 1800 / 320
    assert (found[:, 4:6, 4:6] == -796).all()  # 1800 / 500
    assert (found[:, 6:] == -800).all() and (found[:, :, 6:] == -800).all()


def test_the_order_of_axes_changes_nothing() -> None:
    labels = lungs()
    ct = scan(labels)
    ct.array[4, 8, 6] = 450
    axes, flips = (2, 0, 1), (True, False, True)

    def turned(volume: Volume) -> Volume:
        return Volume(volume.array.transpose(axes)[::-1, :, ::-1], volume.geometry.reordered(axes, flips))

    found = density_map(turned(labels), turned(ct))
    np.testing.assert_array_equal(found.array, turned(density_map(labels, ct)).array)


def test_without_lung_and_on_another_grid() -> None:
    nothing = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    assert (density_map(nothing, scan(lungs())).array == OUTSIDE_HU).all()
    other = Volume(lungs().array, Geometry.axial(GRID.shape, (3.0, 2.0, 2.0)))
    with pytest.raises(GeometryError, match="another grid"):
        density_map(other, scan(lungs()))


def test_points_beside_the_lung_get_the_nearest_edge() -> None:
    """Protects the colours of the surface, whose points lie half a voxel outside, and some farther."""
    labels = lungs()
    found = density_map(labels, scan(labels))
    points = np.array([[2.9, 16.0, 8.0], [47.2, 16.0, 8.0], [60.0, 16.0, 30.0]])
    assert values_near(found, points).tolist() == [-800, -900, -900]


def test_the_command_writes_it(small_phantom: Phantom, tiny_model: Path, tmp_path: Path) -> None:
    """Protects the file: HU on the scan's grid, of the lungs that the same run wrote."""
    sitk.WriteImage(to_sitk(small_phantom.ct), str(tmp_path / "scan.nii.gz"))
    lungs, path = tmp_path / "lungs.nrrd", tmp_path / "density.nii.gz"
    command = ["segment", str(tmp_path / "scan.nii.gz"), "-o", str(lungs), "--model", str(tiny_model), "--raw"]
    assert main([*command, "--density-map", str(path)]) == 0
    found = from_sitk(sitk.ReadImage(str(path)))
    expected = density_map(read_labels(lungs), small_phantom.ct)
    assert found.geometry.matches(expected.geometry)
    np.testing.assert_array_equal(found.canonical().array, expected.canonical().array)


def test_a_map_of_several_scans_and_one_without_a_format_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects against an hour of work before a name is found wrong."""
    scans = [str(tmp_path / name) for name in ("a.nii", "b.nii")]
    for scan in scans:
        Path(scan).write_bytes(b"x")
    assert main(["segment", *scans, "-o", str(tmp_path), "--density-map", str(tmp_path / "d.nrrd")]) == 1
    assert "--density-map is a file of one scan" in capsys.readouterr().err
    assert main(["segment", scans[0], "-o", str(tmp_path / "l.nrrd"), "--density-map", str(tmp_path / "d.txt")]) == 2
    assert "d.txt: the name of an image must end in one of" in capsys.readouterr().err
