"""Batches that other processes make are the batches that this one would make."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from phantom_cases import COARSE, write_pair

from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.data.dataset import Batch, SamplingConfig, SliceDataset
from LungUNetSegLib.data.loading import load_batches
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.errors import EngineError

ONE_THREAD = 1
"""As workers have: the threads' number decides how sums are rounded."""


@pytest.fixture
def slices(tmp_path: Path) -> SliceDataset:
    torch.set_num_threads(ONE_THREAD)
    case = cache_case(write_pair(tmp_path, "p", slices=9), COARSE, tmp_path)
    everything = SamplingConfig(order="every"), AugmentConfig(probability=1), PathologyConfig(opacity=0.5)
    return SliceDataset([case], *everything, seed=3, preprocess=COARSE)


def test_workers_make_the_same_batches_in_the_same_order(slices: SliceDataset) -> None:
    """Protects "a resumed training sees the same": over epochs, and for each of the processes that train together."""
    for rank, world_size in ((0, 1), (1, 2)):
        place = {"rank": rank, "world_size": world_size}
        expected = [batch for epoch in (1, 2) for batch in slices.epoch(epoch, 4, **place)]
        loaded = list(load_batches(slices, range(1, 3), 4, workers=2, **place))
        assert len(loaded) == len(expected) == 4
        assert all(map(_same, loaded, expected))


@pytest.mark.parametrize("workers", [0, 1])
def test_beginning_to_load_draws_nothing_from_the_dropouts_stream(slices: SliceDataset, workers: int) -> None:
    """Protects resuming bit for bit: a training that goes on begins to load in another epoch."""
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    next(load_batches(slices, range(1), 4, workers=workers))
    assert torch.equal(torch.rand(3), expected)


def test_a_worker_that_dies_ends_with_a_sentence(slices: SliceDataset) -> None:
    """Workers are the first that a system short of memory kills."""
    before = set(_children())
    batches = load_batches(slices, range(10_000), 4, workers=1)
    next(batches)
    # One of the two is multiprocessing's own helper, which outlives the other's end.
    for child in set(_children()) - before:
        if "resource_tracker" not in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
            os.kill(child, signal.SIGKILL)
    with pytest.raises(EngineError, match=r"1 processes that make batches has failed .* fewer --workers"):
        list(batches)


def _same(ours: Batch, theirs: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(ours).values(), vars(theirs).values(), strict=True))


def _children() -> list[int]:
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    if not path.exists():
        pytest.skip("children are found through /proc")
    return [int(pid) for pid in path.read_text(encoding="ascii").split()]
