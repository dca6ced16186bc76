"""Dense tissue that hangs on a lung by a bridge goes; lung, aerated or dense, stays."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.segmentation.cleaning import clean
from LungUNetSegLib.segmentation.hanging_tissue import drop_hanging_tissue

SPACING_MM = (2.5, 1.5, 1.5)
LUNG = np.s_[:12, 20:60, 20:60]
BRIDGE = np.s_[12, 38:41, 38:41]
"""4.5 x 4.5 mm."""

MUSCLE = np.s_[13:15, 30:46, 30:46]
"""24 x 24 mm in two slices: 2.9 ml."""


def scan() -> tuple[np.ndarray, np.ndarray]:
    """A right lung with muscle above its apex, joined by a bridge in the slice between."""
    labels, hu = np.zeros((20, 80, 80), np.uint8), np.full((20, 80, 80), 40, np.int16)
    for place in (LUNG, BRIDGE, MUSCLE):
        labels[place] = 1
    hu[LUNG] = -850
    return labels, hu


@pytest.mark.parametrize("side", [1, 2])
def test_muscle_above_an_apex_goes_with_its_bridge(side: int) -> None:
    """Protects the apex: 2.2 ml of soft tissue above it were right lung, joined to it by 29 mm2 in one slice."""
    labels, hu = scan()
    labels[labels == 1] = side
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == [2 * 16 * 16 + 9]
    assert np.array_equal(np.argwhere(labels == side).max(axis=0), (11, 59, 59))
    assert np.count_nonzero(labels) == 12 * 40 * 40


def test_aerated_lung_behind_a_bridge_stays() -> None:
    """The lingula and the edge of a base hang on little in a slice."""
    labels, hu = scan()
    hu[MUSCLE] = -700
    before = labels.copy()
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == []
    assert np.array_equal(labels, before)


def test_dense_lung_on_a_wide_face_stays() -> None:
    """Pneumonia and tumours lie on the rest of the lung."""
    labels, hu = scan()
    labels[12, 30:46, 30:46] = 1
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == []


def test_a_large_part_stays() -> None:
    """Ten millilitres and more may be a consolidated lobe of which the network found pieces."""
    labels, hu = scan()
    labels[13:18, 20:60, 20:60] = 1
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == []


def test_a_bridge_within_the_slice() -> None:
    """Tissue beside a lung goes too, with half of the bridge, and leaves the lung's outline as it is."""
    labels, hu = scan()
    labels[12:] = 0
    labels[5, 38:42, 60:64] = 1
    labels[5, 34:46, 64:76] = 1
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == [12 * 12 + 4 * 2]
    assert not labels[5, 34:46, 64:76].any() and labels[5, 20:60, 20:60].all()


def test_specks_around_the_part_go_with_it() -> None:
    """Protects from dots above an apex: pieces of the muscle that touch it by a corner, too small for a part."""
    labels, hu = scan()
    labels[14, 46:53, 46:53] = 1
    drop_hanging_tissue(labels, hu, SPACING_MM)
    assert not labels[12:].any()


def test_empty_labels_and_a_lung_of_one_pixel() -> None:
    labels, hu = np.zeros((3, 8, 8), np.uint8), np.zeros((3, 8, 8), np.int16)
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == []
    labels[1, 4, 4] = 2
    assert drop_hanging_tissue(labels, hu, SPACING_MM) == []


def test_the_cleaning_counts_it_as_removed() -> None:
    labels, hu = scan()
    probabilities = np.zeros((len(labels), 2, 80, 80), np.uint8)
    probabilities[:, 0][labels == 1] = 255
    cleaning = clean(probabilities, hu, SPACING_MM)
    assert probabilities[:12].any() and not probabilities[12:].any()
    assert cleaning.removed_ml == pytest.approx((521 * 2.5 * 1.5 * 1.5 / 1000,))
