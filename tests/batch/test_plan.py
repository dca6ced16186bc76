"""A plan takes the chest CTs, one of each study, and says why each of the others is left out."""

from __future__ import annotations

import _thread
import csv
import json
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import SimpleITK as sitk
from batch_results import plan_of
from dicom_files import save, slices_of
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage

import LungUNetSegLib
from LungUNetSegLib.batch import header_processes, header_texts, index
from LungUNetSegLib.batch.plan import Plan, Skipped
from LungUNetSegLib.batch.plan_text import print_plan
from LungUNetSegLib.batch.rules import parse_rule
from LungUNetSegLib.errors import ConfigError, DataError, ReadError
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.volume import Volume


def places(plan: Plan, top: Path) -> list[str]:
    return [str(Path(each.scan.place).relative_to(top)) for each in plan.taken]


def reasons(plan: Plan) -> dict[str, str]:
    return {Path(each.place).name: each.why for each in plan.skipped}


def series(volume: Volume, folder: Path, number: int = 1, **attributes: object) -> None:
    """A series of the study 1.2 of patient P."""
    uid = f"1.2.{number}"
    own = {"SeriesInstanceUID": uid, "StudyInstanceUID": "1.2", "PatientID": "P", "SeriesNumber": number}
    datasets = slices_of(volume, **own | attributes)
    for index_, dataset in enumerate(datasets):
        dataset.SOPInstanceUID = f"{uid}.{index_}"
    save(datasets, folder)


