"""Air around the body is no lung, and nothing that lies in the chest is lost to that rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from LungUNetSegLib.segmentation.air_outside_body import drop_air_outside
from LungUNetSegLib.volume import AIR_HU

Array = npt.NDArray[np.int16]
SIZE = (120, 160)
TISSUE_HU, LUNG_HU, ROOM_AIR_HU = 40, -850, -1000


def ellipse(middle: tuple[int, int], half: tuple[int, int]) -> npt.NDArray[np.bool_]:
    rows, columns = np.indices(SIZE)
    return ((rows - middle[0]) / half[0]) ** 2 + ((columns - middle[1]) / half[1]) ** 2 < 1


RIGHT, LEFT = ellipse((64, 50), (26, 18)), ellipse((64, 110), (26, 18))


def chest() -> tuple[Array, npt.NDArray[np.uint8]]:
    """One slice with both lungs, and what a network says that found them."""
    hu = np.full(SIZE, ROOM_AIR_HU, np.int16)
    hu[ellipse((64, 80), (45, 65))] = TISSUE_HU
    hu[RIGHT | LEFT] = LUNG_HU
    return hu[None], 255 * np.stack((RIGHT, LEFT)).astype(np.uint8)[None]


def test_lungs_in_the_chest_stay_to_the_pixel() -> None:
    hu, said = chest()
    before = said.copy()
    assert drop_air_outside(said, hu) == 0
    assert np.array_equal(said, before)


def test_air_under_a_board_goes_and_the_lung_of_its_name_stays() -> None:
    """Air between a board and the skin, open on one side, is dark within an outline, as a lung is."""
    hu, said = chest()
    hu[0, 8:10, 10:100] = 200
    under = np.zeros(SIZE, bool)
    under[11:17, 30:60] = True
    said[0, 0][under] = 200
    assert drop_air_outside(said, hu) == under.sum()
    assert np.array_equal(said[0, 0] > 0, RIGHT)
    assert np.array_equal(said[0, 1] > 0, LEFT)


def test_a_pocket_that_no_air_reaches_is_left_to_the_other_rules() -> None:
    hu, said = chest()
    pocket = np.zeros(SIZE, bool)
    pocket[3:6, 30:60] = True
    hu[0, 1:8, 28:62] = 200
    hu[0][pocket] = ROOM_AIR_HU
    said[0, 0][pocket] = 255
    assert drop_air_outside(said, hu) == 0


@pytest.mark.parametrize("without", [RIGHT, RIGHT | LEFT], ids=["one lung", "both lungs"])
def test_a_lung_that_the_field_of_view_cuts_stays(without: npt.NDArray[np.bool_]) -> None:
    """It is joined to what was not scanned, and so to the border, by its own cut."""
    hu, said = chest()
    columns = np.broadcast_to(np.arange(SIZE[1]), SIZE)
    outside = (columns < 45) if without is RIGHT else (columns < 45) | (columns > 115)
    hu[0][outside] = AIR_HU
    drop_air_outside(said, hu)
    assert np.array_equal(said[0].max(axis=0) > 0, (RIGHT | LEFT) & ~outside)


def test_air_at_the_edge_of_a_round_field_of_view_goes() -> None:
    """Between arm and table, where the room's air itself reaches what was not scanned."""
    hu, said = chest()
    scanned = ellipse((60, 80), (58, 78))
    hu[0][~scanned] = AIR_HU
    beside = scanned & (np.indices(SIZE)[1] > 150)
    assert beside.sum() > 50 and (hu[0][beside] == ROOM_AIR_HU).all()
    said[0, 1][beside] = 255
    assert drop_air_outside(said, hu) == beside.sum()
    assert np.array_equal(said[0].max(axis=0) > 0, RIGHT | LEFT)


def test_a_cut_lung_is_not_joined_to_the_room_along_the_cut() -> None:
    """Resampled, tissue beside what was not scanned looks like air."""
    hu, said = chest()
    hu[0, :, 45:47] = np.where(hu[0, :, 45:47] == TISSUE_HU, -600, hu[0, :, 45:47])
    hu[0, :, :45] = AIR_HU
    said[0, 0, :, :45] = 0
    before = said.copy()
    assert drop_air_outside(said, hu) == 0
    assert np.array_equal(said, before)


