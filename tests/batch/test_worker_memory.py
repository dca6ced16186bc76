"""A Dask worker holds as many scans as its memory allows: two, one, or not even one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from LungUNetSegLib.batch.find import find_files
from LungUNetSegLib.batch.jobs import BatchSettings, Job, job_to_json
from LungUNetSegLib.config import to_json
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume import Volume

pytest.importorskip("distributed")
import LungUNetSegLib
from LungUNetSegLib.batch import dask_tasks

MB = 1_000_000


@contextmanager
def held(room: dask_tasks.Room, need: int, most: int | None) -> Iterator[threading.Event]:
    """Take a place in another thread; yield an event that is set when it is taken, and leave it at the end."""
    taken, leave = threading.Event(), threading.Event()

    def take() -> None:
        with room.taken(need, most):
            taken.set()
            leave.wait(10)

    thread = threading.Thread(target=take)
    thread.start()
    try:
        yield taken
    finally:
        leave.set()
        thread.join()


@pytest.mark.parametrize(
    ("need", "most", "free", "fits"),
    [
        (400 * MB, 1000 * MB, 9000 * MB, True),
        (600 * MB, 1000 * MB, 9000 * MB, False),  # the worker may not take it
        (600 * MB, None, 1000 * MB, False),  # the machine has not got it
        (600 * MB, 9000 * MB, 1000 * MB, False),
        (600 * MB, None, 2000 * MB, True),
    ],
)
def test_a_second_scan_waits_unless_it_fits(
    monkeypatch: pytest.MonkeyPatch, need: int, most: int | None, free: int, fits: bool
) -> None:
    """Protects workers of little memory from the end of both scans, and of a third at their repetition."""
    monkeypatch.setattr(dask_tasks, "free_bytes", lambda: free)
    room = dask_tasks.Room()
    with held(room, need, most) as first:
        assert first.wait(10)
        with held(room, need, most) as second:
            assert second.wait(10 if fits else 0.2) == fits
            if fits:
                with held(room, 0, most) as third:
                    assert not third.wait(0.2), "a worker has no more than two, however small they are"
    with held(room, need, most) as again:
        assert again.wait(10), "a place is free again when its scan is done"


def test_a_scan_that_fits_into_no_memory_is_said(
    thin: Volume, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects a night: the worker lives on, and the table says what the scan needs; without a limit it is tried."""
    limit: int | None = 500 * MB
    worker = SimpleNamespace(address="tcp://here", memory_manager=SimpleNamespace(), log_event=lambda *_: None)
    monkeypatch.setattr(dask_tasks, "get_worker", lambda: worker)
    write_image(tmp_path / "scan.nrrd", thin)
    (tmp_path / "out" / "scans").mkdir(parents=True)
    job = Job(name="scan", place="scan", files=tuple(find_files(tmp_path / "scan.nrrd").files), voxels=100 * MB)
    settings = to_json(BatchSettings(output=tmp_path / "out", model=str(tiny_model), threads=1))

    def segmented() -> str:
        worker.memory_manager.memory_limit = limit
        outcome, _ = dask_tasks.segment_on_worker(job_to_json(job), settings, LungUNetSegLib.__version__)
        assert outcome["name"] == "scan" and outcome["is_settled"]
        return str(outcome["error"])

    # 3.3 bytes a voxel; of 500 MB a tenth is Dask's, and 200 MB are the process's.
    assert "takes about 0.3 GB of memory, and its Dask worker has 0.2 GB" in segmented()
    limit = None
    assert segmented() == ""
