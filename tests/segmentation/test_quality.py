"""Every doubt is said, and only where there is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.measures import LungMeasures
from LungUNetSegLib.segmentation import quality
from LungUNetSegLib.segmentation.cleaning import Cleaning
from LungUNetSegLib.segmentation.quality import assess, confidence_of
from LungUNetSegLib.volume import Geometry, Volume

SHAPE, SPACING_MM = (20, 40, 60), (10.0, 5.0, 5.0)
GEOMETRY = Geometry.axial(SHAPE, SPACING_MM)
VOXEL_ML = 0.25


class _Result:
    """A scan with two lungs and a sure network; change it and ask what is found."""

    def __init__(self) -> None:
        self.hu = np.full(SHAPE, 40, np.int16)
        self.labels = np.zeros(SHAPE, np.uint8)
        self.labels[3:17, 10:30, 5:25], self.labels[3:17, 10:30, 35:55] = 1, 2
        self.hu[self.labels > 0] = -800
        self.sureness = 250
        self.cleaning = Cleaning()
        self.middle_half_hu = {"right": 90.0, "left": 90.0, "total": 90.0}
        self.geometry = GEOMETRY
        self.messages: list[str] = []

    def assess(self) -> tuple[dict[str, Any], set[str]]:
        volumes = {name: float((self.labels == label).sum()) * VOXEL_ML for name, label in (("right", 1), ("left", 2))}
        volumes["total"] = sum(volumes.values())
        probabilities = np.stack([(self.labels == side) * self.sureness for side in (1, 2)], axis=1).astype(np.uint8)
        scan, labels = Volume(self.hu, self.geometry), Volume(self.labels, self.geometry)
        names = {"right": self.labels == 1, "left": self.labels == 2, "total": self.labels > 0}
        mean_hu = {name: float(self.hu[where].mean()) for name, where in names.items() if where.any()}
        spans = {name: self.middle_half_hu[name] for name in mean_hu}
        measures = LungMeasures(volumes_ml=volumes, mean_hu=mean_hu, middle_half_hu=spans)
        record, findings = assess(scan, labels, measures, confidence_of(probabilities), self.cleaning)
        self.messages = [finding.message for finding in findings]
        assert all(each.endswith((".", "?")) for each in self.messages)
        return record, {finding.code for finding in findings}


@pytest.fixture
def result() -> _Result:
    """A good result."""
    return _Result()


def test_a_good_result_has_no_finding(result: _Result) -> None:
    """Protects from warnings that nobody reads any more; the numbers by hand."""
    record, found = result.assess()
    assert found == set()
    lung = (result.labels > 0).mean()
    assert record["air_share"] == pytest.approx(lung) and record["tissue_share"] == pytest.approx(1 - lung)
    assert record["confidence"] == pytest.approx(2 * 250 / (250 + 255))
    assert set(record["cut_mm2"].values()) == {0.0}


def test_shares_of_a_scan_stored_the_other_way_are_the_same() -> None:
    """Protects comparisons of records: every second voxel of an even number of slices is another one from the end."""
    hu = np.random.default_rng(0).choice(np.array([-800, 40], np.int16), (130, 40, 60))
    geometry = Geometry.axial(hu.shape, SPACING_MM)
    flips = (True, False, True)
    flipped = Volume(hu[::-1, :, ::-1], geometry.reordered((0, 1, 2), flips))
    turned = Volume(hu.transpose(2, 0, 1), geometry.reordered((2, 0, 1), (False, False, False)))
    shares = quality._hu_shares(Volume(hu, geometry))
    assert quality._hu_shares(flipped) == shares and quality._hu_shares(turned) == shares


def test_values_that_are_not_hu(result: _Result) -> None:
    """Protects from an MR, or stored values without their intercept."""
    result.hu += 1024
    assert "not-hu" in result.assess()[1]


def test_no_lung(result: _Result) -> None:
    """Protects the head CT: an empty result and a sentence."""
    result.labels[:] = 0
    record, found = result.assess()
    assert found == {"no-lung"} and record["confidence"] is None


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ((slice(0, 2), slice(10, 30), slice(5, 25)), {"feet"}),
        ((slice(17, 20), slice(10, 30), slice(35, 55)), {"head"}),
        ((slice(3, 17), slice(0, 12), slice(5, 25)), {"front"}),
        ((slice(3, 17), slice(10, 30), slice(50, 60)), {"left"}),
    ],
)
def test_a_lung_cut_by_the_scan(result: _Result, place: tuple[slice, ...], names: set[str]) -> None:
    """Protects volumes that are not the lung's; where it is cut is named in the body's words."""
    result.labels[place] = 1 if place[2].start < 30 else 2
    if "feet" in names:
        result.labels[2] = result.labels[3]
        result.labels[0:2] = result.labels[3]
    record, found = result.assess()
    assert found == {"lung-cut"}
    assert {name for name, area in record["cut_mm2"].items() if area} == names


def test_a_lung_cut_is_named_on_flipped_axes_too(result: _Result) -> None:
    """Protects feet-first scans: the array's first slice is the head's then."""
    result.geometry = GEOMETRY.reordered((0, 1, 2), (True, False, False))
    result.labels[0:3] = result.labels[3]
    record, found = result.assess()
    assert found == {"lung-cut"} and record["cut_mm2"]["head"] == pytest.approx(2 * 400 * 25.0)


def test_the_tip_of_a_lung_in_the_last_slice_is_no_cut(result: _Result) -> None:
    """Protects from crying wolf."""
    result.labels[17:, 15:17, 10:13] = 1
    assert result.assess()[1] == set()


def test_one_lung_much_smaller(result: _Result) -> None:
    """Protects a missed or collapsed lung from being overlooked."""
    result.labels[:, :, 40:55][result.labels[:, :, 40:55] == 2] = 0
    assert result.assess()[1] == {"small-lung"}


@pytest.mark.parametrize(("slices", "other_pixels", "is_said"), [(8, 0, True), (8, 2, False), (6, 0, False)])
def test_one_lung_alone_in_a_part_of_a_chest(result: _Result, slices: int, other_pixels: int, is_said: bool) -> None:
    """Protects crops of one lung, whose side the network may not know: 70 mm of it, but not 50 mm of one base."""
    result.labels[result.labels == 2] = 0
    result.labels[8:10, 15 : 15 + 10 * other_pixels, 40:43] = 2
    result.hu, result.labels = result.hu[4 : 4 + slices], result.labels[4 : 4 + slices]
    result.geometry = Geometry.axial(result.hu.shape, SPACING_MM)
    assert ("small-lung" in result.assess()[1]) is is_said


def test_one_slice_says_nothing_of_a_lung_s_size(result: _Result) -> None:
    """Protects single slices, in which one lung may well be smaller."""
    result.labels[:, :, 40:55] = 0
    result.hu, result.labels, result.geometry = (
        result.hu[5:6],
        result.labels[5:6],
        Geometry.axial((1, 40, 60), SPACING_MM),
    )
    assert result.assess()[1] == set()


def test_much_stray_air_and_little(result: _Result) -> None:
    """Protects from a network that was confused elsewhere in the scan."""
    result.cleaning = Cleaning(removed_ml=(2.0, 1.0))
    record, found = result.assess()
    assert found == set() and (record["removed_parts"], record["removed_ml"]) == (2, 3.0)
    result.cleaning = Cleaning(removed_ml=(50.0, 1.0))
    assert result.assess()[1] == {"stray-parts"}
    result.cleaning = Cleaning(removed_ml=(2.0, 1.0), outside_ml=19.0)
    record, found = result.assess()
    assert found == {"stray-parts"} and record["outside_ml"] == 19.0


@pytest.mark.parametrize(
    ("cleaning", "said"),
    [
        (Cleaning(removed_ml=(46.0,)), "1 separate part (46 ml)."),
        (
            Cleaning(removed_ml=(50.0, 1.0), outside_ml=19.0),
            "2 separate parts (51 ml) and air around the body (19 ml).",
        ),
        (Cleaning(outside_ml=25.0), "air around the body (25 ml)."),
        (Cleaning(removed_ml=(0.4, 0.2), outside_ml=25.0), "air around the body (25 ml)."),
        (Cleaning(removed_ml=(25.0, *[0.25] * 20)), "1 separate part and smaller ones (30 ml)."),
        (Cleaning(removed_ml=(0.5,) * 87), "small separate parts (44 ml)."),
    ],
)
def test_what_was_removed_is_said_in_words(result: _Result, cleaning: Cleaning, said: str) -> None:
    """Protects from "1 separate parts", "0 separate parts of 0 ml", and "87 separate parts" of single voxels."""
    result.cleaning = cleaning
    result.assess()
    assert result.messages == [f"Removed because it is not lung: {said}"]


def test_sides_in_doubt(result: _Result) -> None:
    """Protects the sides."""
    result.cleaning = Cleaning(moved_ml=10.0)
    assert result.assess()[1] == set()
    result.cleaning = Cleaning(moved_ml=100.0)
    assert result.assess()[1] == {"sides-in-doubt"}
    result.cleaning = Cleaning(sides_swapped=True)
    assert result.assess()[1] == {"sides-in-doubt"}


def test_an_unsure_network(result: _Result) -> None:
    """Protects from a mask that the network itself hardly believes."""
    result.sureness = 140
    assert result.assess()[1] == {"low-confidence"}


def test_a_confidence_below_its_threshold_is_never_shown_as_at_it() -> None:
    """Protects the reader from "0.97" where the threshold is 0.97: as many digits as tell the two apart."""
    assert quality._below(0.9666, 0.97) == "0.967" and quality._below(0.9699996, 0.97) == "0.9699996"
    assert quality._below(0.912, 0.97) == "0.91"


def test_lungs_taller_than_any_human_s(result: _Result) -> None:
    """Protects volumes from a distance of slices that is wrong, and from a chest that a file shows twice.

    14 slices of 30 mm are 420 mm, and 17 are 510 mm.
    """
    result.geometry = Geometry.axial(SHAPE, (30.0, 5.0, 5.0))
    assert result.assess()[1] == set()
    result.labels[2:19] = result.labels[3]
    assert result.assess()[1] == {"volume-of-no-human"}


def test_lungs_of_no_human_and_lungs_without_air(result: _Result) -> None:
    """Protects volumes from a spacing that is wrong by a factor, and from scans that are scaled wrongly."""
    result.geometry = Geometry.axial(SHAPE, (10.0, 50.0, 50.0))
    _, findings = assess(
        Volume(result.hu, result.geometry), Volume(result.labels, result.geometry),
        LungMeasures(
            volumes_ml={"right": 7000.0, "left": 6500.0, "total": 13_500.0},
            mean_hu={"total": -800.0, "right": -800.0, "left": -800.0},
        ),
        0.99, Cleaning(),
    )  # fmt: skip
    assert [finding.code for finding in findings] == ["volume-of-no-human"]
    result.geometry = GEOMETRY
    result.hu[result.labels == 1] = -250
    assert result.assess()[1] == {"dense-lung"}


@pytest.mark.parametrize(("span_hu", "is_said"), [(64.0, False), (16.0, True)])
def test_a_lung_without_structure(result: _Result, span_hu: float, is_said: bool) -> None:
    """Protects from volumes of a test object, and of gas: the middle half of lungs spans 64 HU and more, foam 16."""
    result.middle_half_hu["left"] = span_hu
    assert result.assess()[1] == ({"uniform-lung"} if is_said else set())
    result.hu[result.labels == 2] = 40
    assert result.assess()[1] == {"dense-lung"}  # of an opaque lung one sentence is enough


@pytest.mark.parametrize(("gas_hu", "columns", "is_said"), [(-1000, 8, True), (-1000, 2, False), (-950, 8, False)])
def test_gas_that_was_taken_for_lung(result: _Result, gas_hu: int, columns: int, is_said: bool) -> None:
    """Protects volumes from a pneumothorax and from bowel: 40 ml of gas are said, 10 ml and light lung are not.

    Squares are 2 x 2 voxels of 0.25 ml: 5 in rows 10 to 20, 4 or 1 in the columns, in 2 slices.
    """
    result.hu[5:7, 10:20, 36 : 36 + columns] = gas_hu
    assert result.assess()[1] == ({"gas-in-lung"} if is_said else set())
