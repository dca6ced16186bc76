"""Processes and threads of a batch fit the machine."""

from __future__ import annotations

import pytest

from LungUNetSegLib.batch import share
from LungUNetSegLib.batch.share import jobs_and_threads


def test_shares_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cores: a job for each, or the threads that are asked for; no more than memory holds or scans there are."""
    monkeypatch.setattr(share, "cores", lambda: 4)
    monkeypatch.setattr(share, "free_bytes", lambda: 100 * share.JOB_BYTES)
    assert jobs_and_threads(None, None, 50) == (4, 1)
    assert jobs_and_threads(None, 2, 50) == (2, 2)
    assert jobs_and_threads(2, None, 50) == (2, 2)
    assert jobs_and_threads(None, None, 1) == (1, 4)
    assert jobs_and_threads(0, None, 50) == (0, None)
    monkeypatch.setattr(share, "free_bytes", lambda: 3 * share.JOB_BYTES)
    assert jobs_and_threads(None, None, 50) == (3, 1)
    # 500 million voxels: 0.2 GB and twice 1.65 GB for each process, of 3.9 GB.
    assert jobs_and_threads(None, None, 50, 500_000_000) == (1, 4)


def test_memory_that_a_group_may_not_use_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a batch in a container or in a job of SLURM: the machine's memory is not its own."""
    monkeypatch.setattr(share, "memory_left", lambda: None)
    whole = share.free_bytes()
    monkeypatch.setattr(share, "memory_left", lambda: 5_000_000)
    assert share.free_bytes() == 5_000_000 < whole
