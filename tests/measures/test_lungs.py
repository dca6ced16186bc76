"""Both lungs of a scan: volumes, density and regions on its own grid, in whatever direction its axes run."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.measures import REGIONS, LungMeasures, measure_lungs
from LungUNetSegLib.measures.peel import PEEL_MM, _near_outside
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume, bounding_box

SHAPE, STEP_MM = (30, 40, 60), 2.0
VOXEL_ML = 0.008


def two_boxes() -> tuple[Volume, Volume]:
    """Return labels and scan: two lungs of 24 x 30 x 24 voxels of 2 mm, in which the HU tells the height."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[3:27, 5:35, 3:27], labels[3:27, 5:35, 33:57] = 1, 2
    hu = np.full(SHAPE, 40, np.int16)
    for number in range(SHAPE[0]):
        hu[number][labels[number] > 0] = -1000 + 10 * number
    hu[:, 20:, :][labels[:, 20:, :] > 0] += 1
    geometry = Geometry.axial(SHAPE, (STEP_MM,) * 3)
    return Volume(labels, geometry), Volume(hu, geometry)


def test_volumes_and_means_by_hand() -> None:
    """Protects the numbers that people will use: 2 x 3 x 4 mm voxels of 0.024 ml."""
    geometry = Geometry.axial((2, 2, 2), (2.0, 3.0, 4.0))
    hu = Volume(np.array([[[-800, -700], [-600, 0]], [[0, 0], [0, 30]]], np.int16), geometry)
    labels = Volume(np.array([[[1, 1], [2, 0]], [[0, 0], [0, 0]]], np.uint8), geometry)
    measures = measure_lungs(labels, hu)
    assert measures.volumes_ml == pytest.approx({"right": 0.048, "left": 0.024, "total": 0.072})
    assert measures.mean_hu == pytest.approx({"right": -750, "left": -600, "total": -700})
    assert measures.middle_half_hu == pytest.approx({"right": 50, "left": 0, "total": 100})


def test_regions_of_two_boxes_by_hand() -> None:
    """Protects where each region begins: thirds of 8 of 24 slices, halves of 15 of 30 rows, a peel of 15 mm."""
    labels, scan = two_boxes()
    measures = measure_lungs(labels, scan)
    lung = 24 * 30 * 24
    for side in ("right", "left"):
        regions = measures.regions[side]
        assert list(regions) == list(REGIONS)
        for by in ("height", "volume"):
            for third, first in (("basal", 3), ("middle", 11), ("apical", 19)):
                found = regions[f"{third}_third_by_{by}"]
                assert found is not None
                assert found["volume_ml"] == pytest.approx(lung / 3 * VOXEL_ML)
                assert found["mean_hu"] == pytest.approx(-1000 + 10 * (first + 3.5) + 0.5)
        for half, extra in (("ventral", 0), ("dorsal", 1)):
            found = regions[half]
            assert found is not None
            assert found["volume_ml"] == pytest.approx(lung / 2 * VOXEL_ML)
            assert found["mean_hu"] == pytest.approx(-1000 + 10 * 14.5 + extra)
        # A voxel's centre is 1, 3, ... 15 mm from the surface: the peel is 8 voxels thick.
        core, peel = regions["core"], regions["peel"]
        assert core is not None and peel is not None
        inner = (24 - 16) * (30 - 16) * (24 - 16)
        assert core["volume_ml"] == pytest.approx(inner * VOXEL_ML)
        assert peel["volume_ml"] == pytest.approx((lung - inner) * VOXEL_ML)
    total = measures.regions["total"]["core"]
    assert total is not None and total["volume_ml"] == pytest.approx(2 * inner * VOXEL_ML)


