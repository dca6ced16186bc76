"""The descending aorta: a drawn chest of known HU, in any grid, and what looks like an aorta and is none."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.measures import UNKNOWN, judge
from LungUNetSegLib.measures.aorta import descending_aorta
from LungUNetSegLib.measures.lungs import measure_lungs
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume

GRID = Geometry.axial((40, 120, 150), (4.0, 2.0, 2.0), (-150.0, -120.0, 0.0))
AORTA_MM = (18.0, 32.0)
"""Its x and y at the feet; it leans to the left by 1 mm in 20."""


def chest(
    geometry: Geometry = GRID,
    *,
    aorta_hu: float | None = 42.0,
    radius_mm: float = 12.0,
    from_mm: float = 20.0,
    to_mm: float = 140.0,
    x_mm: float = AORTA_MM[0],
    spine_hu: float = 300.0,
    noise_hu: float = 10.0,
) -> tuple[Volume, Volume]:
    """Return lungs and scan: two lungs with fat between them, a spine at x = 0, and an aorta from z to z."""
    index = np.moveaxis(np.indices(geometry.shape), 0, -1)
    x, y, z = np.moveaxis(geometry.to_lps(index), -1, 0)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[((np.abs(x) - 75) / 65) ** 2 + (y / 95) ** 2 <= 1] = 2
    labels[(labels > 0) & (x < 0)] = 1
    labels[(z < 15) | (z > 145)] = 0
    hu = np.where((x / 145) ** 2 + (y / 115) ** 2 <= 1, 50.0, -1000.0)
    between = (np.abs(x) < 30) & (np.abs(y) < 75)
    hu[between] = -100
    labels[between] = 0
    heart = (x - 5) ** 2 + (y + 25) ** 2 <= 35**2
    hu[heart] = 45
    labels[heart] = 0
    hu[x**2 + (y - 60) ** 2 <= 18**2] = spine_hu
    inside = ((x - x_mm - z / 20) ** 2 + (y - AORTA_MM[1]) ** 2 <= radius_mm**2) & (z >= from_mm) & (z <= to_mm)
    if aorta_hu is not None:
        hu[inside] = aorta_hu
        labels[inside] = 0
    hu[labels > 0] = -850
    noise = np.random.default_rng(0).normal(0, noise_hu, geometry.shape)
    scan = np.rint(hu + noise).clip(-1024, 3071).astype(np.int16)
    return Volume(labels, geometry), Volume(scan, geometry)


def middle_mm(points: FloatArray) -> FloatArray:
    """Return how far each point lies from the drawn aorta's middle, in its axial plane."""
    return np.hypot(points[:, 0] - AORTA_MM[0] - points[:, 2] / 20, points[:, 1] - AORTA_MM[1])


@pytest.mark.parametrize(("aorta_hu", "radius_mm"), [(42.0, 12.0), (10.0, 9.0), (42.0, 16.0), (250.0, 12.0)])
def test_the_aorta_by_hand(aorta_hu: float, radius_mm: float) -> None:
    """Protects the check of the HU scale: value, place and width of a drawn aorta, with and without contrast agent."""
    found = descending_aorta(*chest(aorta_hu=aorta_hu, radius_mm=radius_mm))
    assert found is not None
    assert found.median_hu == pytest.approx(aorta_hu, abs=2)
    assert middle_mm(found.centres_lps).max() < 3
    assert np.median(found.radii_mm) == pytest.approx(radius_mm, abs=2.5)  # edges of bright blood are blurred inwards
    assert np.ptp(found.centres_lps[:, 2]) > 90


