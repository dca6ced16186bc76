"""A corrected mask kept as a case that a training reads, and what is refused instead."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dicom_files import save, slices_of
from phantom_cases import write_image

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.cases.saving import patient_key, save_case
from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import DataError, GeometryError, WriteError
from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(phantom_geometry((16, 64, 72)), rng=1)


def test_a_saved_case_is_found_and_read_as_a_training_does(phantom: Phantom, tmp_path: Path) -> None:
    """Protects the layout: scan, mask, patient and origin come back as they were given."""
    for name in ("one", "two"):
        saved = save_case(tmp_path / "cases", name, phantom.ct, phantom.labels, patient="P", origin={"mask": "m.nrrd"})
        assert saved.folder == tmp_path / "cases" / name and not saved.findings
    cases = find_cases(tmp_path / "cases")
    assert [(case.case_id, case.patient) for case in cases] == [("one", "P"), ("two", "P")]
    pair = read_pair(cases[0])
    assert np.array_equal(pair.labels.array, phantom.labels.array) and np.array_equal(pair.ct.array, phantom.ct.array)
    origin = json.loads((saved.folder / "origin.json").read_text(encoding="utf-8"))
    assert origin["case"] == "two" and origin["mask"] == "m.nrrd" and origin["saved"]
    assert len(list((tmp_path / "cases").iterdir())) == 2  # no draft is left


def test_what_is_no_correction_leaves_nothing(phantom: Phantom, tmp_path: Path) -> None:
    """Protects a data set from cases that a training would refuse: an edit that leaves nothing, another scan's mask."""
    labels, geometry = phantom.labels, phantom.labels.geometry
    moved = Geometry(geometry.shape, geometry.affine_lps + np.array([[0, 0, 0, 5.0]] + 3 * [[0, 0, 0, 0]]))
    swapped = np.array([0, 2, 1], np.uint8)[labels.array]
    refused: dict[str, tuple[type[Exception], Volume]] = {
        "is empty": (DataError, Volume(np.zeros_like(labels.array), geometry)),
        "another grid": (GeometryError, Volume(labels.array, moved)),
        "the value 3": (DataError, Volume(labels.array + (labels.array > 0), geometry)),
        "The mask has label 1 on the patient's left": (DataError, Volume(swapped, geometry)),
        "The mask does not lie on the lung": (DataError, Volume(np.ascontiguousarray(labels.array[:, ::-1]), geometry)),
    }
    for reason, (kind, mask) in refused.items():
        with pytest.raises(kind, match=reason):
            save_case(tmp_path / "cases", "one", phantom.ct, mask, patient="P", origin={})
    for name in ("", "../up", ".hidden", "p1_mask"):
        with pytest.raises(DataError, match="cannot be called"):
            save_case(tmp_path / "cases", name, phantom.ct, labels, patient="P", origin={})
    assert not list((tmp_path / "cases").glob("*"))
    save_case(tmp_path / "cases", "one", phantom.ct, labels, patient="P", origin={})
    with pytest.raises(WriteError, match="exists; give the case another name"):
        save_case(tmp_path / "cases", "one", phantom.ct, labels, patient="P", origin={})


def test_the_command_keeps_a_dicom_scan_and_hides_the_patient_id(phantom: Phantom, tmp_path: Path) -> None:
    write_dicom_series(phantom.ct, tmp_path / "scan")
    write_image(phantom.labels, tmp_path / "mask.nii.gz")
    network = phantom.labels.array.copy()
    network[5] = 0
    write_image(Volume(network, phantom.labels.geometry), tmp_path / "network.nii.gz")
    given = [str(tmp_path / name) for name in ("scan", "mask.nii.gz")]
    options = [f"--to={tmp_path / 'cases'}", f"--network-mask={tmp_path / 'network.nii.gz'}"]
    assert main(["save-case", *given, *options, "--name=a"]) == 0
    assert main(["save-case", *given, *options, "--name=b", "--patient=Q"]) == 0
    cases = find_cases(tmp_path / "cases")
    assert [case.patient for case in cases] == [patient_key("Phantom"), "Q"]
    text = (tmp_path / "cases" / "a" / "origin.json").read_text(encoding="utf-8")
    right_ml = np.count_nonzero(phantom.labels.array[5] == 1) * phantom.labels.geometry.voxel_volume_ml
    assert "Phantom" not in text and json.loads(text)["correction"]["right"]["added_ml"] == pytest.approx(right_ml)


def test_the_command_says_what_is_odd_and_takes_the_series_that_is_asked_for(
    phantom: Phantom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects from a case of the wrong one of two series, without a word."""
    for number, turn in ((1, 0), (2, 1)):
        datasets = slices_of(phantom.ct, SeriesNumber=number, SeriesInstanceUID=f"1.2.3.{number}")
        save(datasets[: 16 - turn], tmp_path / "scan" / str(number))
    write_image(phantom.labels, tmp_path / "mask.nii.gz")
    words = ["save-case", str(tmp_path / "scan"), str(tmp_path / "mask.nii.gz"), f"--to={tmp_path / 'cases'}"]
    assert main([*words, "--name=a"]) == 0
    assert "note: 2 CT series were found" in capsys.readouterr().out
    assert main([*words, "--name=b", "--series=1.2.3.1"]) == 0
    assert "note:" not in capsys.readouterr().out
    assert main([*words, "--name=c", "--series=1.2.3.2"]) == 1
    assert "(16, 64, 72) voxels, its scan (15, 64, 72)" in capsys.readouterr().err
