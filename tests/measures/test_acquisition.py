"""What a scan forbids of the density numbers, and what is measured beside the lungs to know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import enhanced, save, slices_of
from pydicom.dataset import Dataset
from scipy import ndimage

from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.measures import UNKNOWN, Acquisition, acquisition_of, judge, measure_lungs
from LungUNetSegLib.measures.surroundings import blood_hu, trachea_air
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume

GOOD: dict[str, Any] = {
    "slice_mm": 1.0, "coarsest_mm": 1.0, "air_hu": -990.0, "noise_hu": 20.0, "blood_hu": 45.0,
    "aorta_hu": 40.0, "lowest_hu": -1010, "lowest_percent": 0.0,
}  # fmt: skip
"""Of a thin, soft, quiet scan without contrast agent."""


def reasons(measured: dict[str, Any], acquisition: Acquisition) -> list[str]:
    """Return the reasons of the doubts; there is one finding if there are any."""
    record, findings = judge(measured, acquisition)
    found = [each["reason"] for each in record["doubts"]]
    assert [each.code for each in findings] == ["density-in-doubt"] * bool(found)
    return found


def test_a_good_scan_is_not_doubted() -> None:
    """Protects from warnings that nobody reads any more."""
    thin = Acquisition(thickness_mm=1.0, kernel="B30f", title="CHEST INSP")
    assert reasons(GOOD, thin) == []
    record, _ = judge(GOOD, thin)
    assert record["sharp_kernel"] is False and record["contrast"] is False and record["breathing"] == "inspiration"


@pytest.mark.parametrize(
    ("changed", "header", "reason"),
    [
        ({}, {"thickness_mm": 5.0}, "thick-slices"),
        ({"slice_mm": 3.0, "coarsest_mm": 3.0}, {}, "thick-slices"),
        ({"coarsest_mm": 3.0}, {}, "thick-slices"),  # coronal slices in an image file
        ({}, {"kernel": "B70f"}, "sharp-kernel"),
        ({}, {"contrast_agent": "ULTRAVIST"}, "contrast"),
        ({"blood_hu": 120.0}, {}, "contrast"),
        ({"aorta_hu": 120.0}, {}, "contrast"),
        ({"aorta_hu": 10.0, "air_hu": None}, {}, "blood-off-scale"),
        ({"aorta_hu": 10.0, "air_hu": -1020.0}, {}, "blood-off-scale"),
        ({"aorta_hu": 75.0, "air_hu": -960.0}, {}, "blood-off-scale"),
        ({}, {"title": "Thorax EXPIRATION"}, "expiration"),
        ({"noise_hu": 40.0}, {}, "noise"),
        ({"lowest_percent": 2.0}, {}, "lowest-value"),
        ({"air_hu": -930.0}, {}, "air-off-scale"),
    ],
)
def test_each_reason_is_said(changed: dict[str, Any], header: dict[str, Any], reason: str) -> None:
    """Protects the honesty of LAA-950: each thing that forbids it is named, and only that."""
    assert reasons(GOOD | changed, Acquisition(**header)) == [reason]
    record, (finding,) = judge(GOOD | changed, Acquisition(**header))
    assert "laa950_percent" in record["doubts"][0]["measures"] and record["doubts"][0]["message"] in finding.message


def test_a_thick_sharp_scan_with_contrast_says_all_three() -> None:
    """Protects a reader of one line from believing the rest: the reasons stand in one finding."""
    header = Acquisition(thickness_mm=5.0, kernel="LUNG", contrast_agent="yes")
    assert reasons(GOOD, header) == ["thick-slices", "sharp-kernel", "contrast"]


def test_a_scan_is_judged_again_when_its_header_is_known() -> None:
    """Protects Slicer's runs, which read the header later and have the record alone; it may lack the thickness."""
    record, _ = judge(GOOD | {"coarsest_mm": 5.0}, UNKNOWN)
    again, (finding,) = judge(record, Acquisition(kernel="B30f"))
    assert again["kernel"] == "B30f" and "voxels of 5 mm" in finding.message


def test_blood_off_the_scale_beside_right_air_concerns_dense_lung_alone() -> None:
    """Protects LAA-950 from doubts where air at -990 HU shows that its end of the scale is right."""
    record, (finding,) = judge(GOOD | {"aorta_hu": 12.0}, Acquisition())
    (doubt,) = record["doubts"]
    assert doubt["reason"] == "blood-off-scale" and "12 HU" in doubt["message"] and doubt["message"] in finding.message
    assert set(doubt["measures"]) == {"haa_percent", "mean_hu", "mass_g", "air_ml"}
    assert "LAA-950" not in finding.message and "mass" in finding.message


@pytest.mark.parametrize(
    ("aorta_hu", "header"),
    [
        *((hu, {}) for hu in (None, 20.0, 30.0, 55.0, 70.0)),
        *((hu, {"contrast_agent": "ULTRAVIST"}) for hu in (10.0, 75.0, 250.0)),
    ],
)
def test_blood_as_it_is_is_not_doubted(aorta_hu: float | None, header: dict[str, Any]) -> None:
    """Protects scans whose aorta is not found, anaemic and thick blood, and blood with a contrast agent."""
    assert "blood-off-scale" not in reasons(GOOD | {"aorta_hu": aorta_hu}, Acquisition(**header))


