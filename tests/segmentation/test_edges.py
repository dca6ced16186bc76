"""Where the lungs end on the scan's own grid: segmentation/edges.py."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from LungUNetSegLib.segmentation.edges import place_edges

LUNG, PARTIAL_LUNG, PARTIAL_WALL, WALL, GAS = -850, -450, -350, 50, -1000


def _placed(labels: list[int], hu: list[int], pixel_mm: float = 1.0) -> list[int]:
    """Place the edges of five equal rows, whose own spacing is too wide for anything to move along it."""
    array = np.tile(np.array(labels, np.uint8), (1, 5, 1))
    place_edges(array, np.tile(np.array(hu, np.int16), (1, 5, 1)), (5.0, pixel_mm))
    assert (array == array[:, :1]).all()
    return [int(each) for each in array[0, 0]]


@pytest.mark.parametrize(
    ("labels", "hu", "expected"),
    [
        pytest.param(
            [0, 1, 1, 1, 1, 1], [WALL, WALL, PARTIAL_WALL, PARTIAL_LUNG, LUNG, LUNG], [0, 0, 0, 1, 1, 1],
            id="two soft pixels of 1 mm are taken off",
        ),
        pytest.param(
            [1, 1, 1, 1, 1, 1], [WALL, WALL, WALL, WALL, LUNG, LUNG], [1, 1, 1, 1, 1, 1],
            id="the edge of the image is none of the lung's",
        ),
        pytest.param(
            [0, 1, 1, 1, 1, 1], [WALL, WALL, WALL, WALL, LUNG, LUNG], [0, 0, 0, 1, 1, 1],
            id="no more than two are",
        ),
        pytest.param(
            [0, 0, 0, 0, 2, 2], [WALL, PARTIAL_LUNG, LUNG, LUNG, LUNG, LUNG], [0, 0, 2, 2, 2, 2],
            id="two aerated pixels are added",
        ),
        pytest.param(
            [0, 0, 0, 0, 2, 2], [GAS, GAS, GAS, GAS, LUNG, LUNG], [0, 0, 0, 0, 2, 2],
            id="a pneumothorax stays outside",
        ),
        pytest.param(
            [0, 0, 0, 0, 2, 2], [LUNG, LUNG, LUNG, WALL, LUNG, LUNG], [0, 0, 0, 0, 2, 2],
            id="what a wall keeps apart stays outside",
        ),
        pytest.param(
            [1, 1, 0, 2, 2, 2], [LUNG, LUNG, PARTIAL_LUNG, LUNG, LUNG, LUNG], [1, 1, 1, 2, 2, 2],
            id="between both lungs it is the right one's",
        ),
    ],
)  # fmt: skip
def test_edges_lie_where_hu_cross_the_middle(labels: list[int], hu: list[int], expected: list[int]) -> None:
    """Protects the masks' edges, which were off by a pixel of the network: 0.01 of a lung's DSC."""
    assert _placed(labels, hu) == expected


@pytest.mark.parametrize("hu", [WALL, -425])
def test_solid_and_hazy_lung_keeps_the_networks_edge(hu: int) -> None:
    """Protects opaque lungs and those full of ground glass: no HU tells their edge, and layers of them were lost."""
    noise = np.random.default_rng(0).normal(0, 15, (1, 9, 9))
    labels = np.zeros((1, 9, 9), np.uint8)
    labels[0, 2:7, 2:7] = 1
    before = labels.copy()
    place_edges(labels, np.rint(np.where(labels, hu, WALL) + noise).astype(np.int16), (1.0, 1.0))
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize(("gap", "moved"), [(7, True), (8, False)])
def test_only_the_edge_near_aerated_lung_moves(gap: int, moved: bool) -> None:
    """Protects the outer edge of a consolidation: aerated lung is 8 mm away at most where an edge moves."""
    labels = [0] + [1] * (gap + 2)
    hu = [WALL] * (gap + 2) + [LUNG]
    assert (_placed(labels, hu) != labels) is moved


def test_layers_are_counted_in_mm_along_each_axis() -> None:
    """Protects pixels that are no squares: 1.5 mm are two pixels of 0.75 and one of 1.5."""
    labels, hu = np.zeros((1, 9, 9), np.uint8), np.full((1, 9, 9), WALL, np.int16)
    labels[0, 4, 4], hu[0, 4, :], hu[0, :, 4] = 2, LUNG, LUNG
    place_edges(labels, hu, (1.5, 0.75))
    expected = np.zeros((9, 9), np.uint8)
    expected[4, 2:7], expected[3:6, 4] = 2, 2
    np.testing.assert_array_equal(labels[0], expected)


def test_slices_do_not_touch_each_other() -> None:
    """Protects thick slices: a lung's edge in one says nothing of the next."""
    labels = np.zeros((3, 5, 5), np.uint8)
    labels[1, 1:4, 1:4] = 1
    before = labels.copy()
    place_edges(labels, np.where(labels, LUNG, WALL).astype(np.int16), (1.0, 1.0))
    np.testing.assert_array_equal(labels, before)