def test_thirds_by_volume_are_not_thirds_by_height() -> None:
    """Protects the two definitions from being one: a cone's upper half by volume is short and wide."""
    labels = np.zeros((12, 4, 4), np.uint8)
    labels[:6], labels[6:, :2, :2] = 1, 1  # 6 slices of 16 voxels, then 6 of 4: 120 in all
    geometry = Geometry.axial(labels.shape, (STEP_MM,) * 3)
    scan = Volume(np.full(labels.shape, -800, np.int16), geometry)
    regions = measure_lungs(Volume(labels, geometry), scan, "binary").regions["total"]
    voxels = {name: 0 if each is None else round(each["volume_ml"] / VOXEL_ML) for name, each in regions.items()}
    assert [voxels[f"{third}_third_by_height"] for third in ("basal", "middle", "apical")] == [64, 40, 16]
    # The slices' middles lie at 8, 24, 40 | 56, 72 | 88, 98, ... of 120 voxels; 40 is a third: it is above.
    assert [voxels[f"{third}_third_by_volume"] for third in ("basal", "middle", "apical")] == [32, 48, 40]


def test_a_cut_lung_has_no_pleura_where_the_scan_ends() -> None:
    """Protects core and peel of partial scans: the cut plane is no surface."""
    labels = np.zeros((20, 40, 40), np.uint8)
    labels[:, 5:35, 5:35] = 1
    geometry = Geometry.axial(labels.shape, (STEP_MM,) * 3)
    scan = Volume(np.full(labels.shape, -800, np.int16), geometry)
    core = measure_lungs(Volume(labels, geometry), scan, "binary").regions["total"]["core"]
    assert core is not None and core["volume_ml"] == pytest.approx(20 * 14 * 14 * VOXEL_ML)


def flat(measures: LungMeasures) -> dict[str, float]:
    """Return every number by its path."""
    found: dict[str, float] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{path}/{key}", inner)
        elif isinstance(value, (int, float)):
            found[path] = float(value)

    walk("density", measures.density)
    walk("regions", measures.regions)
    assert len(found) > 100
    return found


ORDERS = [((0, 1, 2), (True, True, True)), ((2, 0, 1), (False, True, False)), ((1, 2, 0), (True, False, True))]


@pytest.mark.parametrize(("axes", "flips"), ORDERS)
def test_flipped_and_reordered_scans_give_the_same_numbers(
    small_phantom: Phantom, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    """Protects scans that are stored feet first, coronal or sagittal: the patient's axes decide, to the last digit."""
    expected = flat(measure_lungs(small_phantom.labels, small_phantom.ct))
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    labels, scan = (
        Volume(each.array.transpose(axes)[steps], each.geometry.reordered(axes, flips))
        for each in (small_phantom.labels, small_phantom.ct)
    )
    assert flat(measure_lungs(labels, scan)) == pytest.approx(expected, rel=1e-12)


def test_an_oblique_scan_gives_the_same_regions() -> None:
    """Protects tilted heads and gantries: a scan turned by 12 degrees shows the same patient, its voxels others.

    A slice of 3.1 mm is 3.5 % of a third's height; with slices half as thick the regions differ half as much.
    """
    shape = (110, 130, 130)
    straight, turned = (
        measure_lungs(phantom.labels, phantom.ct)
        for phantom in (
            make_phantom(phantom_geometry(shape, oblique_degrees=degrees), noise_hu=0) for degrees in (0.0, 12.0)
        )
    )
    for side, name in itertools.product(("right", "left"), REGIONS):
        one, other = straight.regions[side][name], turned.regions[side][name]
        assert one is not None and other is not None
        assert other["volume_ml"] == pytest.approx(one["volume_ml"], rel=0.045), name
        assert other["mean_hu"] == pytest.approx(one["mean_hu"], abs=4), name


def test_the_peel_agrees_with_exact_distances(phantom: Phantom) -> None:
    """Protects the coarse grid by a second opinion: SciPy's exact distances on voxels of 1.4 x 1.3 x 1.3 mm.

    The page promises 1 mm, which is 4.5 % of this peel.
    """
    lung = phantom.labels.array == 1
    lung = np.pad(lung[bounding_box(lung)], 1)
    fine, spacing_mm = lung, np.array(phantom.labels.geometry.spacing_mm)
    for axis, parts in enumerate((4, 2, 2)):
        fine, spacing_mm[axis] = fine.repeat(parts, axis), spacing_mm[axis] / parts
    # From centre to centre; the surface lies about half a voxel before the first centre outside.
    distance_mm = ndimage.distance_transform_edt(fine, sampling=spacing_mm) - spacing_mm.mean() / 2
    exact_ml = np.count_nonzero(fine & (distance_mm <= PEEL_MM)) * spacing_mm.prod() / 1000
    peel = measure_lungs(phantom.labels, phantom.ct).regions["right"]["peel"]
    assert peel is not None and peel["volume_ml"] == pytest.approx(exact_ml, rel=0.045)


@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 2.0), (5.0, 0.7, 0.9), (0.6, 3.1, 2.4), (0.05, 9.0, 1.1)])
def test_the_peel_is_what_a_distance_transform_finds(spacing_mm: tuple[float, float, float]) -> None:
    """Protects the peel of lungs of any shape, narrower than it too: 16 mm from the centres of the voxels outside."""
    shape = (5 if spacing_mm[0] < 0.1 else 24, 40, 36)
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=shape), 3)
    mask = np.pad((noise > np.quantile(noise, 0.2)).astype(np.uint8), 1)
    mask[0, 5:-5, 5:-5] = mask[1, 5:-5, 5:-5] = 1
    exact = ndimage.distance_transform_edt(mask, spacing_mm) <= PEEL_MM + 1
    assert 0.3 < exact.mean() <= 1
    np.testing.assert_array_equal(_near_outside(mask, spacing_mm), exact)
    everywhere = np.ones(shape, np.uint8)
    assert not _near_outside(everywhere, spacing_mm).any()  # no voxel outside is known


