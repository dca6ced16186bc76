"""A voxel's place in the patient survives every reordering, and no broken grid is ever made."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.volume import Geometry, Volume, bounding_box, bounding_box_of_planes, to_hu

ORDERS = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product((False, True), repeat=3))


def turned(geometry: Geometry, degrees: float, axis: int) -> Geometry:
    """The grid turned about an LPS axis through the origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = (each for each in range(3) if each != axis)
    rotation = np.eye(4)
    rotation[first, first] = rotation[second, second] = c
    rotation[first, second], rotation[second, first] = -s, s
    return Geometry(geometry.shape, rotation @ geometry.affine_lps)


@pytest.fixture
def straight() -> Volume:
    """4 x 5 x 6 voxels, each with its own value."""
    geometry = Geometry.axial((4, 5, 6), (3.0, 2.0, 0.5), (10.0, -20.0, 30.0))
    return Volume(np.arange(120, dtype=np.int16).reshape(4, 5, 6), geometry)


def test_axial_grid_by_hand() -> None:
    """Slices go to the head (+z), rows to the back (+y), columns to the left (+x)."""
    geometry = Geometry.axial((4, 5, 6), (3.0, 2.0, 0.5), (10.0, -20.0, 30.0))
    assert geometry.to_lps((0, 0, 0)).tolist() == [10.0, -20.0, 30.0]
    assert geometry.to_lps((1, 2, 4)).tolist() == [12.0, -16.0, 33.0]
    assert geometry.to_index((12.0, -16.0, 33.0)).tolist() == [1.0, 2.0, 4.0]
    assert geometry.spacing_mm == (3.0, 2.0, 0.5)
    assert geometry.voxel_volume_ml == pytest.approx(0.003)
    assert geometry.obliquity_degrees == 0.0
    assert geometry.is_orthogonal
    assert geometry.corners_lps().min(axis=0).tolist() == [10.0, -20.0, 30.0]
    assert geometry.corners_lps().max(axis=0).tolist() == [12.5, -12.0, 39.0]


def test_index_and_place_are_inverse_on_an_oblique_grid(straight: Volume) -> None:
    geometry = turned(turned(straight.geometry, 33, 0), -12, 2)
    index = np.random.default_rng(0).uniform(-5, 10, (7, 2, 3))
    assert np.allclose(geometry.to_index(geometry.to_lps(index)), index)
    assert geometry.spacing_mm == pytest.approx((3.0, 2.0, 0.5))
    assert geometry.voxel_volume_ml == pytest.approx(0.003)


@pytest.mark.parametrize("degrees", [0.5, 7.0, 44.0])
def test_obliquity_is_the_angle_of_the_turn(degrees: float, straight: Volume) -> None:
    assert turned(straight.geometry, degrees, 1).obliquity_degrees == pytest.approx(degrees)


@pytest.mark.parametrize("axes", ORDERS)
@pytest.mark.parametrize("flips", FLIPS)
def test_every_order_and_direction_of_axes_comes_back(
    axes: tuple[int, int, int], flips: tuple[bool, bool, bool], straight: Volume
) -> None:
    """A scan stored in any of the 48 ways is the same scan once canonical, and its labels find the way back."""
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    stored = Volume(straight.array.transpose(axes)[steps], straight.geometry.reordered(axes, flips))
    where = np.argwhere(stored.array == 77)[0]
    assert np.allclose(stored.geometry.to_lps(where), straight.geometry.to_lps(np.argwhere(straight.array == 77)[0]))
    canonical = stored.canonical()
    assert np.array_equal(canonical.array, straight.array)
    assert canonical.geometry.matches(straight.geometry)
    assert np.shares_memory(canonical.array, straight.array), "no voxel is copied"
    restored = Volume(np.zeros_like(stored.array), stored.geometry)
    restored.canonical().array[:] = canonical.array
    assert np.array_equal(restored.array, stored.array)


@pytest.mark.parametrize("degrees", [-40.0, -15.0, 15.0, 40.0])
def test_oblique_grids_take_the_nearest_axes(degrees: float, straight: Volume) -> None:
    geometry = turned(turned(straight.geometry, degrees, 0), degrees / 2, 2)
    stored = Volume(straight.array.transpose(2, 0, 1)[:, ::-1], geometry.reordered((2, 0, 1), (False, True, False)))
    assert np.array_equal(stored.canonical().array, straight.array)


def test_grids_match_by_place_not_by_spelling(straight: Volume) -> None:
    geometry = straight.geometry
    nudged, shifted = np.array(geometry.affine_lps), np.array(geometry.affine_lps)
    nudged[0, 3] += 0.005
    shifted[0, 3] += 0.5
    assert geometry.matches(Geometry(geometry.shape, nudged))
    assert not geometry.matches(Geometry(geometry.shape, shifted))
    assert geometry.matches(Geometry(geometry.shape, shifted), tolerance_mm=0.6)
    assert not geometry.matches(Geometry((4, 5, 7), geometry.affine_lps))


def test_slanting_axes_are_known(straight: Volume) -> None:
    affine = np.array(straight.geometry.affine_lps)
    affine[1, 0] = 0.5
    slanting = Geometry(straight.geometry.shape, affine)
    assert not slanting.is_orthogonal
    assert turned(straight.geometry, 30, 0).is_orthogonal
    assert slanting.voxel_volume_ml == pytest.approx(0.003), "shear keeps the volume"


