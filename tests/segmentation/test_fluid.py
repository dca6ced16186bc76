"""Large collections of fluid are no lung; airless lung of the same shape, small collections and aerated lung stay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from LungUNetSegLib.segmentation.cleaning import Cleaning
from LungUNetSegLib.segmentation.fluid import drop_fluid
from LungUNetSegLib.segmentation.quality import _fluid

SPACING_MM = (5.0, 1.5, 1.5)
SHAPE = (24, 80, 120)
VOXEL_ML = 5.0 * 1.5 * 1.5 / 1000
MUSCLE_HU, AERATED_HU = 50, -820

RIGHT, LEFT = ((slice(2, 22), slice(8, 72), columns) for columns in (slice(4, 56), slice(64, 116)))
"""Two lungs of 20 x 64 x 52 voxels, 749 ml each."""

Array = npt.NDArray[np.int16]


def chest(right_hu: float, noise_hu: float = 40.0) -> tuple[Array, npt.NDArray[np.uint8]]:
    """A right lung of one density, an aerated left one, and a network that calls both lung."""
    hu = np.full(SHAPE, MUSCLE_HU, np.float32)
    hu[RIGHT], hu[LEFT] = right_hu, AERATED_HU
    hu += np.random.default_rng(0).normal(0, noise_hu, SHAPE)
    said = np.zeros((SHAPE[0], 2, *SHAPE[1:]), np.uint8)
    said[:, 0][RIGHT] = said[:, 1][LEFT] = 255
    return hu.astype(np.int16), said


def share_left(said: npt.NDArray[np.uint8], where: tuple[slice, ...]) -> float:
    return float((said.max(axis=1)[where] > 0).mean())


@pytest.mark.parametrize("fluid_hu", [0, 10, 20])
def test_half_a_chest_of_fluid_goes_and_the_other_lung_stays(fluid_hu: float) -> None:
    """Through noise twice as large as what tells fluid from lung."""
    hu, said = chest(fluid_hu)
    dropped = drop_fluid(said, hu, SPACING_MM)
    assert dropped * VOXEL_ML == pytest.approx(749, abs=1)
    assert share_left(said, RIGHT) < 0.001
    assert share_left(said, LEFT) == 1


@pytest.mark.parametrize("solid_hu", [36, 45, 80, -90])
def test_an_airless_lung_of_the_same_shape_stays(solid_hu: float) -> None:
    """So does what is as dense as fat, which other rules judge."""
    hu, said = chest(solid_hu)
    assert drop_fluid(said, hu, SPACING_MM) == 0


def test_slices_of_any_thickness_are_judged_alike() -> None:
    """Of thin slices one in 6 mm is looked at, and those between go with it."""
    hu, said = chest(10)
    thin = np.repeat(hu, 5, axis=0), np.repeat(said, 5, axis=0)
    assert drop_fluid(thin[1], thin[0], (1.0, 1.5, 1.5)) == pytest.approx(
        5 * drop_fluid(said, hu, SPACING_MM), rel=0.01
    )


def test_a_small_collection_stays() -> None:
    """A network that leaves 90 ml in errs by little, and a necrotic tumour looks the same."""
    hu, said = chest(AERATED_HU)
    base = hu[2:12, 8:36, 8:36]
    base[:] = 10
    assert base.size * VOXEL_ML == pytest.approx(88, abs=1)
    assert drop_fluid(said, hu, SPACING_MM) == 0


def test_aerated_and_collapsed_lung_beside_the_fluid_stay() -> None:
    """Fluid behind, 24 mm of collapsed lung before it, aerated lung in front."""
    hu, said = chest(10)
    aerated, collapsed, fluid = (
        (slice(2, 22), rows, slice(4, 56)) for rows in (slice(8, 16), slice(16, 32), slice(32, 72))
    )
    noise = hu[RIGHT].astype(np.float32) - 10
    hu[aerated] = AERATED_HU + noise[:, :8]
    hu[collapsed] = 45 + noise[:, 8:24]
    drop_fluid(said, hu, SPACING_MM)
    assert share_left(said, aerated) == 1
    assert share_left(said, collapsed) > 0.7
    assert share_left(said, fluid) < 0.1


def test_a_thin_shell_stays() -> None:
    """Where an airless lung meets fat, blocks of both have the mean of fluid: 500 ml of lung were lost to that."""
    hu, said = chest(45)
    hu[2:22, 8:12, 4:56] = hu[2:22, 68:72, 4:56] = -10
    assert drop_fluid(said, hu, SPACING_MM) == 0


def test_two_slices_are_too_few_to_judge() -> None:
    hu, said = chest(10)
    assert drop_fluid(said[10:12], hu[10:12], SPACING_MM) == 0


def test_what_was_removed_is_said() -> None:
    """Protects from silent losses: a lung full of fluid may be lung for some readers."""
    finding = _fluid({"fluid_ml": 749.4})
    assert finding is not None and finding.code == "fluid-removed" and finding.message.startswith("749 ml were removed")
    assert _fluid({"fluid_ml": Cleaning().fluid_ml}) is None
