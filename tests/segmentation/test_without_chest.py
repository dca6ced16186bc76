"""No lung where there is no chest."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.phantom import Phantom, make_head, make_phantom, phantom_geometry
from LungUNetSegLib.segmentation.without_chest import drop_without_chest
from LungUNetSegLib.volume import AIR_HU

GEOMETRY = phantom_geometry((40, 96, 96))


@pytest.fixture(scope="module")
def chest() -> Phantom:
    return make_phantom(GEOMETRY, rng=1)


def _said(lung: np.ndarray) -> np.ndarray:
    """Probabilities of a network that takes this for lung, the left half for the right one's."""
    said = np.zeros((len(lung), 2, *lung.shape[1:]), np.uint8)
    middle = lung.shape[2] // 2
    said[:, 0, :, :middle], said[:, 1, :, middle:] = 255 * lung[:, :, :middle], 255 * lung[:, :, middle:]
    return said


@pytest.mark.parametrize("slices", [slice(None), slice(14, 30)], ids=["whole", "cut"])
def test_the_air_between_a_head_and_its_holder_is_no_lung(slices: slice) -> None:
    """183 ml of it were; where the scan ends within the holder they look like lungs that are cut."""
    head = make_head(GEOMETRY, rng=1, holder=True).ct.array[slices]
    x, y = np.meshgrid(*[(np.arange(96) - 47.5) * step for step in GEOMETRY.spacing_mm[:0:-1]])
    ring = (np.hypot(x, y - 10) < 118) & (y > -30)
    lung = (head < -800) & ring & (np.abs(x) > 100) & (y > 20)
    assert lung.sum() * GEOMETRY.voxel_volume_ml > 150
    said = _said(lung)
    assert drop_without_chest(said, head) == lung.sum()
    assert not said.any()


def test_air_among_the_edges_of_a_holder_is_no_lung() -> None:
    """Protects a head CT from 46 ml of lung: less than a quarter of what the network took was as light as the room."""
    head = make_head(GEOMETRY, rng=1, holder=True).ct.array.copy()
    lung = np.zeros(head.shape, bool)
    lung[8:24, 50:70, 6:12] = head[8:24, 50:70, 6:12] < -900
    head[lung] = np.resize([-985, -920, -850, -780, -700, -650], np.count_nonzero(lung))
    said = _said(lung)
    assert drop_without_chest(said, head) == lung.sum() > 0 and not said.any()


def test_the_last_slice_of_a_head_does_not_make_it_a_chest() -> None:
    """Protects a head CT from 41 ml of lung: of the skull's edge, in a slice without body, all was called lung."""
    head = make_head(GEOMETRY, rng=1).ct.array.copy()
    body = (head > -300).sum(axis=(1, 2))
    (last,) = np.flatnonzero(body)[-1:] + 1
    lung = np.zeros(head.shape, bool)
    lung[last, 20:40, 40:50] = True
    head[lung] = -700
    assert last < len(head) - 1 and not body[last]
    said = _said(lung)
    assert drop_without_chest(said, head) == lung.sum() and not said.any()


def _on_small_pixels(planes: np.ndarray) -> np.ndarray:
    """Return every fourth slice with pixels of the network's size, on which the chest's wall has its thickness."""
    return planes[::4].repeat(3, axis=1).repeat(3, axis=2)


def test_much_air_beside_a_head_is_no_lung() -> None:
    """Protects head CTs from a network that takes most of the air in the holder: more than half of the head's area."""
    head = _on_small_pixels(make_head(GEOMETRY, rng=1, holder=True).ct.array)
    lung = np.zeros(head.shape, bool)
    lung[2:8, 120:190, 70:230] = head[2:8, 120:190, 70:230] < -900
    assert max(lung[each].sum() / (head[each] > -300).sum() for each in range(2, 8)) > 0.5, "not what this is about"
    said = _said(lung)
    assert drop_without_chest(said, head) == lung.sum() and not said.any()


def test_emphysema_that_fills_a_chest_stays(chest: Phantom) -> None:
    """Protects the emptiest lungs: nearly as light as air, but within a chest."""
    lung = _on_small_pixels(chest.labels.array > 0)
    hu = np.where(lung, np.int16(-990), _on_small_pixels(chest.ct.array))
    said = _said(lung)
    before = said.copy()
    assert drop_without_chest(said, hu) == 0 and np.array_equal(said, before)


def test_lungs_in_a_chest_stay(chest: Phantom) -> None:
    said = _said(chest.labels.array > 0)
    before = said.copy()
    assert drop_without_chest(said, chest.ct.array) == 0 and np.array_equal(said, before)


def test_the_tips_of_lungs_that_the_scan_cuts_stay(chest: Phantom) -> None:
    """A neck with the lungs' tips, or a belly with their bases: little lung, and a body around it."""
    used = np.flatnonzero(chest.labels.array.any(axis=(1, 2)))
    for part in (slice(used[-1] - 1, None), slice(0, used[0] + 2)):
        said = _said(chest.labels.array[part] > 0)
        before = said.copy()
        assert drop_without_chest(said, chest.ct.array[part]) == 0 and np.array_equal(said, before)


def test_a_field_of_view_within_the_chest_leaves_its_lungs(chest: Phantom) -> None:
    """Nothing encloses what the field of view cuts on all sides."""
    box = (slice(14, 30), slice(36, 60), slice(14, 40))
    lung, hu = chest.labels.array[box] > 0, chest.ct.array[box]
    said = _said(lung)
    assert drop_without_chest(said, hu) == 0


@pytest.mark.parametrize("room_rows", [0, 34], ids=["body alone", "room in front"])
def test_a_lung_that_a_rectangle_cuts_stays(room_rows: int) -> None:
    """Protects scans cropped to a part of the chest: the lung meets what was not scanned and, around it, the room.
    All lung was removed from three of such crops, 74 to 497 ml.
    """
    hu = np.full((8, 60, 80), AIR_HU, np.int16)
    hu[:, :, 20:70] = 0
    hu[:, :room_rows, 20:70] = -1000
    lung = np.zeros(hu.shape, bool)
    lung[:, 38:54, 20:40] = True
    hu[lung] = -750
    assert lung.sum() < 0.25 * (hu == -1000).sum() or not room_rows, "not what this is about"
    said = _said(lung)
    assert drop_without_chest(said, hu) == 0 and np.array_equal(said, _said(lung))