def test_edges_do_not_depend_on_what_lies_far_from_the_lungs() -> None:
    """Protects the same edges in each cut of a scan: only a box around a slice's lungs is looked at."""
    labels, hu = np.zeros((1, 20, 20), np.uint8), np.full((1, 20, 20), LUNG, np.int16)
    labels[0, 8:12, 8:12] = 1
    wide, wide_hu = (np.pad(each, ((0, 1), (40, 0), (0, 60)), mode="edge") for each in (labels, hu))
    wide[1] = 2
    for array, array_hu in ((labels, hu), (wide, wide_hu)):
        place_edges(array, array_hu, (1.0, 1.0))
    np.testing.assert_array_equal(wide[0, 40:, :20], labels[0])


def test_vessels_at_the_edge_stay_in_the_lung() -> None:
    """Protects the lungs' edge at the hilum, which was as jagged as its vessels; a wider structure is taken off."""
    for columns, left in ((slice(6, 10), 0), (slice(6, 11), 2)):
        labels, hu = np.ones((1, 12, 16), np.uint8), np.full((1, 12, 16), LUNG, np.int16)
        labels[0, :2], hu[0, :2] = 0, WALL
        hu[0, 2:5, columns] = WALL
        place_edges(labels, hu, (1.0, 1.0))
        width = columns.stop - columns.start
        assert np.count_nonzero(labels[0, 2:, :] == 0) == left * width


def test_noise_leaves_no_holes_in_what_is_added() -> None:
    """Protects contours of scans with a sharp kernel: one had 350 holes of a single pixel along its lungs' edges."""
    labels, hu = np.zeros((1, 7, 7), np.uint8), np.full((1, 7, 7), LUNG, np.int16)
    labels[0, :, :3], hu[0, 3, 3] = 2, PARTIAL_WALL
    place_edges(labels, hu, (0.5, 0.5))
    assert (labels[0, :, :5] == 2).all() and not labels[0, :, 6].any()


@pytest.mark.parametrize("pixel_mm", [0.6, 0.8, 1.0, 3.0])
def test_rounded_spacings_place_the_same_edges(pixel_mm: float) -> None:
    """Protects scans of 1 mm pixels: from DICOM and from NIfTI, with a computed spacing, edges moved by 2 and by 1."""
    random = np.random.default_rng(0)
    hu = np.rint(ndimage.gaussian_filter(random.normal(-450, 2000, (4, 60, 60)), (0, 2, 2))).astype(np.int16)
    lung = ndimage.gaussian_filter(random.normal(size=hu.shape), (0, 4, 4)) > 0
    placed = []
    for factor in (1 - 1e-7, 1, 1 + 1e-7):
        labels = lung.astype(np.uint8)
        place_edges(labels, hu, (pixel_mm * factor, pixel_mm * factor))
        assert (labels > lung).any() and (labels < lung).any()
        placed.append(labels)
    np.testing.assert_array_equal(placed[0], placed[1])
    np.testing.assert_array_equal(placed[2], placed[1])
