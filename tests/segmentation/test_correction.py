"""A corrected mask by hand: what was added and removed, where, what is measured anew, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.segmentation.correction import changes_of, correction_sentence, measure_correction
from LungUNetSegLib.volume import Geometry, Volume

SHAPE = (10, 20, 30)
GEOMETRY = Geometry.axial(SHAPE, (5.0, 2.0, 2.0), (0.0, 0.0, -100.0))
VOXEL_ML = 0.02


def volume(array: np.ndarray, geometry: Geometry = GEOMETRY) -> Volume:
    return Volume(array, geometry)


@pytest.fixture
def original() -> np.ndarray:
    """The network's labels: a right lung of 500 voxels and a left lung of 400."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:7, 5:15, 2:12] = 1
    labels[3:7, 5:15, 18:28] = 2
    return labels


@pytest.fixture
def hu(original: np.ndarray) -> np.ndarray:
    hu = np.full(SHAPE, 40, np.int16)
    hu[original > 0] = -800
    return hu


@pytest.fixture
def result() -> dict[str, Any]:
    """What the network's run said."""
    findings = [{"code": code, "message": "."} for code in ("gantry-tilt", "low-confidence", "density-in-doubt")]
    return {
        "volumes_ml": {"right": 10.0, "left": 8.0, "total": 18.0}, "findings": findings, "methods": "Segmented.",
        "mean_hu": {"right": -800.0, "left": -800.0, "total": -800.0},
        "quality": {"confidence": 0.9, "cut_mm2": {}}, "model": {"name": "lungs"},
        "acquisition": {"thickness_mm": 1.0, "kernel": "B70f", "blood_hu": 40.0, "contrast": False, "breathing": None},
    }  # fmt: skip


def test_added_and_removed_by_hand(original: np.ndarray) -> None:
    """The right lung gets 20 voxels in slice 1 and loses 5 in slice 6; ten of the left change side."""
    labels = original.copy()
    labels[1, 5:7, 2:12] = 1
    labels[6, 5, 2:7] = 0
    labels[4, 5, 18:28] = 1
    changes = changes_of(volume(original), volume(labels))
    assert changes["right"] == {
        "added_ml": pytest.approx(30 * VOXEL_ML), "removed_ml": pytest.approx(5 * VOXEL_ML), "slices": [1, 6],
        "heights_mm": [-95.0, -70.0], "is_new": False,
    }  # fmt: skip
    assert changes["left"] == {
        "added_ml": 0.0, "removed_ml": pytest.approx(10 * VOXEL_ML), "slices": [4, 4], "heights_mm": [-80.0, -80.0],
        "is_new": False,
    }  # fmt: skip
    assert correction_sentence(changes) == (
        "The masks were then corrected by hand: right lung +0.6 ml and \N{MINUS SIGN}0.1 ml in axial slices 2 to 7 from"
        " the feet (z -95.0 to -70.0 mm); left lung +0.0 ml and \N{MINUS SIGN}0.2 ml in axial slices 5 to 5 from the"
        " feet (z -80.0 to -80.0 mm)."
    )


def test_slices_are_counted_from_the_feet_whatever_the_order(original: np.ndarray) -> None:
    labels = original.copy()
    labels[2] = 0
    turned = GEOMETRY.reordered((0, 1, 2), (True, False, False))
    changes = changes_of(volume(original[::-1], turned), volume(labels[::-1], turned))
    assert changes["right"]["slices"] == [2, 2] and changes["right"]["heights_mm"] == [-90.0, -90.0]
    assert changes["left"]["slices"] is None


def test_a_lung_that_the_network_did_not_find_is_new(original: np.ndarray) -> None:
    found = np.where(original == 1, 1, 0).astype(np.uint8)
    assert changes_of(volume(found), volume(original))["left"]["is_new"]
    both = changes_of(volume((original > 0).astype(np.uint8)), volume((found > 0).astype(np.uint8)), "binary")
    assert list(both) == ["total"] and both["total"]["removed_ml"] == pytest.approx(8.0)


