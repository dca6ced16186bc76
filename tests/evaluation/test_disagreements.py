"""Where two segmentations differ, by hand: which parts, how large, how far off, and in which third of which lung."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.evaluation import disagreements
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.evaluation.disagreements import Disagreement, Disagreements, find_disagreements
from LungUNetSegLib.evaluation.evaluate import describe_comparison
from LungUNetSegLib.volume import Geometry, Volume

# Slices 1 to 9 of 5 mm, three to each third; voxels of 5 x 2 x 2 mm = 0.02 ml.
GRID = Geometry.axial((12, 16, 30), (5.0, 2.0, 2.0))
RIGHT, LEFT = np.s_[1:10, 3:13, 1:11], np.s_[1:10, 3:13, 16:26]


def lungs() -> Volume:
    array = np.zeros(GRID.shape, np.uint8)
    array[RIGHT], array[LEFT] = 1, 2
    return Volume(array, GRID)


def edited() -> Volume:
    """Lacks the right lung's lowest two slices and a rim of the left one; adds a wedge; swaps a part in the middle."""
    labels = lungs()
    labels.array[1:3, :, 1:11] = 0  # 200 voxels, 5 and 10 mm below what is left
    labels.array[5, 3:13, 8:11] = 2  # 30 voxels; 2 and 4 mm from the rest of the slice, 5 mm from the next slices
    labels.array[8, 3:13, 26:29] = 2  # 30 voxels, 2, 4 and 6 mm outside
    labels.array[1:10, :, 16] = 0  # 90 voxels, all at 2 mm
    return labels


def found(prediction: Volume, reference: Volume) -> Disagreements:
    return find_disagreements(compare(prediction, reference))


def row(each: Disagreement) -> tuple[object, ...]:
    return each.kind, each.lung, each.third, each.slice


def test_each_part_by_hand() -> None:
    """Protects volume, distance, slice, lung, third and order of the rows; a rim within 2 mm is no row."""
    result = found(edited(), lungs())
    assert [row(each) for each in result.parts] == [
        ("left-out", "right", "basal", 1),
        ("other-side", "right", "middle", 5),
        ("taken-in", "left", "apical", 8),
    ]
    assert [each.volume_ml for each in result.parts] == pytest.approx([4.0, 0.6, 0.6])
    assert [each.distance_mm for each in result.parts] == pytest.approx([10, 5, 6])
    assert result.parts[0].point_lps == pytest.approx((10, 14, 5))  # of the slice's four middle voxels the first
    assert result.rest_ml == pytest.approx({"left-out": 1.8, "taken-in": 0, "other-side": 0})


def test_parts_and_rest_are_all_that_differs() -> None:
    """Protects the sum: nothing is counted twice, and nothing is lost."""
    generator = np.random.default_rng(5)
    prediction = lungs()
    prediction.array[generator.random(GRID.shape) < 0.1] = 1
    prediction.array[generator.random(GRID.shape) < 0.1] = 0
    result = found(prediction, lungs())
    differing_ml = np.count_nonzero(prediction.array != lungs().array) * 0.02
    assert sum(each.volume_ml for each in result.parts) + sum(result.rest_ml.values()) == pytest.approx(differing_ml)


def test_a_common_rim_does_not_join_two_parts() -> None:
    """Protects the rows: a rim all around the lung would make one row of all that was left out."""
    prediction = lungs()
    prediction.array[1:10, :, 1] = 0
    prediction.array[1:3, :, 1:11] = 0
    prediction.array[8:10, :, 1:11] = 0
    result = found(prediction, lungs())
    # Of the rim, the slices next to each part lie farther than 2 mm from it: they are the rest.
    assert [each.third for each in result.parts] == ["basal", "apical"]
    assert [each.volume_ml for each in result.parts] == pytest.approx([4.0, 4.0])
    assert result.rest_ml["left-out"] == pytest.approx(5 * 10 * 0.02)


def test_a_few_voxels_are_no_row() -> None:
    """Protects the list from noise: four voxels of 0.02 ml are less than 0.1 ml, and five are not."""
    prediction = lungs()
    prediction.array[5, 4:8, 29] = 2
    result = found(prediction, lungs())
    assert result.parts == () and result.rest_ml["taken-in"] == pytest.approx(0.08)
    prediction.array[5, 8, 29] = 2
    (part,) = found(prediction, lungs()).parts
    assert (part.volume_ml, part.distance_mm) == pytest.approx((0.1, 8))


def test_a_hole_is_as_far_off_as_its_middle() -> None:
    """Protects parts that have no surface of the reference: a hole 5 voxels wide through all slices but the ends."""
    prediction = lungs()
    prediction.array[2:9, 5:10, 3:8] = 0
    (part,) = found(prediction, lungs()).parts
    assert part.distance_mm == pytest.approx(6) and part.third == "middle" and part.point_lps == (10, 14, 25)
    assert part.volume_ml == pytest.approx(7 * 21 * 0.02)  # its four edges lie 2.8 mm from the core: they are the rest


def test_a_lung_that_is_missing_is_infinitely_far_off() -> None:
    """Protects a failed segmentation: the whole lung is one row."""
    prediction = lungs()
    prediction.array[LEFT] = 0
    (part,) = found(prediction, lungs()).parts
    assert (part.volume_ml, part.distance_mm) == (pytest.approx(18), float("inf"))
    assert row(part) == ("left-out", "left", "middle", 5)


def test_lungs_as_one_have_no_sides() -> None:
    result = find_disagreements(compare(edited(), lungs(), "binary"))
    assert {each.lung for each in result.parts} == {"total"}
    assert {each.kind for each in result.parts} == {"left-out", "taken-in"}


def test_equal_and_empty_label_maps_have_no_rows() -> None:
    nothing = Volume(np.zeros(GRID.shape, np.uint8), GRID)
    for one in (lungs(), nothing):
        result = found(one, one)
        assert result.parts == () and set(result.rest_ml.values()) == {0}


def test_the_order_of_axes_changes_no_row() -> None:
    """Protects flipped and transposed files."""

    def turned(labels: Volume) -> Volume:
        axes, flips = (2, 0, 1), (True, False, True)
        return Volume(labels.array.transpose(axes)[::-1, :, ::-1], labels.geometry.reordered(axes, flips))

    here, there = found(edited(), lungs()), found(turned(edited()), turned(lungs()))
    assert [row(each) for each in here.parts] == [row(each) for each in there.parts]
    assert here.rest_ml == there.rest_ml


def test_a_huge_part_is_measured_at_every_second_voxel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the time where right and left are swapped; the error is a voxel's diagonal at most."""
    swapped = lungs()
    swapped.array[RIGHT], swapped.array[LEFT] = 2, 1
    exact = found(swapped, lungs())
    monkeypatch.setattr(disagreements, "MOST_VOXELS", 100)
    quick = found(swapped, lungs())
    assert [row(each)[:3] for each in quick.parts] == [
        ("other-side", "right", "middle"),
        ("other-side", "left", "middle"),
    ]
    for one, other in zip(exact.parts, quick.parts, strict=True):
        assert one.distance_mm == pytest.approx(30)  # 15 columns of 2 mm
        assert other.distance_mm == pytest.approx(one.distance_mm, abs=np.sqrt(25 + 4 + 4))


def test_a_described_case_has_its_rows() -> None:
    """Protects JSON, report, panel and web page, which all show these."""
    case = describe_comparison("case", compare(edited(), lungs()), examples=1)
    assert case.disagreements == found(edited(), lungs())