def test_one_lung_and_no_lung() -> None:
    """Protects patients after a pneumonectomy, and scans without lung, from errors and from invented numbers."""
    labels, scan = two_boxes()
    labels.array[labels.array == 2] = 0
    one = measure_lungs(labels, scan)
    assert one.volumes_ml["left"] == 0 and one.density["left"] is None and "left" not in one.mean_hu
    assert set(one.regions["left"].values()) == {None}
    assert one.density["right"] == one.density["total"]
    labels.array[:] = 0
    none = measure_lungs(labels, scan)
    assert none.volumes_ml["total"] == 0 and set(none.density.values()) == {None} and none.mean_hu == {}


def test_labels_on_another_grid_are_refused() -> None:
    """Protects from numbers of voxels that are not the lung's."""
    labels, scan = two_boxes()
    moved = np.array(scan.geometry.affine_lps)
    moved[2, 3] += 50
    for other in (Geometry(SHAPE, moved), Geometry.axial(SHAPE, (2.0, 2.0, 2.5))):
        with pytest.raises(GeometryError, match=r"another grid .* than the scan .*: resample"):
            measure_lungs(Volume(labels.array, other), scan)


def test_scans_in_floating_point_are_rounded_to_hu() -> None:
    """Protects callers with a float CT, with NaN where nothing was measured: NaN counts as air, as in every reader."""
    labels, scan = two_boxes()
    floats = scan.array.astype(np.float32) + np.float32(0.3)
    floats[labels.array == 0] = np.nan
    expected = flat(measure_lungs(labels, scan))
    assert flat(measure_lungs(labels, Volume(floats, scan.geometry))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("least_hu", "lowest_hu", "slices"), [(-1024, -970, 0.5), (-900, -900, 7.5), (-300, -300, 24.0)]
)
def test_a_scale_that_ends_within_the_lungs_is_noticed(least_hu: int, lowest_hu: int, slices: float) -> None:
    """Protects LAA-950 and the mean of a scan whose low values were cut off: what share of 24 slices has the lowest."""
    labels, scan = two_boxes()
    measured = measure_lungs(labels, Volume(np.maximum(scan.array, np.int16(least_hu)), scan.geometry)).scan
    assert measured["lowest_hu"] == lowest_hu
    assert measured["lowest_percent"] == pytest.approx(100 * slices / 24)
