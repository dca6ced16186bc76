"""A batch on a Dask cluster: the same files as without, whatever becomes of its workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from batch_results import Command, rows_of
from dask_machines import Machines, machines
from dicom_files import save, slices_of

import LungUNetSegLib
from LungUNetSegLib.batch import dask_executor
from LungUNetSegLib.batch.dask_executor import DaskCluster
from LungUNetSegLib.batch.find import find_files
from LungUNetSegLib.batch.jobs import BatchSettings, Job, job_to_json
from LungUNetSegLib.config import to_json
from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.io import write_image
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume

pytest.importorskip("distributed")
from LungUNetSegLib.batch import dask_tasks

pytestmark = [
    pytest.mark.slow,
    # Sockets that a worker's death leaves open are the cluster's, and closed by the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

SCANS = 5


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory):
    """Two workers; a scan called "deadly" ends the one that reads it."""
    with machines(tmp_path_factory.mktemp("dask"), workers=2) as running:
        yield running


@pytest.fixture
def scans(tmp_path: Path, small_phantom: Phantom) -> Path:
    """Scans that differ by a HU."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(SCANS):
        write_image(folder / f"{number}.nrrd", Volume(small_phantom.ct.array + number, small_phantom.ct.geometry))
    return folder


def labels_in(out: Path) -> dict[str, bytes]:
    """Return each scan's labels and picture by its name without the batch's own digits."""
    files = [*(out / "scans").glob("*/lungs.nii.gz"), *(out / "scans").glob("*/preview.png")]
    return {f"{path.parent.name.rpartition('-')[0]}/{path.name}": path.read_bytes() for path in files}


