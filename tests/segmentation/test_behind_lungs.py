"""Consolidated lung that the network left out at the back is said: it lies between the ribs and the lung."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.measures import LungMeasures
from LungUNetSegLib.segmentation.behind_lungs import solid_behind
from LungUNetSegLib.segmentation.quality import judge_labels
from LungUNetSegLib.volume import Geometry, Volume

SPACING_MM = (5.0, 3.0, 5.0)
RIGHT, LEFT = slice(3, 11), slice(14, 22)


def chest(slices: int = 20, rib_every: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """HU and labels of two lungs of 8 columns, 6 mm in front of ribs, which every fourth slice shows."""
    hu, labels = np.full((slices, 36, 25), 40, np.int16), np.zeros((slices, 36, 25), np.uint8)
    for label, columns in ((1, RIGHT), (2, LEFT)):
        hu[:, 10:26, columns] = -850
        labels[:, 10:26, columns] = label
    if rib_every:
        hu[::rib_every, 28:30] = 500
    return hu, labels


def leave_out(hu: np.ndarray, labels: np.ndarray, slices: slice, columns: slice, density_hu: int) -> None:
    """The network leaves out the last 8 rows of a lung, which have this density."""
    hu[slices, 18:26, columns] = density_hu
    labels[slices, 18:26, columns] = 0


def said_of(hu: np.ndarray, labels: np.ndarray) -> str:
    geometry = Geometry.axial(hu.shape, SPACING_MM)
    finding = solid_behind(Volume(hu, geometry), Volume(labels, geometry))
    return finding.message if finding else ""


def test_a_healthy_lung_lies_against_the_ribs() -> None:
    assert said_of(*chest()) == ""


def test_the_volume_of_solid_lung_behind_a_lung() -> None:
    """14 x 10 x 8 voxels of 0.075 ml from the lung's last row to the ribs; the lowest 6 of 20 slices are not judged."""
    hu, labels = chest()
    leave_out(hu, labels, slice(None), LEFT, 42)
    assert "of the left lung (84 ml, 42 HU)" in said_of(hu, labels)
    assert "right" not in said_of(hu, labels)
    leave_out(hu, labels, slice(None), RIGHT, 42)
    assert "of the right lung (84 ml, 42 HU) and of the left lung" in said_of(hu, labels)


def test_a_result_is_judged_by_it() -> None:
    """Also if it has one label for both lungs, which must not be called right."""
    hu, labels = chest()
    leave_out(hu, labels, slice(None), LEFT, 42)
    geometry = Geometry.axial(hu.shape, SPACING_MM)
    measures = LungMeasures(volumes_ml={"total": 300.0}, mean_hu={"total": -850.0})
    _, findings = judge_labels(Volume(hu, geometry), Volume(labels, geometry), measures)
    (said,) = (finding.message for finding in findings if finding.code == "solid-behind-lung")
    assert "of the lungs (84 ml, 42 HU)" in said


def test_it_is_found_in_any_order_of_axes() -> None:
    hu, labels = chest()
    leave_out(hu, labels, slice(None), LEFT, 42)
    geometry = Geometry.axial(hu.shape, SPACING_MM).reordered((2, 1, 0), (True, False, True))
    turned = (Volume(each.transpose(2, 1, 0)[::-1, :, ::-1], geometry) for each in (hu, labels))
    finding = solid_behind(*turned)
    assert finding is not None and "of the left lung (84 ml, 42 HU)" in finding.message


@pytest.mark.parametrize(
    ("slices", "columns", "density_hu"),
    [
        (slice(None), LEFT, 10),
        (slice(None), LEFT, -850),
        (slice(None, 6), LEFT, 42),
        (slice(None), slice(14, 15), 42),
    ],
    ids=["fluid", "aerated lung", "the diaphragm behind the base", "an eighth of the back"],
)
def test_what_is_no_consolidated_lung_is_not_said(slices: slice, columns: slice, density_hu: int) -> None:
    """Protects effusions, which the mask leaves out rightly; aerated lung that is missed has a check of its own."""
    hu, labels = chest()
    leave_out(hu, labels, slices, columns, density_hu)
    assert said_of(hu, labels) == ""


@pytest.mark.parametrize(("slices", "rib_every"), [(6, 1), (20, 0)])
def test_nothing_is_said_without_ribs_or_of_a_few_slices(slices: int, rib_every: int) -> None:
    """Protects crops that end before the ribs, and scans of 30 mm."""
    hu, labels = chest(slices, rib_every)
    leave_out(hu, labels, slice(None), LEFT, 42)
    assert said_of(hu, labels) == ""
