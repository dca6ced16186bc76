"""Trains one network with several processes under `torchrun` (torch.distributed, one process per GPU or machine)."""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from LungUNetSegLib.errors import ConfigError

PATIENCE = timedelta(days=1)
"""How long processes wait while the first builds the cache or validates; an ended process is noticed at once."""


@dataclass(frozen=True)
class Process:
    """One of the processes that train together; by default the only one.

    Attributes:
        rank: Its number, from 0.
        world_size: Number of processes.
    """

    rank: int = 0
    world_size: int = 1

    @classmethod
    def from_environment(cls, device: torch.device) -> Process:
        """Join the processes that `torchrun` started, or run as a single process.

        Raises:
            ConfigError: More processes than GPUs on this machine.
        """
        world_size = int(os.environ.get("WORLD_SIZE", "1"))
        if world_size == 1 and not dist.is_torchelastic_launched():
            return cls()
        if device.type == "cuda":
            processes, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
            if processes > gpus:  # all processes end here, as those with a GPU would wait for the others
                raise ConfigError(
                    f"{processes} processes were started here and there are {gpus} GPU(s); start one process per GPU."
                )
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=PATIENCE)
        return cls(dist.get_rank(), world_size)

    @property
    def is_joined(self) -> bool:
        """Whether `torchrun` started this process, also as the only one."""
        return dist.is_available() and dist.is_initialized()

    @property
    def is_first(self) -> bool:
        """Whether this process validates, writes files and prints."""
        return self.rank == 0

    def check_batch_size(self, batch_size: int) -> None:
        """Refuse a batch size that cannot be divided evenly."""
        if batch_size % self.world_size:
            count = self.world_size
            raise ConfigError(f"batch_size {batch_size} cannot be divided among {count} processes; use a multiple.")

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return `network` with gradients averaged over the processes."""
        return network if not self.is_joined else DistributedDataParallel(network)

    def mean(self, row: dict[str, float]) -> dict[str, float]:
        """Return the mean of each value over the processes, ignoring NaN (an undefined score)."""
        if not self.is_joined:
            return row
        values = torch.tensor(list(row.values()), dtype=torch.float64)
        sums = torch.stack([values.nan_to_num(0.0, math.inf, -math.inf), (~values.isnan()).double()])
        dist.all_reduce(sums)
        return dict(zip(row, (sums[0] / sums[1]).tolist(), strict=True))  # 0 / 0 is NaN again

    def from_first(self, row: dict[str, float]) -> dict[str, float]:
        """Return the first process's values; all processes have the same keys."""
        if not self.is_joined:
            return row
        values = torch.tensor(list(row.values()), dtype=torch.float64)
        dist.broadcast(values, src=0)
        return dict(zip(row, values.tolist(), strict=True))

    def wait(self) -> None:
        """Wait for all processes."""
        if self.is_joined:
            dist.barrier()

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let the first process run alone, then the others, which then find its files on disk."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def leave(self) -> None:
        """Leave the process group together at the end, as one that leaves while the first still writes may abort.

        So may one that ends while a wrapped network still holds the group: with torch 2.13 one of ten did.
        """
        if self.is_joined:
            gc.collect()  # wrapped networks are part of cycles
            dist.barrier()
            dist.destroy_process_group()
