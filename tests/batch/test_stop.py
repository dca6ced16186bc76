"""A batch that is stopped ends within two seconds, whatever does its work: what is on disk is whole, and it goes on.

The seconds are those of `busy_clock`; on a machine so busy that stops took 4 to 6 s, 0.1 of them passed. What the tests
protect from is a wait, which takes far longer: Dask waits for its workers, which are `SLOW` without end, and the
headers that are left to read take a minute.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from batch_results import rows_of
from busy_clock import busy_clock
from children import CHECKOUT
from dask_machines import machines

from LungUNetSegLib.batch.index import FEW_FILES
from LungUNetSegLib.cli import main
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.volume import Volume

pytestmark = pytest.mark.slow

SCANS = 5

LONGEST_S = 2.0

SLOW = """
import time
from pathlib import Path
from LungUNetSegLib.batch import dask_tasks, pipeline
segment = pipeline.segment_reading  # not the other, as Dask runs a preload twice
def segment_slowly(*arguments):
    Path({begun!r}).touch()
    while Path({slow!r}).exists():
        time.sleep(0.05)
    return segment(*arguments)
dask_tasks.segment_reading = segment_slowly
"""
"""Makes a Dask worker work on its scan as long as a file exists; another file appears when it has begun."""

SLOW_HEADERS = """
import time
from pathlib import Path
from LungUNetSegLib.io.dicom import headers
def read_slowly(path):
    Path({begun!r}).touch()
    time.sleep(0.2)
    return "files that are not DICOM"
headers.read_header = read_slowly
"""
"""A `sitecustomize` with which every process takes 0.2 s for a header, as from a network folder."""


@pytest.fixture
def source(thin: Volume, tmp_path: Path) -> Path:
    """A folder of scans, beside one for temporary files."""
    (tmp_path / "temporary").mkdir()
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(SCANS):
        write_image(folder / f"{number}.nrrd", Volume(thin.array + number, thin.geometry))
    return folder


@pytest.fixture
def command(source: Path, tiny_model: Path, tmp_path: Path) -> list[str]:
    words = ["batch", source, "-o", tmp_path / "out", "--model", tiny_model, "--progress", "json"]
    return [sys.executable, "-m", "LungUNetSegLib", *map(str, words)]


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[str]:
    """Code for Dask workers, `SLOW` until the test ends."""
    (tmp_path / "slow").touch()
    yield SLOW.format(begun=str(tmp_path / "begun"), slow=str(tmp_path / "slow"))
    (tmp_path / "slow").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def heeds_a_closed_terminal() -> Iterator[None]:
    """Let the commands heed SIGHUP, also where the tests run under `nohup`, which has it ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextmanager
def running(command: list[str], tmp_path: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process group of its own, as a terminal does."""
    variables = os.environ | {"PYTHONPATH": str(CHECKOUT), "TMPDIR": str(tmp_path / "temporary")} | environment
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)


def end(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Send a signal to a command and its process group; it ends in time. Return what it wrote to stderr."""
    with busy_clock() as seconds:
        os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=200)
        assert seconds() < LONGEST_S
    assert process.returncode == 128 + number
    return stderr


def stop(process: subprocess.Popen[str], number: signal.Signals, out: Path) -> None:
    """End a batch by a signal, cleanly; it tells what is done."""
    stderr = end(process, number)
    done = [path.name for path in (out / "scans").iterdir() if not path.name.startswith(".")]
    *_, told, last = stderr.splitlines()
    assert told == f"stopped; {len(done)} scans are done. The same command continues."
    assert last == "lungunetseg: " + ("interrupted" if number == signal.SIGINT else "ended by a signal")
    assert "Traceback" not in stderr and "Task" not in stderr
    assert [row["name"] for row in rows_of(out)] == sorted(done)
    assert not list((out.parent / "temporary").iterdir())


def goes_on(command: list[str], out: Path) -> None:
    """The same command does the rest: here in this process, which is quicker than starting others."""
    assert main(command[command.index("batch") :]) == 0
    rows = rows_of(out)
    assert [row["status"] for row in rows] == ["done"] * SCANS
    assert sorted(path.name for path in (out / "scans").iterdir()) == [row["name"] for row in rows]


@pytest.mark.parametrize(("jobs", "number"), [(0, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_batch_ends_within_two_seconds(command: list[str], tmp_path: Path, jobs: int, number: signal.Signals) -> None:
    """Ctrl-C in this process and with processes; SIGTERM too, as systems send it when they shut down."""
    with running([*command, "--jobs", str(jobs)], tmp_path) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if '"scan_stage"' in line)
        stop(process, number, tmp_path / "out")
    goes_on([*command, "--jobs", "0"], tmp_path / "out")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_workers_of_this_machine_end_with_their_batch(
    command: list[str], tmp_path: Path, slow: str, number: signal.Signals
) -> None:
    """Protects from a wait: Dask lets its workers finish, and replaces those that a terminal's Ctrl-C ended."""
    pytest.importorskip("distributed")
    (tmp_path / "slow.py").write_text(slow, encoding="utf-8")
    on_cluster = [*command, "--cluster", "local", "--jobs", "2"]
    with running(on_cluster, tmp_path, DASK_DISTRIBUTED__WORKER__PRELOAD=str(tmp_path / "slow.py")) as process:
        wait_for(tmp_path / "begun", process)
        stop(process, number, tmp_path / "out")
    if number == signal.SIGINT:
        goes_on([*command, "--jobs", "0"], tmp_path / "out")


def test_a_cluster_of_others_outlives_a_stopped_batch(command: list[str], tmp_path: Path, slow: str) -> None:
    """Protects colleagues who use the same scheduler, and their workers: the next batch finds both at work."""
    pytest.importorskip("distributed")
    with machines(tmp_path, workers=1, preload=slow) as cluster:
        command += ["--scheduler", cluster.address]
        with running(command, tmp_path) as process:
            wait_for(tmp_path / "begun", process)
            workers = cluster.workers()
            stop(process, signal.SIGINT, tmp_path / "out")
        (tmp_path / "slow").unlink()
        goes_on(command, tmp_path / "out")
        assert cluster.workers() == workers


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("files", [FEW_FILES, 3 * FEW_FILES])
def test_a_plan_ends_within_two_seconds(tmp_path: Path, files: int, archived: bool) -> None:
    """Protects from a wait for all headers that are being read: by this process, by several, or of an archive.

    Reading the fewest of these takes a minute.
    """
    source = tmp_path / "source"
    for each in (source, tmp_path / "temporary"):
        each.mkdir()
    if archived:
        with zipfile.ZipFile(source / "many.zip", "w") as archive:
            for number in range(files):
                archive.writestr(str(number), "")
    else:
        for number in range(files):
            (source / str(number)).touch()
    code = SLOW_HEADERS.format(begun=str(tmp_path / "begun"))
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "LungUNetSegLib", "batch", str(source), "-o", str(tmp_path / "out")]
    with running(command, tmp_path, PYTHONPATH=os.pathsep.join([str(CHECKOUT), str(tmp_path)])) as process:
        wait_for(tmp_path / "begun", process)
        assert end(process, signal.SIGINT) == "lungunetseg: interrupted\n"
    assert not list((tmp_path / "temporary").iterdir())
