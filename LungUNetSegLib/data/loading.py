"""Makes batches ahead in other processes, for a device that is faster than the augmentation on one core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from LungUNetSegLib.data.dataset import Batch, SliceDataset
from LungUNetSegLib.errors import EngineError

BATCHES_AHEAD = 2
"""Batches per worker: one in work and one waiting."""

Arrays = tuple[npt.NDArray[np.float32], ...]

_slices: SliceDataset
"""The worker's data set; set once, when the worker starts."""


@contextmanager
def load_batches(
    slices: SliceDataset, epochs: range, batch_size: int, *, rank: int = 0, world_size: int = 1, workers: int = 0
) -> Iterator[Iterator[Batch]]:
    """Yield the batches of all `epochs` in order; they do not depend on the number of workers.

    Args:
        slices: The data set.
        epochs: Numbers of the epochs.
        batch_size: Number of slices in a step over all training processes together.
        rank: Number of this training process.
        world_size: Number of training processes.
        workers: Number of processes that make batches ahead; with 0 this process makes each batch on demand.

    Raises:
        EngineError: A worker has ended unexpectedly.
    """
    numbers = ((epoch, step) for epoch in epochs for step in range(slices.steps(batch_size)))
    place = (batch_size, rank, world_size)
    if not workers:
        yield (slices.batch(*number, *place) for number in numbers)
        return
    # A forked process would share thread locks and GPU state with this one.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_start_worker, initargs=(slices,))
    try:
        yield _collect(pool, workers, numbers, place)
    finally:
        pool.shutdown(cancel_futures=True)


def _collect(
    pool: ProcessPoolExecutor, workers: int, numbers: Iterator[tuple[int, int]], place: tuple[int, int, int]
) -> Iterator[Batch]:
    """Yield the batches in order, and keep the workers busy with the next ones."""
    made: deque[Future[Arrays]] = deque()
    try:
        for number in numbers:
            made.append(pool.submit(_make, *number, *place))
            if len(made) > BATCHES_AHEAD * workers:
                yield _batch(made.popleft())
        while made:
            yield _batch(made.popleft())
    except BrokenProcessPool as error:
        message = f"One of the {workers} processes that make batches has ended"
        raise EngineError(f"{message}; give fewer --workers if memory was short.") from error


def _batch(made: Future[Arrays]) -> Batch:
    return Batch(*map(torch.from_numpy, made.result()))


def _start_worker(slices: SliceDataset) -> None:
    """Initialise a worker, which ends when its parent process ends for any reason."""
    global _slices  # an executor's initializer can pass values to later calls only by a global
    _slices = slices
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the training process ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(epoch: int, step: int, batch_size: int, rank: int, world_size: int) -> Arrays:
    batch = _slices.batch(epoch, step, batch_size, rank, world_size)
    # Arrays are sent by value; PyTorch would send tensors by handles that become invalid when the worker ends.
    return tuple(each.numpy() for each in (batch.hu, batch.target, batch.valid, batch.told))