@pytest.mark.parametrize(
    ("kernel", "sharp"),
    [
        *((name, True) for name in ("B70f", "B50f", "I50f", "Br64", "Bl57d", "LUNG", "BONEPLUS", "BONE", "L", "YC")),
        *((name, True) for name in ("FC51", "FC52", "FC86", "HD LUNG")),
        *((name, False) for name in ("B10f", "B30s", "Br40d", "Qr40", "STANDARD", "SOFT", "B", "FC08", "FC13-H")),
        *((name, None) for name in ("", "C", "DETAIL", "something")),
    ],
)
def test_kernels_by_their_names(kernel: str, sharp: bool | None) -> None:
    """Protects the table of docs/measures.md; an unknown name is not guessed at."""
    assert Acquisition(kernel=kernel).is_sharp is sharp


@pytest.mark.parametrize(
    ("agent", "has_agent"),
    [
        *((text, False) for text in ("", "NONE", "no", "N", "N/A", "None.", "0", "without", "W/O CONTRAST", "nativ")),
        *((text, False) for text in ("no iv contrast", "UNENHANCED", "Non-contrast", "kein KM")),
        *(
            (text, True)
            for text in ("APPLIED", "yes", "Non-ionic 100 ml", "Nonionic", "Omnipaque 350", "IV", "ORAL & IV")
        ),
    ],
)
def test_a_header_that_says_there_was_no_agent_names_none(agent: str, has_agent: bool) -> None:
    """Protects scans without contrast agent, of which many headers say NONE."""
    assert Acquisition(contrast_agent=agent).has_agent is has_agent
    assert judge(GOOD, Acquisition(contrast_agent=agent))[0]["contrast"] is has_agent


@pytest.mark.parametrize(
    ("title", "breathing"),
    [
        ("CHEST EXP", "expiration"),
        ("Thorax inspiration 1.0", "inspiration"),
        ("INSP EXP", None),
        ("explorer", None),
        ("Thorax_EXP_1mm", "expiration"),
        ("LUNG_INSP_B70f", "inspiration"),
        ("Thorax in Exspiration", "expiration"),
        ("TORAX ESPIRACION", "expiration"),
        ("THORAX EXPI", "expiration"),
        ("Torace espirio", "expiration"),
        ("Lung exhale 1.0", "expiration"),
        ("Thorax in Ausatmung", "expiration"),
        ("THORAX INSPI", "inspiration"),
        ("Lung inhale 1.0", "inspiration"),
        ("Thorax inspection", None),
    ],
)
def test_breathing_by_the_description(title: str, breathing: str | None) -> None:
    """Protects from reading breath into words that only begin so."""
    assert Acquisition(title=title).breathing == breathing


def chest(noise_hu: float, air_hu: int = -1000, blood: int = 40) -> tuple[Volume, Volume]:
    """Return lungs and scan: two boxes, a trachea 16 mm wide between and above them, tissue around it."""
    geometry = Geometry.axial((50, 80, 120), (2.0, 2.0, 2.0))
    labels = np.zeros(geometry.shape, np.uint8)
    labels[5:35, 10:70, 10:45], labels[5:35, 10:70, 75:110] = 1, 2
    hu = np.full(geometry.shape, blood, np.float64)
    hu[labels > 0] = -850
    rows, columns = np.ogrid[:80, :120]
    hu[20:, (rows - 40) ** 2 + (columns - 60) ** 2 <= 16] = air_hu
    hu = ndimage.gaussian_filter(hu, 0.4) + np.random.default_rng(0).normal(0, noise_hu, geometry.shape)
    return Volume(labels, geometry), Volume(np.clip(np.rint(hu), -1024, 3071).astype(np.int16), geometry)


def test_the_air_in_the_trachea_by_hand() -> None:
    """Protects the check of the HU scale: air and noise of a tube are found, though the scale is cut off at -1024."""
    for noise_hu, expected_hu in ((10.0, -980), (40.0, -980)):
        air = trachea_air(*chest(noise_hu, expected_hu))
        assert air is not None
        error_hu = 1.25 * noise_hu / air.voxels**0.5  # standard error of a median
        assert air.median_hu == pytest.approx(expected_hu, abs=3 * error_hu)
        assert air.noise_hu == pytest.approx(noise_hu, rel=0.15)


def test_no_trachea_is_invented() -> None:
    """Protects scans without one: tissue, a slit, a hole of three slices, an empty mask."""
    labels, scan = chest(10.0)
    blocked = scan.array.copy()
    blocked[24:, 30:50, 50:70] = 40
    assert trachea_air(labels, Volume(blocked, scan.geometry)) is None
    slit = scan.array.copy()
    slit[:, 30:50, 50:70] = 40
    slit[20:, 38:41, 47:73] = -1000
    assert trachea_air(labels, Volume(slit, scan.geometry)) is None
    assert trachea_air(Volume(np.zeros_like(labels.array), labels.geometry), scan) is None


