"""Several processes that train one network, under `torchrun` (torch.distributed, one process a GPU or a machine)."""

from __future__ import annotations

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
"""How long processes wait while the first builds the cache or validates; one that died is noticed at once."""


@dataclass(frozen=True)
class Process:
    """One process among those that train together; alone by default.

    Attributes:
        rank: Its number, from 0.
        world_size: How many there are.
    """

    rank: int = 0
    world_size: int = 1

    @classmethod
    def from_environment(cls, device: torch.device) -> Process:
        """Join the processes that `torchrun` started, or stay alone.

        Raises:
            ConfigError: More processes than GPUs on this machine.
        """
        world_size = int(os.environ.get("WORLD_SIZE", "1"))
        if world_size == 1 and not dist.is_torchelastic_launched():
            return cls()
        if device.type == "cuda":
            processes, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
            if processes > gpus:  # all of them end here: those with a GPU would wait for the others
                raise ConfigError(
                    f"{processes} processes were started here and there are {gpus} GPU(s); start one process a GPU."
                )
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=PATIENCE)
        return cls(dist.get_rank(), world_size)

    @property
    def is_joined(self) -> bool:
        """Whether `torchrun` started this process, be it alone."""
        return dist.is_available() and dist.is_initialized()

    @property
    def is_first(self) -> bool:
        """Whether this process validates, writes files and talks."""
        return self.rank == 0

    def check_batch_size(self, batch_size: int) -> None:
        """Refuse a batch that cannot be shared evenly."""
        if batch_size % self.world_size:
            count = self.world_size
            raise ConfigError(f"batch_size {batch_size} cannot be shared by {count} processes; use a multiple.")

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return `network` with gradients averaged over the processes."""
        return network if not self.is_joined else DistributedDataParallel(network)

    def mean(self, row: dict[str, float]) -> dict[str, float]:
        """Return the mean of each value over the processes that have one: NaN is a score that is not defined there."""
        if not self.is_joined:
            return row
        values = torch.tensor(list(row.values()), dtype=torch.float64)
        sums = torch.stack([values.nan_to_num(0.0, math.inf, -math.inf), (~values.isnan()).double()])
        dist.all_reduce(sums)
        return dict(zip(row, (sums[0] / sums[1]).tolist(), strict=True))  # 0 / 0 is NaN again

    def from_first(self, row: dict[str, float]) -> dict[str, float]:
        """Return the first process's values, the keys being the same everywhere."""
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
        """Let the first process through alone, then the others: what it puts on disk they find there."""
        if not self.is_first:
            self.wait()
        yield
        if self.is_first:
            self.wait()

    def leave(self) -> None:
        """Part from the others at the end, together: one that goes while the first still writes may abort."""
        if self.is_joined:
            dist.barrier()
            dist.destroy_process_group()
