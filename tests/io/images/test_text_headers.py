"""NRRD and MetaImage headers that contradict themselves or leave out what matters; never 1 mm in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_headers import DIRECTIONS, ELEMENT, IDENTITY, LPS, SPACING, metaimage, nrrd, refused
from scan_checks import codes

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.phantom import Phantom


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([LPS, DIRECTIONS], []),
        ([LPS, "space directions: (.45,0,0) (0,.515625,0) (0,0,1.4125)", 'space units: "cm" "cm" "cm"'], []),
        ([LPS, "space directions: (4500,0,0) (0,5156.25,0) (0,0,14125)", 'space units: "\u00b5m" "um" "microns"'], []),
        (["spacings: 4.5 5.15625 14.125"], ["no-orientation"]),
        (["spacings: .45 .515625 1.4125", 'units: "cm" "cm" "cm"'], ["no-orientation"]),
        (["space dimension: 3", DIRECTIONS], ["no-orientation"]),
        (["axis mins: 0 0 0", "axis maxs: 324 330 339"], ["no-orientation"]),
    ],
)
def test_nrrd_spacing_is_right_or_said(
    lines: list[str], found: list[str], small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects volumes from units, and from headers that give places in other ways than ITK looks for."""
    path = nrrd(tmp_path / "scan.nrrd", small_phantom.ct.array, *lines)
    assert codes(path) == found
    assert read_scan(path).volume.geometry.spacing_mm == pytest.approx(SPACING)
    assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LPS, "space directions: none none none"],
        [LPS, "space directions: (2,0,0) none (0,0,3)"],
        ["spacings: nan nan nan"],
        ["spacings: 1 0 1"],
        [LPS, "space directions: (0,0,0) (0,2,0) (0,0,3)"],
        ["axis mins: 0 0 0"],
    ],
)
def test_a_nrrd_without_spacing_is_refused(lines: list[str], small_phantom: Phantom, tmp_path: Path) -> None:
    refused(nrrd(tmp_path / "scan.nrrd", small_phantom.ct.array, *lines), "spacing")


def test_unknown_units_are_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array
    refused(nrrd(tmp_path / "a.nrrd", array, LPS, DIRECTIONS, 'space units: "ell" "ell" "ell"'), "ell")
    refused(nrrd(tmp_path / "b.nrrd", array, LPS, DIRECTIONS, 'space units: "mm" "mm" "cm"'), "different units")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([IDENTITY, ELEMENT], []),
        ([IDENTITY, "ElementSize = 4.5 5.15625 14.125"], []),
        ([IDENTITY, "ElementSpacing = .45 .515625 1.4125", "DistanceUnits = cm"], []),
        ([IDENTITY, "ElementSpacing = 4500 5156.25 14125", "DistanceUnits = um"], []),
        ([ELEMENT], ["no-orientation"]),
        ([IDENTITY, "ElementSpacing = .45 .515625 1.4125"], ["small-image"]),
    ],
)
def test_metaimage_spacing_is_right_or_said(
    lines: list[str], found: list[str], small_phantom: Phantom, tmp_path: Path
) -> None:
    path = metaimage(tmp_path / "scan.mha", small_phantom.ct.array, *lines)
    assert codes(path) == found
    if found != ["small-image"]:
        assert read_scan(path).volume.geometry.spacing_mm == pytest.approx(SPACING)


def test_a_metaimage_without_spacing_is_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    array = small_phantom.ct.array
    for number, line in enumerate(
        ("", "ElementSpacing = 0 1 1", "ElementSpacing = 1 -1 1", "ElementSpacing = 1 nan 1")
    ):
        refused(metaimage(tmp_path / f"{number}.mha", array, IDENTITY, *([line] if line else [])), "spacing")
    refused(metaimage(tmp_path / "ell.mha", array, IDENTITY, ELEMENT, "DistanceUnits = ell"), "ell")


@pytest.mark.parametrize("name", ["ElementToIntensityFunction", "ElementIntensity"])
def test_intensities_are_scaled_as_the_header_says(name: str, small_phantom: Phantom, tmp_path: Path) -> None:
    stored = (small_phantom.ct.array.astype(np.int32) + 1024) * 2
    path = metaimage(
        tmp_path / "scan.mha", stored.astype(np.int16), IDENTITY, ELEMENT, f"{name}Slope = 0.5", f"{name}Offset = -1024"
    )
    assert codes(path) == ["rescaled"]
    assert np.array_equal(read_scan(path).volume.array, small_phantom.ct.array)


def test_values_beyond_any_scanner_are_said(small_phantom: Phantom, tmp_path: Path) -> None:
    ten = np.clip(small_phantom.ct.array.astype(int) * 10, -32768, 32767).astype(np.int16)
    assert "beyond-scanner" in codes(metaimage(tmp_path / "scan.mha", ten, IDENTITY, ELEMENT))


def test_spacings_that_no_chest_ct_has_are_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    """Slices 106 mm apart gave 7,714 ml for 4,332."""
    array = small_phantom.ct.array
    refused(metaimage(tmp_path / "a.mha", array[:8], IDENTITY, "ElementSpacing = 4.5 5 106"), "106 mm apart")
    refused(metaimage(tmp_path / "b.mha", array, IDENTITY, "ElementSpacing = 1e-9 1e-9 5"), "millimetres")


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
def test_sizes_that_a_text_header_claims_are_compared_with_the_file(
    ending: str, small_phantom: Phantom, tmp_path: Path
) -> None:
    path = (metaimage if ending == ".mha" else nrrd)(
        tmp_path / f"scan{ending}",
        small_phantom.ct.array,
        *([IDENTITY, ELEMENT] if ending == ".mha" else [LPS, DIRECTIONS]),
    )
    path.write_bytes(path.read_bytes().replace(b"72 64 24", b"30000 30000 30000"))
    refused(path, "header claims", "damaged or cut short")
