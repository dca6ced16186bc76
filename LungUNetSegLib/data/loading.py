"""Makes batches ahead in other processes, for a device that is faster than the augmentation on one core."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import torch

from LungUNetSegLib.data.dataset import Batch, SliceDataset
from LungUNetSegLib.errors import EngineError

Place = tuple[int, int, int]
"""Batch size over all training processes, rank of this one, and their number."""


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
    place = (batch_size, rank, world_size)
    if not workers:
        yield _batches(slices, epochs, place)
        return
    started = [_start(slices, epochs, place, first, workers) for first in range(workers)]
    try:
        yield _in_turn([receiver for _, receiver in started])
    finally:
        for process, receiver in started:
            receiver.close()
            process.terminate()
            process.join()


def _batches(slices: SliceDataset, epochs: range, place: Place, first: int = 0, every: int = 1) -> Iterator[Batch]:
    numbers = ((epoch, step) for epoch in epochs for step in range(slices.steps(place[0])))
    return (slices.batch(*number, *place) for number in islice(numbers, first, None, every))


def _start(
    slices: SliceDataset, epochs: range, place: Place, first: int, every: int
) -> tuple[SpawnProcess, Connection]:
    """Start the worker that makes every `every`-th batch, and return it with the end that its batches come out of.

    Each has a pipe of its own, whose other end it alone holds. So its death is seen even in the middle of a batch,
    the rest of which would be waited for in a queue that workers share.
    """
    # A forked process would share thread locks and GPU state with this one.
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_make, args=(sender, slices, epochs, place, first, every), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def _in_turn(receivers: list[Connection]) -> Iterator[Batch]:
    for receiver in cycle(receivers):
        try:
            received = receiver.recv()
        except (EOFError, OSError) as error:
            message = f"One of the {len(receivers)} processes that make batches has ended"
            raise EngineError(f"{message}; use fewer of them if memory was short.") from error
        if received is None:
            return
        if isinstance(received, Exception):
            raise received
        yield Batch(*map(torch.from_numpy, received))


def _make(sender: Connection, slices: SliceDataset, epochs: range, place: Place, first: int, every: int) -> None:
    """Send batches, then None, or the error that kept one from being made.

    The next batch is made when the last one is taken. The pipe breaks when the training process ends for any reason.
    """
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the training process ends its workers
    try:
        for batch in _batches(slices, epochs, place, first, every):
            # Arrays are sent by value; PyTorch would send tensors by handles that become invalid when the worker ends.
            sender.send(tuple(each.numpy() for each in (batch.hu, batch.target, batch.valid, batch.coarse)))
        sender.send(None)
    except BrokenPipeError:
        return
    except Exception as error:
        sender.send(error)
