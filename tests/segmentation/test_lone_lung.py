"""A lung alone in a scan lies on the side on which it has ribs. Small chests drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.segmentation.cleaning import Cleaning, clean
from LungUNetSegLib.segmentation.probabilities import hard_labels

SPACING_MM = (5.0, 2.0, 2.0)
VOXEL_ML = 0.02
RIGHT, LEFT = 1, 2


def chest(slices: int, *, ribs_before: bool, ribs_after: bool, falls: int = 3) -> np.ndarray:
    """HU of slices of 80 x 60 pixels: a lung in columns 16 to 43, and ribs that descend to the front beside it.

    Args:
        slices: From feet to head.
        ribs_before: Whether there are ribs on the patient's right of the lung.
        ribs_after: Likewise on the left.
        falls: Rows by which each slice's ribs lie further in front than in the slice above.
    """
    hu = np.full((slices, 80, 60), 40, np.int16)
    hu[:, 8:72, 16:44] = -850
    for number in range(slices):
        rows = (np.arange(80) - falls * number) % 15 < 5
        if ribs_before:
            hu[number, rows, 9:13] = 400
        if ribs_after:
            hu[number, rows, 47:51] = 400
    hu[:, 60:72, 47:55] = np.maximum(hu[:, 60:72, 47:55], 400 if not ribs_after else 40)  # the spine
    return hu


def cleaned(hu: np.ndarray, called: int, other_share: float = 0.0) -> tuple[np.ndarray, Cleaning]:
    """Labels after cleaning of a lung that the network calls right or left, a share of its rows the other one."""
    probabilities = np.zeros((len(hu), 2, *hu.shape[1:]), np.uint8)
    lung = hu == -850
    other = lung & (np.arange(80) < 8 + round(64 * other_share))[:, None]
    probabilities[:, called - 1][lung & ~other] = 250
    probabilities[:, 2 - called][lung & ~other] = 5
    probabilities[:, 2 - called][other] = 250
    result = clean(probabilities, hu, SPACING_MM)
    return hard_labels(probabilities), result


@pytest.mark.parametrize("called", [RIGHT, LEFT])
@pytest.mark.parametrize("ribs_on", [RIGHT, LEFT])
@pytest.mark.parametrize("falls", [3, -3])
def test_a_lone_lung_lies_where_its_ribs_are(called: int, ribs_on: int, falls: int) -> None:
    """Protects from the other lung's name in a crop around one lung; also where the header swaps head and feet."""
    hu = chest(16, ribs_before=ribs_on == RIGHT, ribs_after=ribs_on == LEFT, falls=falls)
    labels, cleaning = cleaned(hu, called)
    assert set(np.unique(labels)) == {0, ribs_on}
    assert cleaning.moved_ml == pytest.approx(np.count_nonzero(labels) * VOXEL_ML * (called != ribs_on))


@pytest.mark.parametrize(
    ("slices", "before", "after"), [(16, False, False), (16, True, True), (9, False, True)], ids=["none", "both", "low"]
)
def test_without_plain_ribs_the_network_names_it(slices: int, before: bool, after: bool) -> None:
    labels, cleaning = cleaned(chest(slices, ribs_before=before, ribs_after=after), RIGHT)
    assert set(np.unique(labels)) == {0, RIGHT} and cleaning == Cleaning()


@pytest.mark.parametrize("share", [0.2, 0.05])
def test_two_lungs_keep_their_names(share: float) -> None:
    """Protects a crop's edge of the other lung, of which it shows no ribs: a fifth, or a twentieth, of all lung."""
    hu = chest(16, ribs_before=False, ribs_after=True)
    hu[:, 8 + round(64 * share) :][:, :3, 16:44] = 40  # apart
    labels, _ = cleaned(hu, RIGHT if share > 0.1 else LEFT, other_share=share)
    assert set(np.unique(labels)) == {0, RIGHT, LEFT}
    assert labels[8, 8, 30] == (LEFT if share > 0.1 else RIGHT)


def test_a_network_that_does_not_tell_the_sides_is_not_corrected() -> None:
    hu = chest(16, ribs_before=False, ribs_after=True)
    probabilities = np.zeros((len(hu), 2, *hu.shape[1:]), np.uint8)
    probabilities[:, 0][hu == -850] = 250
    assert clean(probabilities, hu, SPACING_MM) == Cleaning()
