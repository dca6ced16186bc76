"""The phantom is a thorax that a lung segmentation can be tested on: right sides, right HU, right places."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib import phantom as phantom_module
from LungUNetSegLib.metrics import count
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume.resample import resample


@pytest.fixture
def drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from other tests, see `drawn_once`."""
    monkeypatch.setattr(phantom_module, "_draw_thorax", phantom_module._draw_thorax.__wrapped__)


def volume_ml(phantom: Phantom, label: int) -> float:
    return float((phantom.labels.array == label).sum() * phantom.labels.geometry.voxel_volume_ml)


@pytest.mark.usefixtures("drawn_again")
def test_same_seed_gives_the_same_scan_and_another_seed_another() -> None:
    geometry = phantom_geometry((16, 32, 32))
    first, again, other = (make_phantom(geometry, rng=seed, tumour=True) for seed in (3, 3, 4))
    assert np.array_equal(first.ct.array, again.ct.array)
    assert np.array_equal(first.labels.array, again.labels.array)
    assert not np.array_equal(first.labels.array, other.labels.array)


def test_a_remembered_body_is_the_one_that_is_drawn(request: pytest.FixtureRequest) -> None:
    """Protects all tests that take a phantom: its noise is drawn after the body, by the same generator."""
    geometry = phantom_geometry((16, 32, 32))
    first, remembered = (make_phantom(geometry, rng=3, effusion=True) for _ in range(2))
    request.getfixturevalue("drawn_again")
    for each in (first, remembered):
        assert np.array_equal(each.ct.array, make_phantom(geometry, rng=3, effusion=True).ct.array)


def test_arrays_are_what_the_library_expects(phantom: Phantom) -> None:
    assert phantom.ct.array.dtype == np.int16
    assert phantom.labels.array.dtype == np.uint8
    assert set(np.unique(phantom.labels.array)) == {0, RIGHT_LUNG, LEFT_LUNG}
    assert phantom.ct.array.min() >= -1024


def test_lungs_are_aerated_of_human_size_and_on_their_sides(phantom: Phantom) -> None:
    for label, sign in ((RIGHT_LUNG, -1), (LEFT_LUNG, 1)):
        mask = phantom.labels.array == label
        assert 1200 < volume_ml(phantom, label) < 4000
        assert -900 < np.median(phantom.ct.array[mask]) < -700
        centre = phantom.labels.geometry.to_lps(np.argwhere(mask)).mean(axis=0)
        assert 50 < sign * centre[0] < 110, "+x is the patient's left"


def test_heart_lies_on_the_left_and_the_liver_raises_the_right_dome(phantom: Phantom) -> None:
    """Without these a network could not tell a mirrored scan from a straight one."""
    canonical = phantom.ct.canonical()

    def hu(x: float, y: float, z: float) -> int:
        index = np.rint(canonical.geometry.to_index((x, y, z))).astype(int)
        return int(canonical.array[tuple(index)])

    assert hu(60, -30, -40) > 0 > hu(-60, -30, -40)
    lowest = [
        phantom.labels.geometry.to_lps(np.argwhere(phantom.labels.array == label))[:, 2].min()
        for label in (RIGHT_LUNG, LEFT_LUNG)
    ]
    assert lowest[1] < lowest[0]


def test_trachea_is_air_and_not_lung(phantom: Phantom) -> None:
    index = tuple(np.rint(phantom.ct.geometry.to_index((0, 7, 110))).astype(int))
    assert phantom.ct.array[index] < -800
    assert phantom.labels.array[index] == 0


def test_effusion_takes_room_from_the_lung_but_tumour_and_consolidation_do_not() -> None:
    geometry = phantom_geometry((30, 64, 64))
    healthy = make_phantom(geometry, rng=2)
    with_fluid = make_phantom(geometry, rng=2, effusion=True)
    assert (with_fluid.labels.array > 0).sum() < 0.95 * (healthy.labels.array > 0).sum()
    assert np.all(healthy.labels.array[with_fluid.labels.array > 0] > 0)
    for option in ("tumour", "consolidation"):
        sick = make_phantom(geometry, rng=2, **{option: True})
        assert np.array_equal(sick.labels.array, healthy.labels.array)
        dense = (sick.labels.array > 0) & (sick.ct.array > -200)
        assert dense.sum() > ((healthy.labels.array > 0) & (healthy.ct.array > -200)).sum()


@pytest.mark.parametrize(
    "how",
    [
        {"oblique_degrees": 20.0},
        {"axes": (2, 0, 1)},
        {"axes": (1, 2, 0), "flips": (True, False, True)},
        {"flips": (True, True, True)},
    ],
)
def test_every_geometry_shows_the_same_patient(how: dict, small_phantom: Phantom) -> None:
    other = make_phantom(phantom_geometry((24, 64, 72), **how), rng=1)
    least = 0.9 if "oblique_degrees" in how else 0.999
    back = resample(other.labels, small_phantom.labels.geometry, "nearest")
    for label in (RIGHT_LUNG, LEFT_LUNG):
        assert count(back.array == label, small_phantom.labels.array == label).dsc > least


def test_a_head_has_bone_and_no_lung(head_phantom: Phantom) -> None:
    assert head_phantom.ct.array.max() > 500
    assert not head_phantom.labels.array.any()