def test_dead_workers_change_nothing_and_a_deadly_scan_is_given_up(
    batch: Command, scans: Path, small_phantom: Phantom, tmp_path: Path, cluster: Machines
) -> None:
    """Protects a night on a cluster: a worker is killed in the middle, and one scan kills each that reads it."""
    batch(scans, "-o", tmp_path / "alone")
    write_image(scans / "deadly.nrrd", Volume(small_phantom.ct.array + SCANS, small_phantom.ct.geometry))

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "out").glob("scans/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(cluster.workers()[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    code, stdout, stderr = batch(scans, "--scheduler", cluster.address)
    killer.join()
    assert code == 1 and f"{SCANS} of {SCANS + 1} scans done, 1 failed" in stdout
    assert "two workers that segmented it ended" in stderr
    assert (
        labels_in(tmp_path / "out") == labels_in(tmp_path / "alone") and len(labels_in(tmp_path / "out")) == 2 * SCANS
    )


def test_scans_that_are_sent_give_the_same(batch: Command, scans: Path, tmp_path: Path, cluster: Machines) -> None:
    """Protects workers that do not see the files: their results come back whole."""
    batch(scans, "-o", tmp_path / "alone")
    code, stdout, _ = batch(scans, "--scheduler", cluster.address, "--send")
    assert code == 0 and f"{SCANS} of {SCANS} scans done, 0 failed" in stdout
    assert labels_in(tmp_path / "out") == labels_in(tmp_path / "alone")


@pytest.mark.parametrize("sending", [[], ["--send"]])
def test_copies_go_along_and_are_compared(
    batch: Command, thin: Volume, tmp_path: Path, cluster: Machines, sending: list[str]
) -> None:
    """Protects a scan that lies twice in its archive: on a worker its copy is compared with it, not read as slices.

    A copy with other pixels fails its own scan there too, and the error names both files.
    """
    source = tmp_path / "source"
    save(slices_of(thin), source / "good" / "ct")
    shutil.copytree(source / "good" / "ct", source / "good" / "copy")
    save(slices_of(Volume(thin.array + 1, thin.geometry)), source / "bad" / "ct")
    changed = slices_of(Volume(thin.array + 1, thin.geometry))
    changed[4].PixelData = b"\x05\x00" + changed[4].PixelData[2:]
    save(changed, source / "bad" / "denoised")
    code, stdout, _ = batch(source, "--scheduler", cluster.address, *sending)
    assert code == 1 and "1 of 2 scans done, 1 failed" in stdout
    (report,) = (tmp_path / "out" / "scans").glob("*/scan.json")
    told = json.loads(report.read_text())
    assert told["geometry"]["shape"] == list(thin.array.shape)
    assert "copied-files" in [finding["code"] for finding in told["findings"]]
    failed = next(row for row in rows_of(tmp_path / "out") if row["status"] == "failed")
    # Not those to which they were sent, which are gone.
    assert all(str(source / "bad" / each / "0004.dcm") in failed["error"] for each in ("ct", "denoised"))


def test_workers_of_this_machine(batch: Command, scans: Path, tmp_path: Path) -> None:
    code, stdout, stderr = batch(scans, "--cluster", "local", "--jobs", 2)
    assert code == 0 and f"{SCANS} of {SCANS} scans done, 0 failed" in stdout, stderr


def test_workers_of_this_machine_keep_the_memory_of_arrays() -> None:
    """Protects their pace: by Dask's own setting a scan took three quarters of a second of system time more."""
    with ExitStack() as stack:
        client = DaskCluster(None, 1)._connect(stack)
        assert list(client.run(os.environ.get, "MALLOC_TRIM_THRESHOLD_").values()) == [None]
        assert list(client.run(os.environ.get, "OPENBLAS_NUM_THREADS").values()) == ["1"], "the others stay"


def test_a_cluster_without_workers_grows_and_shrinks(batch: Command, scans: Path, tmp_path: Path) -> None:
    """Protects adaptive clusters, which start workers for scans that wait, and end them in the middle of a batch."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=0, threads_per_worker=2, dashboard_address=":0", local_directory=tmp_path / "dask", silence_logs=50
    ) as cluster:
        cluster.adapt(minimum=0, maximum=2, interval="200 ms")
        code, stdout, stderr = batch(scans, "--scheduler", cluster.scheduler_address)
    assert code == 0 and f"{SCANS} of {SCANS} scans done, 0 failed" in stdout, stderr


@pytest.mark.parametrize("comes_later", [False, True])
def test_another_version_is_refused(
    batch: Command, scans: Path, cluster: Machines, monkeypatch: pytest.MonkeyPatch, comes_later: bool
) -> None:
    """Protects results from coming half of one version, half of another; workers may come while a batch runs."""
    monkeypatch.setattr(LungUNetSegLib, "__version__", "9.9")
    if comes_later:
        monkeypatch.setattr(DaskCluster, "_check", lambda *arguments: None)
    code, _, stderr = batch(scans, "--scheduler", cluster.address)
    assert code == 1 and "has version 0.1.0 and here 9.9" in stderr


@pytest.mark.parametrize("elsewhere", ["the scheduler", "tcp://10.0.0.2:4000"])
def test_another_version_of_dask_is_refused(elsewhere: str) -> None:
    """Protects from errors of Dask's own, which name no cause: both places and both versions are told."""

    class Client:
        def get_versions(self) -> dict[str, Any]:
            def told(place: str) -> dict[str, Any]:
                return {"packages": {"distributed": "2020.1" if place == elsewhere else "2026.8"}}

            workers = {place: told(place) for place in ("tcp://10.0.0.1:4000", "tcp://10.0.0.2:4000")}
            return {"client": told("here"), "scheduler": told("the scheduler"), "workers": workers}

    with pytest.raises(EngineError, match=f"Dask on {elsewhere} has version 2020.1 and here 2026.8"):
        DaskCluster("tcp://10.0.0.1:8786")._check(Client())


def test_a_worker_that_does_not_see_the_folders_is_named(scans: Path, tmp_path: Path) -> None:
    """Protects who forgot to mount the share on one of three machines: the batch stopped and did not say where."""
    there, gone = tmp_path / "scans" / "0.nrrd", tmp_path / "gone"
    place = "tcp://10.0.0.2:4000"

    class Client:
        def run(self, function: Callable[..., Any], paths: list[Path], on_error: str) -> dict[str, Any]:
            assert function(paths) == "" and paths == [there], "what this machine does not see either is nobody's fault"
            return {"tcp://10.0.0.1:4000": "", place: str(there)}

    with pytest.raises(EngineError, match=rf"{place} does not see {there}: mount .*--send"):
        DaskCluster("tcp://10.0.0.1:8786")._check_sight(Client(), [there, gone])


def test_a_worker_that_comes_later_says_what_it_does_not_see(
    scans: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects as the test above: without the folder of results all stops; of a scan the place is said."""
    worker = SimpleNamespace(address="tcp://10.0.0.3:4000", memory_manager=SimpleNamespace(memory_limit=None))
    worker.log_event = lambda *_: None
    monkeypatch.setattr(dask_tasks, "get_worker", lambda: worker)
    job = Job(name="scan", place="scan", files=tuple(find_files(scans / "0.nrrd").files), voxels=1)
    settings = to_json(BatchSettings(output=tmp_path / "out", model=str(tiny_model), threads=1))

    def outcome() -> dict[str, Any]:
        return dask_tasks.segment_on_worker(job_to_json(job), settings, LungUNetSegLib.__version__)[0]

    results = tmp_path / "out" / "scans"
    with pytest.raises(EngineError, match=rf"{worker.address} does not see {results}: mount"):
        outcome()
    results.mkdir(parents=True)
    (scans / "0.nrrd").unlink()
    told = outcome()
    assert not told["is_settled"] and told["error"].endswith(f"on the machine of the Dask worker {worker.address}.")


@pytest.mark.parametrize(
    ("address", "why"),
    [("tcp://127.0.0.1:9", "Timed out trying to connect to tcp://127.0.0.1:9"), ("host", "missing port number")],
)
def test_a_scheduler_that_is_not_there_is_named(
    batch: Command, scans: Path, monkeypatch: pytest.MonkeyPatch, address: str, why: str
) -> None:
    """Protects who would look for the cause on the disk, or report a bug: so the reason was worded."""
    monkeypatch.setattr(dask_executor, "CONNECT_S", 1)
    code, _, stderr = batch(scans, "--scheduler", address)
    assert code == 1 and f"There is no Dask scheduler at {address} that answers ({why}" in stderr
    assert stderr.count("\n") == 1 and "disk" not in stderr and "report" not in stderr


def test_sending_needs_a_cluster(batch: Command, scans: Path) -> None:
    code, _, stderr = batch(scans, "--send")
    assert code == 1 and "--scheduler" in stderr
