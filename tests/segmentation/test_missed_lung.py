"""Aerated lung that the network left out is added where it touches lung; gas behind a wall is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from LungUNetSegLib.segmentation.missed_lung import add_missed_lung
from LungUNetSegLib.volume import AIR_HU

SPACING_MM = (5.0, 1.5, 1.5)
SHAPE = (12, 80, 120)
VOXEL_ML = 5.0 * 1.5 * 1.5 / 1000
LUNG_HU, TISSUE_HU = -870, 40

RIGHT, LEFT = ((slice(0, 12), slice(16, 64), columns) for columns in (slice(10, 50), slice(70, 110)))
FRONT = (slice(0, 3), slice(16, 36), slice(10, 50))
"""The front of the right lung's base: 3 x 20 x 40 voxels, 27 ml."""

Array = npt.NDArray[np.int16]


def chest() -> tuple[Array, npt.NDArray[np.uint8]]:
    """A scan that begins within the lungs, and a network that finds them."""
    hu = np.full(SHAPE, TISSUE_HU, np.int16)
    hu[RIGHT] = hu[LEFT] = LUNG_HU
    said = np.zeros((SHAPE[0], 2, *SHAPE[1:]), np.uint8)
    said[:, 0][RIGHT] = said[:, 1][LEFT] = 255
    return hu, said


def test_the_front_of_a_base_is_added_to_its_side() -> None:
    hu, said = chest()
    expected = said.copy()
    said[:, 0][FRONT] = 0
    assert add_missed_lung(said, hu, SPACING_MM) > 0.98 * 3 * 20 * 40  # corners are narrow
    differ = said != expected
    assert differ.mean() < 0.001 and not differ[:, 1].any()


@pytest.mark.parametrize("hu_there", [-1000, -400])
def test_gas_and_dense_lung_are_left_to_the_network(hu_there: int) -> None:
    """A pneumothorax has -1000 HU; what is half airless may be anything."""
    hu, said = chest()
    said[:, 0][FRONT], hu[FRONT] = 0, hu_there
    assert add_missed_lung(said, hu, SPACING_MM) == 0


def test_a_pneumothorax_is_gas_where_the_scanner_measures_air_too_high() -> None:
    """Protects from 27 ml of gas called lung: room air and pneumothorax have -940 HU, the lung -820."""
    hu, said = chest()
    hu[:, :, :8] = -940
    hu[RIGHT] = hu[LEFT] = -820
    said[:, 0][FRONT], hu[FRONT] = 0, -940
    assert add_missed_lung(said, hu, SPACING_MM) == 0
    hu[FRONT] = -820
    assert add_missed_lung(said, hu, SPACING_MM) > 2000


def test_gas_behind_a_wall_is_no_lung() -> None:
    """A gut or an airway touches no lung though it lies beside one: its wall is 3 mm and more."""
    hu, said = chest()
    said[:, 0][RIGHT] = 0
    said[:, 0, 16:64, 10:30] = 255
    hu[:, :, 30:33] = TISSUE_HU
    assert add_missed_lung(said, hu, SPACING_MM) == 0


def test_rims_and_small_parts_stay_as_the_network_has_them() -> None:
    """The network may end a lung 3 mm inside, and miss 1.5 ml."""
    hu, said = chest()
    said[:, 0, 16:64, 10:13] = 0
    said[0, 1, 30:42, 80:91] = 0
    assert 12 * 11 * VOXEL_ML < 2
    assert add_missed_lung(said, hu, SPACING_MM) == 0


def test_air_around_the_body_is_not_added() -> None:
    """Also where nothing separates it from a lung: the field of view cuts the chest open."""
    hu, said = chest()
    hu[:, :, :10] = LUNG_HU
    assert add_missed_lung(said, hu, SPACING_MM) == 0


def test_what_was_not_scanned_is_no_surface() -> None:
    """A rectangle around one lung shows no chest wall in front: what is cut there still touches the lung."""
    hu, said = chest()
    said[:, 0][FRONT] = 0
    hu[:, :17] = AIR_HU
    hu[:, 17] = TISSUE_HU
    assert add_missed_lung(said, hu, SPACING_MM) > 0.98 * 3 * 18 * 40


def test_without_lung_nothing_is_added() -> None:
    hu, said = chest()
    said[:] = 0
    assert add_missed_lung(said, hu, SPACING_MM) == 0
    assert not said.any()
