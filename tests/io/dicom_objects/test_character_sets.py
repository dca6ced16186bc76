"""Names of patients in other scripts come into all DICOM results, in the encoding of the images."""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_files import save, slices_of
from dicom_geometries import PATIENT, grid, phantom_on
from pydicom import dcmread

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.segments import LUNGS

pytest.importorskip("highdicom")

NAMES = {
    "japanese": (
        ["", "ISO 2022 IR 87"],
        "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046",
    ),
    "korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"),
    "chinese": ("GBK", "Wang^XiaoDong=\u738b^\u5c0f\u4e1c"),
    "german": ("ISO_IR 100", "M\u00fcller^J\u00f6rg"),
    "any": ("ISO_IR 192", "\u0424\u0451\u0434\u043e\u0440\u043e\u0432^\u0410\u043d\u043d\u0430"),
    "none": (None, "Doe^Jane"),
}
"""Specific Character Set (PS3.3 C.12.1.1.2), and a name of a patient (PS3.5 annexes H to K)."""


@pytest.mark.parametrize("which", NAMES)
def test_the_patients_name_comes_back_in_its_own_encoding(which: str, tmp_path: Path) -> None:
    """Protects hospitals in Japan, Korea and China, whose images no result could be made of, and old archives."""
    characters, name = NAMES[which]
    phantom = phantom_on(grid(20.0, 20.0, (3, 21, 25)))
    datasets = slices_of(phantom.ct, **PATIENT)
    for each in datasets:
        each.SpecificCharacterSet, each.PatientName = characters, name
    scan = read_scan(save(datasets, tmp_path / "ct"))
    volumes = {"right": 1.0, "left": 1.0}
    result = LungResult(labels=phantom.labels, segments=LUNGS, volumes_ml=volumes, mean_hu=volumes)
    maker, kinds = Maker(model="lungs", sha256="0" * 64), ("dicom-seg", "rtstruct", "dicom-sr")
    objects, _ = make_objects(kinds, result, read_source(scan), maker, DicomOptions())
    for kind in kinds:
        write_object(objects[kind], tmp_path / f"{kind}.dcm")
        dataset = dcmread(tmp_path / f"{kind}.dcm")
        assert str(dataset.PatientName) == name
        assert (dataset.get("SpecificCharacterSet") or None) == characters, kind