def test_everything_is_measured_anew(original: np.ndarray, hu: np.ndarray, result: dict[str, Any]) -> None:
    """Protects the numbers, the scan's own findings, and what is known of its header only from the first run."""
    labels = original.copy()
    labels[2] = 0
    found = measure_correction(result, volume(hu), volume(labels), volume(original), remarks=(Finding("x", "y"),))
    assert found["volumes_ml"] == {"right": pytest.approx(8.0), "left": pytest.approx(8.0), "total": pytest.approx(16)}
    assert found["mean_hu"]["right"] == -800 and found["regions"]["left"]["ventral"]["volume_ml"] == pytest.approx(4.0)
    codes = [each["code"] for each in found["findings"]]
    assert codes[:2] == ["gantry-tilt", "x"] and "low-confidence" not in codes and "density-in-doubt" in codes
    assert found["acquisition"]["kernel"] == "B70f" and found["acquisition"]["thickness_mm"] == 1.0
    assert found["quality"]["confidence"] == 0.9 and found["model"] == {"name": "lungs"}
    assert found["methods"].startswith("Segmented. The masks were then corrected by hand: right lung +0.0 ml")
    assert found["correction"]["right"]["removed_ml"] == pytest.approx(2.0)


def test_measuring_again_starts_from_the_network_s_own(
    original: np.ndarray, hu: np.ndarray, result: dict[str, Any]
) -> None:
    """Protects from two sentences on one correction, and from a correction that was undone."""
    labels = original.copy()
    labels[2] = 0
    scan, own = volume(hu), volume(original)
    first, second = (measure_correction(result, scan, volume(labels), own) for _ in range(2))
    assert first == second and first["methods"].count("corrected by hand") == 1
    assert measure_correction(result, scan, own, own) == {**result, "correction": None}


def test_lungs_that_were_told_apart_by_hand_are_compared_as_one(
    original: np.ndarray, hu: np.ndarray, result: dict[str, Any]
) -> None:
    """Protects a run with both lungs as one label from a left lung that is all added and a right one that is not."""
    result["volumes_ml"] = {"right": None, "left": None, "total": 18.0}
    own = (original > 0).astype(np.uint8)
    own[2] = 0
    found = measure_correction(result, volume(hu), volume(original), volume(own))
    assert list(found["correction"]) == ["total"] and found["correction"]["total"]["added_ml"] == pytest.approx(2.0)
    assert found["volumes_ml"]["left"] == pytest.approx(8.0)


def test_without_the_network_s_mask_it_is_said_so(original: np.ndarray, hu: np.ndarray, result: dict[str, Any]) -> None:
    found = measure_correction(result, volume(hu), volume(original), None)
    assert found["correction"] == {} and "may have been corrected by hand" in found["methods"]


def test_one_lung_that_was_deleted_is_told(original: np.ndarray, hu: np.ndarray, result: dict[str, Any]) -> None:
    labels = np.where(original == 1, 1, 0).astype(np.uint8)
    found = measure_correction(result, volume(hu), volume(labels), volume(original))
    assert found["volumes_ml"]["left"] == 0 and found["density"]["left"] is None
    assert "Nothing is left of the left lung" in str(found["findings"])


def test_other_voxels_than_those_that_were_segmented_are_told(
    original: np.ndarray, hu: np.ndarray, result: dict[str, Any]
) -> None:
    """Protects density from another time point of a sequence, whose lungs are 40 HU denser here."""
    labels = original.copy()
    labels[2] = 0
    with pytest.raises(DataError, match=r"had a mean of -800\.0 HU, and have -760\.0 HU now"):
        measure_correction(result, volume(hu + np.int16(40)), volume(labels), volume(original))


def test_what_cannot_be_measured(original: np.ndarray, hu: np.ndarray, result: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="Nothing is left of the lungs"):
        measure_correction(result, volume(hu), volume(original * 0), volume(original))
    moved = volume(original, Geometry.axial(SHAPE, (5.0, 2.0, 2.0)))
    with pytest.raises(GeometryError, match="another grid than the CT"):
        measure_correction(result, volume(hu), volume(original), moved)
    with pytest.raises(GeometryError, match="another grid"):
        measure_correction(result, volume(hu), moved, None)