def test_a_cut_lung_whose_edge_the_network_leaves_out_stays() -> None:
    """Part of it lies within the chest, so what is left of the rest would look like the room's air."""
    hu, said = chest()
    hu[0, 74:78][RIGHT[74:78]] = TISSUE_HU
    said[0, 0, 74:78] = 0
    hu[0, 78:] = np.where(RIGHT[78:], LUNG_HU, hu[0, 78:])
    cut = np.indices(SIZE)[1] < 40
    cut[74:] = False
    hu[0, :74, :40] = AIR_HU
    said[0, 0][cut | (RIGHT & (np.indices(SIZE)[1] < 44) & (np.indices(SIZE)[0] < 74))] = 0
    before = said.copy()
    assert drop_air_outside(said, hu) == 0
    assert np.array_equal(said, before)


def test_a_lung_does_not_go_on_where_nothing_was_scanned() -> None:
    """Beyond the cut a network that knows whole lungs completes them; the scan has no values there."""
    hu, said = chest()
    hu[0, :, :45] = AIR_HU
    assert drop_air_outside(said, hu) == RIGHT[:, :45].sum()


def test_little_lung_inside_does_not_prove_the_rest_to_be_air() -> None:
    """A cut lung with a small part parted from it by consolidation: the larger part is lung too."""
    hu, said = chest()
    hu[0, :, :36] = AIR_HU
    hu[0, 76:80][RIGHT[76:80]] = TISSUE_HU
    said[0, 0, 76:80] = 0
    said[0, 0, :, :36] = 0
    before = said.copy()
    assert drop_air_outside(said, hu) == 0
    assert np.array_equal(said, before)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_cut_lung_in_two_pieces_stays_whole(channels: int) -> None:
    """The piece that the field of view does not cut proves nothing of the other; nor does the other lung, where the
    network has one channel for both.
    """
    hu, said = chest()
    hu[0, :, :40] = AIR_HU
    hu[0, 62:66][RIGHT[62:66]] = TISSUE_HU
    said[0, 0, 62:66] = 0
    said[0, 0, :, :40] = 0
    if channels == 1:
        said = said.max(axis=1, keepdims=True)
    before = said.copy()
    assert drop_air_outside(said, hu) == 0
    assert np.array_equal(said, before)


def test_a_gap_in_the_chest_wall_lets_no_lung_out() -> None:
    """A pixel of a thin wall may look like air: then a lung is joined to the room's air, and stays."""
    hu, said = chest()
    hu[0, 64, :50] = ROOM_AIR_HU
    assert drop_air_outside(said, hu) == 0


def test_slices_are_looked_at_one_by_one() -> None:
    hu, said = (np.repeat(each, 3, axis=0) for each in chest())
    said[1, 1, 2:6, 20:60] = 255
    assert drop_air_outside(said, hu) == 4 * 40
    assert (said[[0, 2]] == chest()[1]).all()
    assert np.array_equal(said[1, 1] > 0, LEFT)


def scan_of_chest_and_abdomen() -> tuple[Array, npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Three slices of an abdomen, air beside it taken for right lung, then one without, and three of the chest."""
    hu, said = chest()
    belly, none = hu.copy(), np.zeros_like(said)
    belly[0][RIGHT | LEFT] = TISSUE_HU
    beside = ellipse((64, 8), (20, 5))
    taken = none.copy()
    taken[0, 0][beside] = 255
    return np.concatenate([belly] * 4 + [hu] * 3), np.concatenate([taken] * 3 + [none] + [said] * 3), beside


def test_air_beside_an_abdomen_goes_where_the_scan_shows_the_lung_elsewhere() -> None:
    """Its own slices show no lung by which it could be told; the lungs stay to the pixel."""
    hu, said, beside = scan_of_chest_and_abdomen()
    lungs = said[4:].copy()
    assert drop_air_outside(said.copy(), hu) == 0
    assert drop_air_outside(said, hu, by_scan=True) == 3 * beside.sum()
    assert not said[:4].any() and np.array_equal(said[4:], lungs)


def test_a_lung_whose_chest_wall_is_open_to_the_eye_stays_where_it_goes_on_within_the_body() -> None:
    """A thin chest wall is not seen in some slices: there the lung is joined to the room, and goes on in the others."""
    hu, said = (np.concatenate([each] * 5) for each in chest())
    hu[:2, 60:70, :40] = ROOM_AIR_HU
    before = said.copy()
    assert drop_air_outside(said, hu, by_scan=True) == 0
    assert np.array_equal(said, before)
