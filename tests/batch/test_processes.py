"""Jobs in processes: a crash costs one scan, results are those of this process, and nothing stays."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from LungUNetSegLib.batch.executors import InProcess
from LungUNetSegLib.batch.find import find_files
from LungUNetSegLib.batch.jobs import BatchSettings, Job
from LungUNetSegLib.batch.processes import LocalProcesses
from LungUNetSegLib.batch.run import run_jobs
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.errors import EngineError, WriteError
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.volume import Volume


@pytest.fixture
def jobs(thin: Volume, tmp_path: Path) -> list[Job]:
    """Five scans, called 0 to 4."""
    folder = tmp_path / "five"
    folder.mkdir()
    for number in range(5):
        write_image(folder / f"{number}.nrrd", thin)
    files = find_files(folder).files
    return [Job(name=each.path.stem, place=str(each.path), files=(each,)) for each in files]


FAULTY = """
import os, sys
from LungUNetSegLib.batch import reading, worker
read = reading.read_scan
def fault(path, *rest):
    if path.name == "2.nrrd":
        {fault}
    return read(path, *rest)
reading.read_scan = fault
sys.exit(worker.main())
"""


def faulty(fault: str) -> list[str]:
    return [sys.executable, "-c", FAULTY.format(fault=fault)]


@pytest.mark.parametrize(
    ("count", "fault", "told"),
    [(2, "os.kill(os.getpid(), 11)", "SIGSEGV"), (1, "os._exit(3)", "exit code 3")],
)
def test_a_crash_costs_the_scan_that_caused_it(
    jobs: list[Job], model_settings: BatchSettings, count: int, fault: str, told: str
) -> None:
    """Protects the scans that were read or segmented beside it; the process is replaced."""
    outcomes = {each.name: each for each in LocalProcesses(count, faulty(fault)).run(jobs, model_settings)}
    assert [name for name in "01234" if not outcomes[name].error] == list("0134")
    assert told in outcomes["2"].error


def test_a_process_that_dies_leaves_no_temporary_files(
    jobs: list[Job], model_settings: BatchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the system's disk: what of an archive was unpacked for a scan stayed there after each crash."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fault = "import tempfile; tempfile.mkdtemp(prefix='of a scan'); os._exit(3)"
    outcomes = LocalProcesses(1, faulty(fault)).run(jobs[2:3], model_settings)
    assert "exit code 3" in next(outcomes).error and list(tmp_path.glob("*/of a scan*"))
    outcomes.close()
    assert not list(tmp_path.rglob("of a scan*"))


def test_processes_and_this_one_give_the_same(jobs: list[Job], model_settings: BatchSettings) -> None:
    """Every executor leaves the same files."""
    scans = model_settings.output / "scans"
    assert {each.name for each in InProcess().run(jobs, model_settings)} == set("01234")
    first = {path.relative_to(scans): path.read_bytes() for path in scans.rglob("lungs.nii.gz")}
    shutil.rmtree(scans)
    scans.mkdir()
    assert [each.error for each in LocalProcesses(2).run(jobs, model_settings)] == [""] * 5
    assert {path.relative_to(scans): path.read_bytes() for path in scans.rglob("lungs.nii.gz")} == first


def test_no_thread_stays_when_a_batch_is_left_early(jobs: list[Job], model_settings: BatchSettings) -> None:
    """Protects the memory of a program that goes on: the thread that reads ahead holds a scan."""
    outcomes = InProcess().run(jobs, model_settings)
    next(iter(outcomes))
    reading = [thread for thread in threading.enumerate() if thread.name == "read ahead"]
    assert reading
    outcomes.close()
    for thread in reading:
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.mark.parametrize("gone", ["share", "disk"])
def test_a_share_that_goes_away_costs_no_scan(
    jobs: list[Job], model_settings: BatchSettings, tmp_path: Path, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the rest of the night: a batch stops when three scans in a row cannot be reached, or nothing written.

    None of them has failed: the same command does them when the share is back, or there is room.
    """
    store = Store(model_settings.output)
    store.make()
    if gone == "share":
        (tmp_path / "five").rename(tmp_path / "elsewhere")
    else:

        def write(*arguments: object, **options: object) -> None:
            raise WriteError("a.nii.gz: cannot be written: No space left on device.")

        monkeypatch.setattr("LungUNetSegLib.batch.write.write_labels", write)
    with pytest.raises(WriteError, match="This happened with 3 scans in a row"):
        run_jobs(jobs, model_settings, store, InProcess())
    assert store.reports() == [] and len(store.todo(jobs, 0, retry_failed=False).jobs) == 5
    if gone == "share":
        (tmp_path / "elsewhere").rename(tmp_path / "five")
    monkeypatch.undo()
    assert run_jobs(jobs, model_settings, store, InProcess()).done == 5


def test_processes_that_do_not_start_are_no_endless_loop(jobs: list[Job], model_settings: BatchSettings) -> None:
    with pytest.raises(EngineError, match="do not start: nothing works"):
        list(LocalProcesses(2, [sys.executable, "-c", "raise SystemExit('nothing works')"]).run(jobs, model_settings))
    command = [sys.executable, "-c", "import sys; from LungUNetSegLib.batch import worker; sys.exit(worker.main())"]
    broken = BatchSettings(output=model_settings.output, model="no such model")
    with pytest.raises(EngineError, match="There is no model 'no such model'"):
        list(LocalProcesses(1, command).run(jobs, broken))
