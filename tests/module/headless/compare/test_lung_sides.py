"""Which structure is which lung: terminology, then names, then overlap; by hand above all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io.masks.lung_names import lung_part
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry, SliceBox
from LungUNetSegSlicer.compare.lung_sides import Side, Structure, known_sides, lung_labels, match_sides, side_by_name

RIGHT, LEFT, BOTH = Side.RIGHT, Side.LEFT, Side.BOTH

ROWS = np.zeros((1, 4, 8), np.uint8)
"""Eight columns: 0..2 one lung, 5..7 the other."""
ROWS[..., :3], ROWS[..., 5:] = 1, 2


class Masks:
    """A source with masks that are given."""

    def __init__(self, masks: Mapping[str, np.ndarray], names: Mapping[str, str] | None = None) -> None:
        self.name, self.role, self.geometry = "Reader 1", "reference", Geometry.axial((1, 4, 8))
        self.structures = [Structure(key, (names or {}).get(key, f"label {key}")) for key in masks]
        self._masks = masks

    def part(self, key: str) -> tuple[SliceBox, np.ndarray]:
        return (slice(None),) * 3, self._masks[key] > 0


NAMED = Masks({"r": ROWS == 1, "l": ROWS == 2}, {"r": "Right lung", "l": "Left lung"})


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("Right lung", RIGHT), ("lung_left", LEFT), ("LeftLung", LEFT), ("lung L", LEFT), ("rt lung", RIGHT),
        ("lung_upper_lobe_left", LEFT), ("right middle lobe", RIGHT), ("Lungs", BOTH), ("both lungs", BOTH),
        ("lung mask", BOTH), ("pulmo dexter", RIGHT), ("left and right lung", BOTH),
        ("Left upper lobe", LEFT), ("left lung segmentation", LEFT), ("Right lung (OAR)", RIGHT),
        ("Lungs bilateral", BOTH), ("Lung upper lobe", None), ("superior lobe of right lung", RIGHT),
        ("lung nodule", None), ("Right lung tumour", None), ("left ventricle", None), ("upper lobe", None),
        ("Segment_1", None), ("trachea", None), ("", None), ("Left", None),
    ],
)  # fmt: skip
def test_names(name: str, side: Side | None) -> None:
    """Names as people and other programs give them; whatever else is in a lung is no lung."""
    assert side_by_name(name) is side


def test_terminology_goes_before_the_name() -> None:
    right, left = (each.terminology for each in LUNGS)
    structures = [Structure("a", "Left lung", right), Structure("b", "Segment_2", left), Structure("c", "heart")]
    assert known_sides(structures) == {"a": RIGHT, "b": LEFT}
    assert known_sides([Structure("a", "x", BOTH_LUNGS[0].terminology)]) == {"a": BOTH}


def test_a_terminology_of_something_else_leaves_it_to_the_name() -> None:
    """Slicer gives each new segment the terminology of tissue."""
    tissue = (
        "Segmentation category and type - 3D Slicer General Anatomy list~SCT^85756007^Tissue~SCT^85756007^Tissue~^^"
    )
    assert known_sides([Structure("a", "Right lung", tissue)]) == {"a": RIGHT}
    assert known_sides([Structure("a", "Segment_1", tissue)]) == {}


def test_lungs_beside_right_and_left_are_not_counted_twice() -> None:
    structures = [Structure(key, key) for key in ("Lungs", "Right lung", "Left lung")]
    assert known_sides(structures) == {"Right lung": RIGHT, "Left lung": LEFT}


def test_overlap_decides_where_names_say_nothing() -> None:
    """Labels in any order, with something else beside them that is left out."""
    unnamed = Masks({"3": ROWS == 2, "4": ROWS == 1, "5": ROWS == 0})
    assert match_sides(NAMED, unnamed) == ({"r": RIGHT, "l": LEFT}, {"3": LEFT, "4": RIGHT})
    assert match_sides(unnamed, NAMED)[0] == {"3": LEFT, "4": RIGHT}


def test_one_structure_over_both_lungs_is_both() -> None:
    assert match_sides(NAMED, Masks({"7": ROWS > 0}))[1] == {"7": BOTH}
    both = Masks({"x": ROWS > 0}, {"x": "Lungs"})
    assert match_sides(both, Masks({"3": ROWS == 1, "4": ROWS == 2}))[1] == {"3": BOTH, "4": BOTH}


def test_labels_1_and_2_are_right_and_left_where_nobody_knows_better() -> None:
    ours = Masks({"1": ROWS == 1, "2": ROWS == 2})
    assert match_sides(ours, ours) == ({"1": RIGHT, "2": LEFT}, {"1": RIGHT, "2": LEFT})
    assert match_sides(ours, Masks({"1": ROWS > 0}))[1] == {"1": BOTH}
    assert match_sides(ours, Masks({"8": ROWS == 2}))[1] == {"8": LEFT}


def test_by_hand_goes_before_everything() -> None:
    assert match_sides(NAMED, NAMED, {"l": RIGHT}, None) == ({"l": RIGHT}, {"r": RIGHT, "l": LEFT})


def test_nothing_that_could_be_lung_is_refused_with_what_there_is() -> None:
    with pytest.raises(DataError, match=r"'Reader 1' holds no lung.*'label 9'"):
        match_sides(NAMED, Masks({"9": ROWS == 0}))
    with pytest.raises(DataError, match=r"Neither .*'label 8'.*by hand"):
        match_sides(Masks({"8": ROWS == 1}), Masks({"9": ROWS == 1}))


def test_both_lungs_beside_one_are_the_other() -> None:
    """Protects the lung that has no structure of its own: it was counted as both, without sides."""
    both = Masks({"b": ROWS > 0, "r": ROWS == 1}, {"b": "Lungs", "r": "Right lung"})
    np.testing.assert_array_equal(lung_labels(both, known_sides(both.structures)).array, ROWS)


def test_library_and_panel_agree() -> None:
    """Protects from two tables: what the command line takes a structure for, the panel does as well."""
    names = ("Lungs", "Lung upper lobe", "Left upper lobe", "RUL", "Lung_R", "Lunge", "Left Lung (copy)", "lung mask")
    for name in names:
        part, side = lung_part(name), side_by_name(name)
        label = part.label if part else None
        assert side is (None if label is None else {1: RIGHT, 2: LEFT, 3: BOTH}[label])


def test_lobes_make_up_their_lung() -> None:
    upper, lower = ROWS == 1, ROWS == 1
    upper[:, 2:], lower[:, :2] = False, False
    names = {"u": "right upper lobe", "l": "right lower lobe", "x": "left lung"}
    lobes = Masks({"u": upper, "l": lower, "x": ROWS == 2}, names)
    np.testing.assert_array_equal(lung_labels(lobes, known_sides(lobes.structures)).array, ROWS)