def test_of_a_study_the_best_series_is_taken_and_each_other_says_why(thin: Volume, tmp_path: Path) -> None:
    """Protects from segmenting a patient three times, a localizer, an MR, a projection or a hand."""
    series(thin, tmp_path / "a", 1, SeriesDescription="Chest 5 mm", ConvolutionKernel="B30f")
    series(thin, tmp_path / "b", 2, SeriesDescription="Chest 5 mm", ConvolutionKernel="B70f")
    series(thin, tmp_path / "c", 3, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    series(thin, tmp_path / "d", 4, SOPClassUID=MRImageStorage, Modality="MR")
    series(thin, tmp_path / "e", 5, ImageType=["DERIVED", "SECONDARY", "MIP"])
    series(thin, tmp_path / "f", 6, SeriesDescription="Hand", StudyInstanceUID="1.3")
    plan = plan_of(tmp_path)
    assert places(plan, tmp_path) == ["a"] and "the best of 2 in its study" in plan.taken[0].why
    assert reasons(plan) == {
        "b": "another reconstruction (kernel B70f) of Chest 5 mm (13 slices of 10 mm)",
        "c": "localizers (13)",
        "d": "MR images (13)",
        "e": "its images are projections (MIP) of many slices",
        "f": "its headers name another part of the body: Hand",
    }
    assert places(plan_of(tmp_path, series="all"), tmp_path) == ["a", "b"]


def test_of_equal_reconstructions_the_softer_kernel_is_taken(thin: Volume, tmp_path: Path) -> None:
    """Protects density: LAA-950 of one breath is 0.1 % in a soft kernel and 13 % in a sharp one (docs/measures.md).

    The sharp one has the lower series number, which decides among the others; of an unknown kernel nothing is held.
    """
    series(thin, tmp_path / "a", 1, ConvolutionKernel="LUNG")
    series(thin, tmp_path / "b", 2, ConvolutionKernel="STANDARD")
    series(thin, tmp_path / "c", 3, ConvolutionKernel="XYZ", StudyInstanceUID="1.3")
    series(thin, tmp_path / "d", 4, ConvolutionKernel="STANDARD", StudyInstanceUID="1.3")
    plan = plan_of(tmp_path)
    assert places(plan, tmp_path) == ["b", "c"]
    assert plan.taken[0].why == "the best of 2 in its study: axial, 13 slices, kernel STANDARD"


def test_a_long_plan_is_printed_by_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    """Protects who plans an archive: after 40 lines, of the rest the number of each reason, the commonest first."""
    skipped = [Skipped(f"p{number}", "", "localizers (1)") for number in range(40)]
    skipped += [Skipped("q", "", "MR images (20)")] + [Skipped("r", "", "masks or results, by their names (2)")] * 2
    skipped += [Skipped("s", "", "masks or results, by their names (1)")]
    print_plan(Plan(Path("x"), (), tuple(skipped)), Path("out/work/plan.json"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[39] == "- p39: localizers (1)"
    assert lines[40:] == [
        "  and 4 more:",
        "    3 masks or results, by their names",
        "    1 MR images",
        "the whole plan: out/work/plan.json",
        "0 scans to segment, 44 skipped",
    ]


def test_rules_take_and_leave(thin: Volume, tmp_path: Path) -> None:
    """`--include` and `--exclude`, by kernel, description, thickness; a rule that is none is refused."""
    series(thin, tmp_path / "a", 1, SeriesDescription="Chest soft", ConvolutionKernel="B30f", SliceThickness="5")
    series(thin, tmp_path / "b", 2, SeriesDescription="Chest lung", ConvolutionKernel="B70f", SliceThickness="1")
    for options, taken in (
        ({"exclude": ["kernel=b3"]}, "b"),
        ({"include": ["description=SOFT"]}, "a"),
        ({"include": ["thickness<=2"]}, "b"),
        ({"include": ["thickness>2", "slices>=13"]}, "a"),
    ):
        rules = {name: tuple(map(parse_rule, texts)) for name, texts in options.items()}
        assert places(plan_of(tmp_path, series="all", **rules), tmp_path) == [taken]
    for text in ("kernel", "colour=red", "thickness=thin", "description=(", "kernel<=3"):
        with pytest.raises(ConfigError):
            parse_rule(text)


def test_too_few_slices_are_no_scan(thin: Volume, tmp_path: Path) -> None:
    series(thin, tmp_path / "a")
    assert reasons(plan_of(tmp_path, least_slices=14)) == {"a": "only 13 slices"}
    assert len(plan_of(tmp_path, least_slices=13).taken) == 1


def test_two_patients_with_one_uid_are_two_scans(thin: Volume, tmp_path: Path) -> None:
    """Protects from mixing patients where an archive's anonymiser gave all of them the same UIDs."""
    series(thin, tmp_path / "a", PatientID="A")
    series(thin, tmp_path / "b", PatientID="B")
    plan = plan_of(tmp_path)
    assert places(plan, tmp_path) == ["a", "b"]
    assert len({each.scan.key for each in plan.taken}) == 2
    assert [len(each.scan.files) for each in plan.taken] == [13, 13]


def test_masks_and_results_beside_scans_are_no_scans(thin: Volume, tmp_path: Path) -> None:
    """Protects from segmenting a label map."""
    for name in ("p1.nii.gz", "p1_mask.nii.gz", "p1_pred.nrrd", "lungs.nii.gz", "x.seg.nrrd"):
        write_image(tmp_path / name.replace(".seg", "_seg"), thin)
    assert places(plan_of(tmp_path), tmp_path) == ["p1.nii.gz"]


def test_an_archive_s_scans_are_found(thin: Volume, tmp_path: Path) -> None:
    """DICOM and NIfTI in a zip archive."""
    series(thin, tmp_path / "x" / "ct")
    write_image(tmp_path / "x" / "scan.nii.gz", Volume(thin.array + np.int16(1), thin.geometry))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted((tmp_path / "x").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    plan = plan_of(tmp_path / "a.zip")
    assert [each.scan.place.removeprefix(str(tmp_path)) for each in plan.taken] == [
        "/a.zip!/x/ct",
        "/a.zip!/x/scan.nii.gz",
    ]


def test_a_second_plan_opens_only_what_changed(thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the two seconds of planning an archive again, and from believing an index of files that changed."""
    series(thin, tmp_path / "s" / "a")
    write_image(tmp_path / "s" / "scan.nii.gz", thin)
    first = plan_of(tmp_path / "s", tmp_path / "index")
    opened: list[str] = []
    read = header_texts.read_found
    monkeypatch.setattr(header_texts, "read_found", lambda path: (opened.append(path.name), read(path))[1])
    assert plan_of(tmp_path / "s", tmp_path / "index").taken == first.taken and opened == []
    changed = tmp_path / "s" / "a" / "0003.dcm"
    changed.write_bytes(changed.read_bytes() + b"\0" * 10)
    plan_of(tmp_path / "s", tmp_path / "index")
    assert opened == ["0003.dcm"]


def test_a_damaged_index_is_made_anew(thin: Volume, tmp_path: Path) -> None:
    """Protects who had a power cut."""
    series(thin, tmp_path / "s")
    (tmp_path / "index").write_bytes(b"no database, " * 1000)
    assert len(plan_of(tmp_path / "s", tmp_path / "index").taken) == 1


def test_an_index_of_another_form_is_made_anew(thin: Volume, tmp_path: Path) -> None:
    """Protects who goes on with a batch after an update: headers are kept in another form then."""
    (tmp_path / "s").mkdir()
    write_image(tmp_path / "s" / "scan.nii.gz", thin)
    plan = plan_of(tmp_path / "s", tmp_path / "index")
    with closing(sqlite3.connect(tmp_path / "index")) as database, database:
        database.execute("UPDATE details SET text = ? WHERE series = ''", (LungUNetSegLib.__version__,))
        database.execute("UPDATE file SET found = ?", ('{"shape": [13, 48, 56], "error": ""}',))
    assert plan_of(tmp_path / "s", tmp_path / "index") == plan


def test_many_files_are_read_by_processes_alike(thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series(thin, tmp_path / "s")
    here = plan_of(tmp_path / "s")
    monkeypatch.setattr(index, "FEW_FILES", 5)
    monkeypatch.setattr(index, "cores", lambda: 2)
    assert plan_of(tmp_path / "s").taken == here.taken


def test_a_process_that_dies_costs_no_header(thin: Volume, tmp_path: Path) -> None:
    """Protects a plan from a process that was killed, as for want of memory: its files are read here."""
    paths = sorted(save(slices_of(thin), tmp_path / "s").iterdir())
    process = header_processes._HeaderProcess(Event())
    try:
        assert process.read(paths) == process.read(paths) == header_texts.read_texts(paths)
        process._process.kill()
        assert process.read(paths) == header_texts.read_texts(paths)
    finally:
        process.close()


def test_ctrl_c_waits_for_no_header_but_those_in_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """It came while files were still handed out to threads, and all that had been were read: 600 for each core."""
    opened: list[Path] = []

    def read_slowly(path: Path) -> str:
        opened.append(path)
        if len(opened) == 1:
            _thread.interrupt_main()
        time.sleep(0.2)
        return "files that are not DICOM"

    monkeypatch.setattr(header_texts, "read_found", read_slowly)
    with pytest.raises(KeyboardInterrupt):
        header_texts.read_texts([Path(str(number)) for number in range(600)])
    assert len(opened) < 60


def test_a_list_names_scans(thin: Volume, tmp_path: Path) -> None:
    """CSV and JSON; a missing file is that row's, paths are relative to the list, names and sites are kept."""
    series(thin, tmp_path / "data" / "a")
    write_image(tmp_path / "data" / "b.nrrd", thin)
    rows = [
        {"path": "data/a", "id": "first", "site": "Bern"},
        {"path": "data/gone", "id": "second", "site": ""},
        {"path": "data/b.nrrd", "id": "third", "site": ""},
        {"path": "data/b.nrrd", "id": "again", "site": ""},
    ]
    with (tmp_path / "list.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "list.json").write_text(json.dumps(rows))
    for name in ("list.csv", "list.json"):
        plan = plan_of(tmp_path / name)
        assert [each.name for each in plan.taken] == ["first", "third"]
        assert plan.taken[0].scan.details["InstitutionName"] == "Bern"
        assert reasons(plan) == {
            "gone": "there is no such file or folder",
            "b.nrrd": "another row of the list names the same scan",
        }


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", "file,id\nx,y\n", "needs a column 'path'; it has file, id"),
        ("a.csv", "", "needs a column 'path'; it has none"),
        ("a.csv", "path\n", "names no scan"),
        ("a.csv", "path,id\n,x\n", "row 1 has no 'path'"),
        ("a.json", "{", "is not JSON"),
        ("a.json", '{"path": "x"}', "expected a list"),
        ("a.json", "[3]", "entry 1 is neither"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, name: str, content: str, match: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=match):
        plan_of(tmp_path / name)


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="the folder is empty"):
        plan_of(tmp_path)


def test_ct_of_another_class_is_named(thin: Volume, tmp_path: Path) -> None:
    """A secondary capture has the modality CT, but no place in the body."""
    series(thin, tmp_path / "a", SOPClassUID=SecondaryCaptureImageStorage)
    assert reasons(plan_of(tmp_path)) == {"a": "secondary captures (13)"}


def test_the_voxels_beside_a_header_are_part_of_its_scan(thin: Volume, tmp_path: Path) -> None:
    """They were said to be files that are not DICOM."""
    sitk.WriteImage(sitk.GetImageFromArray(thin.array), str(tmp_path / "scan.mhd"))
    (tmp_path / "other.raw").write_bytes(b"voxels of nobody")
    plan = plan_of(tmp_path)
    assert [file.path.suffix for file in plan.taken[0].scan.files] == [".mhd", ".raw"]
    assert reasons(plan) == {tmp_path.name: "files that are not DICOM (1)"}


def test_places_are_printed_within_the_source(thin: Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A long path before every name hid the names."""
    (tmp_path / "site").mkdir()
    write_image(tmp_path / "site" / "a.nrrd", thin)
    (tmp_path / "site" / "b.nii.gz").write_bytes(b"broken")
    print_plan(plan_of(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("+ site/a.nrrd (a.nrrd): ") and lines[1].startswith("- site/b.nii.gz")