def test_broken_grids_are_refused() -> None:
    good = np.eye(4)
    flat, nan, projective = good.copy(), good.copy(), good.copy()
    flat[:3, 0] = flat[:3, 1]
    nan[0, 3] = np.nan
    projective[3, 0] = 1
    for shape, affine in (
        ((0, 4, 4), good),
        ((4, 4), good),
        ((2, 2, 2), np.eye(3)),
        ((2, 2, 2), flat),
        ((2, 2, 2), np.diag([1.0, 1.0, 0.0, 1.0])),
        ((2, 2, 2), nan),
        ((2, 2, 2), projective),
    ):
        with pytest.raises(GeometryError):
            Geometry(shape, affine)
    Geometry((2, 2, 2), np.diag([1e-5, 1e-5, 1e-5, 1.0]))  # a microscope's grid is small, not singular


def test_an_array_must_fit_its_grid() -> None:
    with pytest.raises(GeometryError, match=r"\(4, 5, 7\)"):
        Volume(np.zeros((4, 5, 7)), Geometry.axial((4, 5, 6)))


def test_a_grid_cannot_be_changed_under_its_volume(straight: Volume) -> None:
    with pytest.raises(ValueError, match="read-only"):
        straight.geometry.affine_lps[0, 0] = 5
    source = np.eye(4)
    geometry = Geometry((2, 2, 2), source)
    source[0, 0] = 9
    assert geometry.affine_lps[0, 0] == 1


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([-3024, -1024, 0, 3071], np.int16, [-1024, -1024, 0, 3071]),
        ([0, 1024, 65535], np.uint16, [0, 1024, 32767]),
        ([0, 255], np.uint8, [0, 255]),
        ([-100_000, 100_000], np.int32, [-1024, 32767]),
        ([-0.6, 0.4, 40.7, 1e9], np.float32, [-1, 0, 41, 32767]),
        ([np.nan, np.inf, -np.inf], np.float64, [-1024, 32767, -1024]),
    ],
)
def test_intensities_become_int16_hu(values: list[float], dtype: type, expected: list[int]) -> None:
    hu = to_hu(np.array(values, dtype))
    assert hu.dtype == np.int16
    assert hu.tolist() == expected


def test_an_array_is_changed_only_where_that_is_allowed() -> None:
    """A scan read from a file needs no second copy; one that belongs to somebody else stays as it is."""
    array = np.array([-2000, 40], np.int16)
    assert to_hu(array).tolist() == [-1024, 40]
    assert array.tolist() == [-2000, 40]
    assert to_hu(array, in_place=True) is array
    assert array.tolist() == [-1024, 40]
    wide = np.array([-2000, 40000], np.int32)
    assert to_hu(wide, in_place=True).tolist() == [-1024, 32767]
    assert wide.tolist() == [-1024, 32767]


def test_bounding_box_holds_every_voxel_and_no_more() -> None:
    mask = np.zeros((5, 6, 7), np.uint8)
    assert mask[bounding_box(mask)].size == mask[bounding_box(mask, margin=1)].size == 0
    mask[1, 2, 3] = mask[3, 2, 5] = 2
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(3, 6))
    assert mask[bounding_box(mask, margin=2)].shape == (5, 5, 6)


def test_a_box_of_planes_is_that_of_the_whole() -> None:
    """Protects what is measured and cleaned slice by slice, to save memory."""
    mask = np.zeros((5, 6, 7), np.bool_)
    assert mask[bounding_box_of_planes(mask)].size == 0 == mask[:0][bounding_box_of_planes(mask[:0])].size
    mask[1, 2, 3] = mask[3, 2, 5] = True
    assert bounding_box_of_planes(plane for plane in mask) == bounding_box(mask)


def test_the_middle_of_slices_by_hand() -> None:
    """Protects a viewer's jump: slices of 3 x 5 voxels have their middle at row 1 and column 2, of one or several."""
    affine = np.array([[0, 0, 2.0, 10], [0, 2.0, 0, 20], [5.0, 0, 0, -30], [0, 0, 0, 1]])
    geometry = Geometry((6, 3, 5), affine)
    assert geometry.slice_centre_lps(3).tolist() == [14.0, 22.0, -15.0]
    assert geometry.slice_centre_lps([0, 2]).tolist() == [[14.0, 22.0, -30.0], [14.0, 22.0, -20.0]]


def test_a_thinned_volume_keeps_the_first_voxel_and_every_so_many_mm() -> None:
    """Of slices of 2 mm every second is nearest to 5 mm, of rows of 1 mm every third; axes come in the body's order."""
    array = np.arange(7 * 8 * 9).reshape(7, 8, 9)
    stored = Volume(
        array.transpose(2, 0, 1), Geometry.axial((7, 8, 9), (2.0, 1.0, 6.0)).reordered((2, 0, 1), (False,) * 3)
    )
    thinned = stored.thinned((5.0, 3.0, 5.0))
    assert np.array_equal(thinned.array, array[::2, ::3])
    assert thinned.geometry.spacing_mm == pytest.approx((4.0, 3.0, 6.0))
    assert np.shares_memory(thinned.array, array)
    assert thinned.geometry.to_lps((1, 1, 1)) == pytest.approx(stored.canonical().geometry.to_lps((2, 3, 1)))