def test_a_calcified_wall_does_not_count() -> None:
    """Protects old patients' values: chalk of 600 HU in a fifth of the wall, 3 mm thick, stays out."""
    labels, scan = chest()
    x, y, z = np.moveaxis(GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    across, along = x - AORTA_MM[0] - z / 20, y - AORTA_MM[1]
    radius = np.hypot(across, along)
    chalk = (radius > 9) & (radius <= 12) & (np.arctan2(along, across) > 1.9) & (scan.array > 0)
    found = descending_aorta(labels, Volume(np.where(chalk, 600, scan.array).astype(np.int16), GRID))
    assert found is not None and found.median_hu == pytest.approx(42, abs=2)


def oblique(degrees: float) -> Geometry:
    """Return the grid turned about the patient's axis from right to left, around its middle."""
    turn, angle = np.eye(4), np.radians(degrees)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    middle = GRID.to_lps((np.array(GRID.shape) - 1) / 2)
    turn[:3, 3] = middle - turn[:3, :3] @ middle
    return Geometry(GRID.shape, turn @ GRID.affine_lps)


@pytest.mark.parametrize(
    "geometry",
    [
        GRID.reordered((2, 0, 1), (True, False, True)),
        GRID.reordered((0, 1, 2), (True, True, True)),
        Geometry.axial((130, 240, 125), (1.25, 1.0, 2.4), (-149.0, -120.0, 0.0)),
        oblique(10.0),
    ],
    ids=["reordered", "flipped", "other pixels", "oblique"],
)
def test_other_grids_show_the_same_aorta(geometry: Geometry) -> None:
    """Protects scans in other directions, with other pixels, and oblique ones."""
    found = descending_aorta(*chest(geometry))
    assert found is not None and found.median_hu == pytest.approx(42, abs=2)
    assert middle_mm(found.centres_lps).max() < 3.5


def test_half_a_chest_is_enough() -> None:
    """Protects scans that end in the lungs: 64 mm of the aorta are found, 36 mm are too few."""
    labels, scan = chest()
    for slices, is_found in ((slice(8, 24), True), (slice(8, 17), False)):
        geometry = Geometry((slices.stop - slices.start, *GRID.shape[1:]), GRID.affine_lps)
        part = descending_aorta(Volume(labels.array[slices], geometry), Volume(scan.array[slices], geometry))
        assert (part is not None) is is_found
        assert part is None or part.median_hu == pytest.approx(42, abs=2)


@pytest.mark.parametrize(
    "changed",
    [
        {"aorta_hu": None},
        {"from_mm": 60.0, "to_mm": 90.0},
        {"radius_mm": 5.0},
        {"radius_mm": 24.0},
        {"spine_hu": 50.0},
        {"x_mm": -40.0},
    ],
    ids=["none", "short", "a vein", "too wide", "no spine", "on the right"],
)
def test_no_aorta_is_invented(changed: dict[str, float | None]) -> None:
    """Protects from wrong values, which are worse than none; the spine and the heart are round, too."""
    assert descending_aorta(*chest(**changed)) is None  # type: ignore[arg-type]


def test_without_both_lungs_and_with_coarse_pixels_none_is_looked_for() -> None:
    """Protects scans whose sides are not known, or that show no disc."""
    labels, scan = chest()
    for array in (np.minimum(labels.array, 1), np.where(labels.array == 1, 0, labels.array), 0 * labels.array):
        assert descending_aorta(Volume(array.astype(np.uint8), GRID), scan) is None
    assert descending_aorta(*chest(Geometry.axial((40, 80, 100), (4.0, 3.0, 3.0), (-150.0, -120.0, 0.0)))) is None
    assert measure_lungs(Volume(np.minimum(labels.array, 1), GRID), scan, "binary").scan["aorta_hu"] is None


@pytest.mark.parametrize("hu", [40, -1000])
def test_a_scan_without_an_edge_has_none(hu: int) -> None:
    """Protects masks on a test object or on nothing: without an edge there is nothing to measure, and no error."""
    labels, scan = chest()
    assert descending_aorta(labels, Volume(np.full_like(scan.array, hu), GRID)) is None


def test_the_phantom_has_no_aorta() -> None:
    """Protects tests and demonstrations with the phantom: what it does not have is not measured."""
    phantom = make_phantom(phantom_geometry((80, 110, 110)))
    assert measure_lungs(phantom.labels, phantom.ct).scan["aorta_hu"] is None


def test_blood_of_no_patient_is_doubted_from_the_pixels_on() -> None:
    """Protects the way from the scan to the doubt: an aorta of 5 HU gets one, those of 42 and 250 HU do not."""
    for aorta_hu, expected in ((5.0, True), (42.0, False), (250.0, False)):
        record, _ = judge(measure_lungs(*chest(aorta_hu=aorta_hu)).scan, UNKNOWN)
        assert ("blood-off-scale" in [each["reason"] for each in record["doubts"]]) is expected
        assert record["contrast"] is (aorta_hu > 80)
