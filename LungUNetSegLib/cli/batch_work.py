"""Does the work of `lungunetseg batch` after its plan: settings, executor, progress."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path

from LungUNetSegLib.batch.dask_executor import DaskCluster
from LungUNetSegLib.batch.executors import Executor, InProcess
from LungUNetSegLib.batch.identity import jobs_of
from LungUNetSegLib.batch.jobs import FORMATS, BatchSettings
from LungUNetSegLib.batch.plan import Plan
from LungUNetSegLib.batch.processes import LocalProcesses
from LungUNetSegLib.batch.run import Totals, run_jobs
from LungUNetSegLib.batch.share import jobs_and_threads
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.cli.batch_progress import BatchView
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io.dicom_objects.common import highdicom
from LungUNetSegLib.models.model import load_model, own_models, shipped_models


def work(arguments: argparse.Namespace, plan: Plan, store: Store, progress: ProgressView) -> Totals:
    """Segment the scans of a plan that are left.

    Raises:
        LungUNetSegError: No scan can be done at all, or the tables cannot be written.
    """
    largest_voxels = max(math.prod(each.scan.shape) for each in plan.taken)
    jobs, threads = jobs_and_threads(arguments.jobs, arguments.threads, len(plan.taken), largest_voxels)
    if arguments.scheduler:
        threads = arguments.threads  # the workers' machines have other cores than this one
    settings = BatchSettings(
        output=store.folder.resolve(),
        model=_absolute(arguments.model),
        model_sha256=load_model(arguments.model).sha256,
        engine=arguments.engine,
        device=arguments.device,
        threads=threads,
        labels=arguments.labels,
        formats=tuple(dict.fromkeys(arguments.format or FORMATS[:1])),
        raw=arguments.raw,
        identify=arguments.identify,
        secret=store.secret(),
    )
    if "dicom-seg" in settings.dicom_formats and not arguments.scheduler:
        highdicom()  # missing: said before the first scan, not once for each
    settings = replace(settings, round=store.begin(settings, redo=arguments.redo))
    executor = _executor(arguments, jobs)
    view = BatchView(progress)
    try:
        return run_jobs(
            store.named_as_before(jobs_of(plan, settings)), settings, store, executor,
            retry_failed=arguments.retry_failed, heard=view.heard, tell=view.tell,
        )  # fmt: skip
    except KeyboardInterrupt:
        view.close()
        print(f"stopped; {view.done} scans are done. The same command continues.", file=sys.stderr)
        raise
    finally:
        view.close()


def _executor(arguments: argparse.Namespace, jobs: int) -> Executor:
    if arguments.scheduler or arguments.cluster:
        return DaskCluster(arguments.scheduler, max(1, jobs), send=arguments.send)
    if arguments.send:
        raise ConfigError("--send sends scans to a cluster: name it with --scheduler or --cluster.")
    return LocalProcesses(jobs) if jobs else InProcess()


def _absolute(model: str) -> str:
    """Return a model's path as an absolute one, for processes elsewhere; a model's name stays."""
    return model if model in [*shipped_models(), *own_models()] else str(Path(model).resolve())
