"""Which slices a report shows: the errors that matter, each once, and no slivers as the worst."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.evaluation.compare import Comparison, compare
from LungUNetSegLib.evaluation.report.examples import choose_slices, pick_examples
from LungUNetSegLib.volume import Geometry, Volume

SLICES = 12


def boxes() -> np.ndarray:
    """Twelve slices of 20 x 20 voxels of 5 mm: a right lung of 10 x 4 and a left of 10 x 4; one voxel in the first."""
    labels = np.zeros((SLICES, 20, 20), np.uint8)
    labels[1:, 5:15, 3:7], labels[1:, 5:15, 13:17] = 1, 2
    labels[0, 10, 4] = 1
    return labels


def compared(prediction: np.ndarray) -> Comparison:
    """Compare with `boxes`."""
    geometry = Geometry.axial(prediction.shape, (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    return compare(Volume(prediction, geometry), Volume(boxes(), geometry))


def test_a_sliver_is_not_the_worst_slice() -> None:
    """Of one voxel, which was missed: DSC 0. A reader must see what is wrong in the middle of the lung instead."""
    prediction = boxes()
    prediction[0] = 0
    prediction[6, 5:8] = 0
    roles = choose_slices(compared(prediction), 1)
    assert roles[0] == ("most wrong voxels", 6)
    assert ("lung missed or invented", 0) in roles and ("worst", 0) not in roles


def test_a_lung_of_dsc_0_has_a_row_though_both_lungs_do_well() -> None:
    """In slice 3 a speck of left lung is missed where the right one is whole; in slice 9 more is wrong."""
    reference, prediction = boxes(), boxes()
    reference[3][reference[3] == 2] = 0
    prediction[3] = reference[3]
    prediction[3, 10, 14] = 2
    prediction[9, 5:9] = 0
    geometry = Geometry.axial(reference.shape, (5.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    comparison = compare(Volume(prediction, geometry), Volume(reference, geometry))
    assert comparison.regions[1].dsc_by_slice[3] == 0 and comparison.whole.dsc_by_slice[3] > 0.98
    assert choose_slices(comparison, 1)[:2] == [("most wrong voxels", 9), ("lung missed or invented", 3)]


def test_the_largest_errors_are_at_different_places() -> None:
    """Slices nearer than 12 mm show one error twice: 6 and 7 do, 6 and 10 do not."""
    prediction = boxes()
    prediction[6, 5:12], prediction[7, 5:11], prediction[10, 5:7] = 0, 0, 0
    shown = [index for role, index in choose_slices(compared(prediction), 2) if role == "most wrong voxels"]
    assert shown == [6, 10]


def test_no_slice_is_wrong() -> None:
    roles = {role for role, _ in choose_slices(compared(boxes()), 2)}
    assert roles == {"worst", "in between", "best"}


def test_examples_are_worst_middle_and_best() -> None:
    assert pick_examples([10, 11, 12, 13, 14, 15, 16], 2) == [
        ("worst", 10), ("worst", 11), ("in between", 12), ("in between", 13), ("best", 16), ("best", 15),
    ]  # fmt: skip


@pytest.mark.parametrize("each", [1, 2, 3, 5])
def test_no_slice_is_shown_twice(each: int) -> None:
    """Whatever is wrong where, by chance."""
    random = np.random.default_rng(each)
    prediction = boxes() * (random.random((SLICES, 20, 20)) < random.random((SLICES, 1, 1)))
    chosen = [index for _, index in choose_slices(compared(prediction.astype(np.uint8)), each)]
    assert len(chosen) == len(set(chosen)) > 0
    for number in range(12):
        few = [index for _, index in pick_examples(list(range(number)), each)]
        assert len(few) == len(set(few)) and (len(few) > 0) == (number > 0)
