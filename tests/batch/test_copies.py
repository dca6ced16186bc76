"""A batch uses a copy of a series once and says so; what only claims to be a copy is said, and never mixed in."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from batch_results import Command, check_no_second_result, plan_of, rows_of
from dicom_files import save, slices_of

from LungUNetSegLib.batch.candidates import Candidate
from LungUNetSegLib.batch.find import SourceFile, find_files, places_below
from LungUNetSegLib.batch.identity import jobs_of
from LungUNetSegLib.batch.jobs import BatchSettings, Job, job_from_json, job_to_json
from LungUNetSegLib.batch.plan import Plan, Skipped
from LungUNetSegLib.batch.plan_text import print_plan
from LungUNetSegLib.batch.reading import read_files
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.volume.volume import Volume


def only(plan: Plan) -> Candidate:
    (taken,) = plan.taken
    return taken.scan


def folders(files: tuple[SourceFile, ...]) -> list[str]:
    return sorted({Path(each.name).parent.name for each in files})


@pytest.fixture
def top(thin: Volume, tmp_path: Path) -> Path:
    """A source with one series in the folder `ct`."""
    save(slices_of(thin), tmp_path / "source" / "ct")
    return tmp_path / "source"


def zipped(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        for path in sorted(folder.iterdir()):
            content.write(path, f"{folder.name}/{path.name}")


@pytest.mark.parametrize("archived", [False, True])
def test_a_copy_is_named_in_the_plan_and_used_once(top: Path, archived: bool) -> None:
    """In another folder, or in an archive beside the original."""
    if archived:
        zipped(top / "ct", top / "other.zip")
        place = str(top / "other.zip!/ct")
    else:
        shutil.copytree(top / "ct", top / "other")
        place = str(top / "other")
    plan = plan_of(top)
    scan = only(plan)
    assert folders(scan.files) == ["ct"] and len(scan.files) == len(scan.copies) == 13
    assert plan.skipped == (Skipped(place, "", f"a copy of {top / 'ct'} (13)"),)


def test_a_copy_is_printed_within_the_source(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(top / "ct", top / "other")
    print_plan(plan_of(top))
    assert "- other: a copy of ct (13)\n" in capsys.readouterr().out


def test_a_scan_is_the_same_one_when_its_copy_is_deleted(top: Path) -> None:
    """Protects from segmenting an archive again after somebody tidied it."""
    shutil.copytree(top / "ct", top / "other")
    before = only(plan_of(top))
    shutil.rmtree(top / "other")
    after = only(plan_of(top))
    assert (after.key, after.fingerprint, after.place) == (before.key, before.fingerprint, before.place)


def test_a_batch_segments_a_copied_scan_once(batch: Command, top: Path, tmp_path: Path) -> None:
    """The plan file names the copy, the table has one row, and the finding says that the copy was compared."""
    zipped(top / "ct", top / "other.zip")
    code, stdout, _ = batch(top)
    assert code == 0 and "1 scans to segment, 1 skipped" in stdout
    plan = json.loads((tmp_path / "out" / "work" / "plan.json").read_text())
    assert [(each["place"], each["why"]) for each in plan["skipped"]] == [
        (str(top / "other.zip!/ct"), f"a copy of {top / 'ct'} (13)")
    ]
    (row,) = rows_of(tmp_path / "out")
    assert "copied-files" in row["findings"] and row["slices"] == "13"


def test_a_copy_that_comes_later_gives_no_second_result(batch: Command, top: Path) -> None:
    """Protects the table from a scan's second row: the copy comes before the original, and gives the scan its place."""
    check_no_second_result(batch, top, lambda: shutil.copytree(top / "ct", top / "a copy of ct"))


def test_only_a_scan_s_own_copy_keeps_its_name(tmp_path: Path) -> None:
    """Protects a result from another scan's with equal digits, and the name of a folder that was renamed on purpose."""
    store = Store(tmp_path / "out")
    store.make()
    store.note_failure(Job(name="a-0000", place="/a", files=(), identity={"path": "/a"}), "damaged", 0)
    copies = {"/a": ["a-0000"], "/c": ["b-0000"]}
    for folder, names in copies.items():
        job = Job(name="b-0000", place="/b", files=(), copies=(SourceFile(Path(folder) / "0.dcm", 1, 1),))
        assert [each.name for each in store.named_as_before([job])] == names
    assert [each.name for each in store.named_as_before([Job(name="b-0000", place="/b", files=())])] == ["b-0000"]


