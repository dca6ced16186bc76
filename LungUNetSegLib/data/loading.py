"""Batches made ahead in other processes, for a device that is faster than one core augments."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from LungUNetSegLib.data.dataset import Batch, SliceDataset
from LungUNetSegLib.errors import EngineError


class _Batches(Dataset[Batch]):
    """Batches by their (epoch, step); each depends on nothing else, so any process can make it."""

    def __init__(self, slices: SliceDataset, batch_size: int, rank: int, world_size: int) -> None:
        self.slices, self.batch_size, self.rank, self.world_size = slices, batch_size, rank, world_size

    def __getitem__(self, number: tuple[int, int]) -> Batch:
        return self.slices.batch(*number, self.batch_size, rank=self.rank, world_size=self.world_size)


def load_batches(
    slices: SliceDataset, epochs: range, batch_size: int, *, rank: int = 0, world_size: int = 1, workers: int = 0
) -> Iterator[Batch]:
    """Yield the batches of all `epochs`, one after the other and always the same, however many make them.

    Args:
        slices: What the batches are made of.
        epochs: Their numbers.
        batch_size: Slices in a step over all processes that train together.
        rank: This one among them.
        world_size: How many train together.
        workers: Processes that make batches ahead; with 0 this one makes each when it is asked for.

    Raises:
        EngineError: One of them has ended or failed.
    """
    loader = DataLoader(
        _Batches(slices, batch_size, rank, world_size),
        sampler=itertools.product(epochs, range(slices.steps(batch_size))),
        batch_size=None,
        num_workers=workers,
        generator=torch.Generator(),  # its own, so that beginning here changes no dropout
        # A forked process would share the threads' locks and the GPU's state with this one.
        multiprocessing_context="spawn" if workers else None,
    )
    try:
        yield from loader
    except RuntimeError as error:
        if not workers:
            raise
        message = f"One of the {workers} processes that make batches has failed ({error})"
        raise EngineError(f"{message}; give fewer --workers if memory was short.") from error
