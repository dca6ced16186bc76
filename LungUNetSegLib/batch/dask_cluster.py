"""Starts a Dask cluster of this machine's processes for one batch, and ends it at once when that is left."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any

from LungUNetSegLib.machine import import_extra

SETTINGS = {
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.tick.interval": "500ms",
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.worker.profile.enabled": False,
}
"""What differs from Dask's own settings. It has glibc give each array back to the system at once, which takes three
quarters of a second for each scan, and its processes look at themselves up to a hundred times a second."""


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """Yield a cluster of this machine's processes; at the end they are killed, as nothing that they do is needed then.

    Args:
        workers: How many processes.

    Raises:
        MissingDependencyError: Dask is not installed.
    """
    dask = import_extra("dask", "A cluster needs the package dask", "dask")
    distributed = import_extra("distributed", "A cluster needs the package distributed", "dask")
    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="lungunetseg-dask-", ignore_cleanup_errors=True)
        )
        with dask.config.set({**SETTINGS, "temporary-directory": folder}), _signals_kept_from_children():
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=2,  # one computes, one reads the next scan
                dashboard_address=":0",  # any free port: None still takes 8787, which may be in use
                env={"TMPDIR": folder},  # else a process that is killed leaves its temporary files
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(closing(cluster))
            stack.callback(_kill_workers, cluster)
        yield cluster


def _kill_workers(cluster: Any) -> None:
    """End the workers now: Dask waits up to four seconds for what they are doing."""

    async def kill_all() -> None:
        await asyncio.gather(*(each.close(timeout=0) for each in cluster.workers.values()), return_exceptions=True)

    with suppress(Exception):  # whatever fails, the cluster is closed next
        cluster.sync(kill_all)


@contextmanager
def _signals_kept_from_children() -> Iterator[None]:
    """Keep Ctrl-C and a closed terminal from processes that threads begun meanwhile start: the command ends them.

    Dask else replaces the workers that end by it, and waits for the new ones before it ends them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    kept = {signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, kept)
    try:
        resource_tracker.ensure_running()  # a process too; that it starts lifts the block, so not later
        signal.pthread_sigmask(signal.SIG_BLOCK, kept)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