def test_a_copy_with_other_pixels_fails_its_scan_and_no_other(
    batch: Command, thin: Volume, top: Path, tmp_path: Path
) -> None:
    """Nobody knows which of the two is right, so none is segmented; the error names both files."""
    changed = slices_of(thin)
    changed[4].PixelData = b"\x01\x00" + changed[4].PixelData[2:]
    save(changed, top / "denoised")
    save(slices_of(Volume(thin.array + 1, thin.geometry)), top / "good")
    assert batch(top)[0] == 1
    rows = {row["path"]: row for row in rows_of(tmp_path / "out")}
    assert rows[str(top / "good")]["status"] == "done" and len(rows) == 2
    error = rows[str(top / "ct")]["error"]
    assert str(top / "ct" / "0004.dcm") in error and str(top / "denoised" / "0004.dcm") in error


@pytest.mark.parametrize("archived", [False, True])
def test_images_at_other_places_are_another_scan(thin: Volume, top: Path, archived: bool) -> None:
    """The plan takes one and says of the other what it is; each is read whole, from its own files."""
    moved = slices_of(thin)
    for each in moved[-2:]:
        x, y, z = each.ImagePositionPatient
        each.ImagePositionPatient = [x, y, z + 2.0]
    save(moved, top / "moved")
    place = str(top / "moved")
    if archived:
        zipped(top / "moved", top / "z.zip")
        shutil.rmtree(top / "moved")
        place = str(top / "z.zip!/moved")
    plan = plan_of(top)
    scan = only(plan)
    assert folders(scan.files) == ["ct", "moved"] and scan.copies == ()
    why = f"has the SOP Instance UIDs of {top / 'ct'}, but another position, size or spacing"
    assert [(each.place, each.why) for each in plan.skipped] == [(place, why)]
    first, second = (read_files(job) for job in jobs_of(plan_of(top, series="all"), BatchSettings(output=top)))
    assert (first.volume.array == thin.array).all()
    for one in (first, second):
        assert len({each.path.parent for each in one.slices}) == 1 and len(one.slices) == 13
        assert "copies-differ" in [each.code for each in one.findings]


def test_slices_at_one_position_are_said_in_a_batch_too(thin: Volume, top: Path) -> None:
    """Of other images at the same places the first are taken; `segment` said so, a batch did not read the others."""
    again = slices_of(thin)[:4]
    for number, each in enumerate(again):
        each.SOPInstanceUID = f"1.2.{number}"
    save(again, top / "again")
    (job,) = jobs_of(plan_of(top), BatchSettings(output=top))
    assert "duplicate-slices" in [each.code for each in read_files(job).findings]


def test_rows_of_a_list_that_name_copies_are_one_scan(top: Path, tmp_path: Path) -> None:
    shutil.copytree(top / "ct", top / "other")
    (tmp_path / "list.csv").write_text("path\nsource/ct\nsource/other\n")
    plan = plan_of(tmp_path / "list.csv")
    assert folders(only(plan).files) == ["ct"]
    assert Skipped(str(tmp_path / "source/other"), only(plan).title, "another row of the list names the same scan") in (
        plan.skipped
    )


def test_a_pseudonym_s_error_names_no_file(thin: Volume, top: Path) -> None:
    """Protects patients whose names are in the paths of copies."""
    changed = slices_of(thin)
    changed[4].PixelData = b"\x01\x00" + changed[4].PixelData[2:]
    save(changed, top / "Doe John" / "Smith")
    settings = BatchSettings(output=top, identify="pseudonym", secret="0" * 32)
    (job,) = jobs_of(plan_of(top), settings)
    with pytest.raises(ReadError) as caught:
        read_files(job)
    assert "Smith" in str(caught.value)
    assert not any(each in job.public(str(caught.value)) for each in ("Doe", "Smith", "0004.dcm"))
    assert str(top) not in job.public(f"{top / 'ct'}: is the folder of copies")


def test_a_job_keeps_its_copies_as_json(top: Path) -> None:
    """Protects workers elsewhere, and the panel, which opens a scan later."""
    shutil.copytree(top / "ct", top / "other")
    (job,) = jobs_of(plan_of(top), BatchSettings(output=top))
    assert job_from_json(json.loads(json.dumps(job_to_json(job)))) == job and len(job.copies) == 13


def test_files_of_one_folder_stay_together(tmp_path: Path) -> None:
    """Folders tell copies apart, also after their files were unpacked or sent; a name that is there twice is kept."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x/1", "y/1", "x/2"):
            archive.writestr(name, name)
    files = find_files(tmp_path).files
    files += [SourceFile(tmp_path / "X", 1, 1), SourceFile(tmp_path / "x", 1, 1)]
    assert [str(each.relative_to(tmp_path)) for each in places_below(tmp_path, files)] == [
        "000000/1", "000000/2", "000001/1", "000002/X", "000003/x",
    ]  # fmt: skip