@pytest.mark.parametrize("blood", [40, 180])
def test_blood_between_the_lungs_by_hand(blood: int) -> None:
    """Protects the test for contrast agent; the trachea between the lungs is no tissue."""
    labels, scan = chest(10.0, blood=blood)
    assert blood_hu(labels, scan) == pytest.approx(blood, abs=2)
    assert blood_hu(Volume(np.minimum(labels.array, 1), labels.geometry), scan) is None


def test_calibration_scales_the_air_to_minus_1000() -> None:
    """Protects what calibration would change: air at -950 HU makes the lung's -850 HU to -894.7."""
    labels, scan = chest(0.0, air_hu=-950)
    density = measure_lungs(labels, scan).density["right"]
    assert density is not None
    assert density["calibrated"]["mean_hu"] == pytest.approx(density["mean_hu"] / 0.95, rel=1e-3)
    assert density["calibrated"]["perc15_hu"] == pytest.approx(-850 / 0.95, rel=1e-3)
    assert density["laa950_percent"] == 0 and density["calibrated"]["laa950_percent"] == 0


def test_the_phantom_has_a_trachea_in_any_direction() -> None:
    """Protects scans stored in other directions."""
    shape = (80, 110, 110)
    for geometry in (phantom_geometry(shape), phantom_geometry(shape, axes=(2, 0, 1), flips=(True, False, True))):
        phantom = make_phantom(geometry)
        air = trachea_air(phantom.labels, phantom.ct)
        assert air is not None and air.median_hu == pytest.approx(-1000, abs=40)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"ConvolutionKernel": ["I50f", "2"], "ContrastBolusAgent": "Iomeron 350", "SeriesDescription": "EXP"},
            Acquisition(thickness_mm=3.0, kernel="I50f", contrast_agent="Iomeron 350", title="EXP"),
        ),
        ({"ConvolutionKernel": "HD LUNG"}, Acquisition(thickness_mm=3.0, kernel="HD LUNG", title="chest")),
        ({}, Acquisition(thickness_mm=3.0, title="chest")),
    ],
)
def test_headers_of_a_series(
    small_phantom: Phantom, tmp_path: Path, attributes: dict[str, Any], expected: Acquisition
) -> None:
    """Protects what DICOM says of a scan: kernels with a second value and with a space, an agent, nothing at all."""
    datasets = slices_of(small_phantom.ct, **{"SliceThickness": 3.0, "SeriesDescription": "chest", **attributes})
    assert acquisition_of(read_scan(save(datasets, tmp_path)).slices) == expected


def test_a_contrast_agent_that_only_a_code_names(small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects Enhanced CT, which has no text for it; frames that were made before it was given have none."""
    agent = Dataset()
    agent.CodeValue, agent.CodingSchemeDesignator, agent.CodeMeaning = "7140000", "SCT", "Iodinated contrast agent"
    for administered, expected in ((None, "Iodinated contrast agent"), ("YES", "Iodinated contrast agent"), ("NO", "")):
        dataset = enhanced(small_phantom.ct)
        dataset.ContrastBolusAgentSequence = [agent]
        for frame in dataset.PerFrameFunctionalGroupsSequence if administered else ():
            usage = Dataset()
            usage.ContrastBolusAgentNumber, usage.ContrastBolusAgentAdministered = 1, administered
            frame.ContrastBolusUsageSequence = [usage]
        folder = tmp_path / str(administered)
        assert acquisition_of(read_scan(save([dataset], folder)).slices).contrast_agent == expected
    datasets = slices_of(small_phantom.ct, ContrastBolusAgent="Iomeron 350", ContrastBolusAgentSequence=[agent])
    assert acquisition_of(read_scan(save(datasets, tmp_path / "both")).slices).contrast_agent == "Iomeron 350"


@pytest.mark.shared_data
@pytest.mark.parametrize("case", ["CPTAC-C3N-00247", "Lung_Dx-A0001-B"])
def test_real_scans_are_judged_as_their_readme_says(shared_data: Path, case: str) -> None:
    """Protects kernel, thickness and contrast agent of real headers, from which the agent's name was removed."""
    scan = read_scan(shared_data / "volumes" / case / "ct")
    labels = read_labels(shared_data / "volumes" / case / "lungs.nii.gz")
    record, _ = judge(measure_lungs(labels, scan.volume).scan, acquisition_of(scan.slices))
    sharp = case == "CPTAC-C3N-00247"
    assert record["kernel"] == ("B70f" if sharp else "B")
    assert record["sharp_kernel"] is sharp and record["contrast"] is sharp
    assert record["thickness_mm"] == (3.0 if sharp else 5.0)
    assert -1000 <= record["air_hu"] <= -940 and (record["noise_hu"] > 40) == sharp
    assert record["aorta_hu"] == pytest.approx(137 if sharp else 30, abs=5)
