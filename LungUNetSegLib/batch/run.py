"""Runs a batch: does the jobs that are left, notes each outcome at once, and writes the tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from LungUNetSegLib.batch.executors import Executor
from LungUNetSegLib.batch.jobs import BatchSettings, Job, Outcome
from LungUNetSegLib.batch.page import write_page
from LungUNetSegLib.batch.pipeline import Tell, say_nothing
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.batch.table import row_of, write_parquet, write_results
from LungUNetSegLib.errors import MissingDependencyError, WriteError

logger = logging.getLogger(__name__)

MOST_UNSETTLED = 3
"""After this many scans in a row that failed through no fault of theirs, a batch stops rather than go through all."""


@dataclass
class Totals:
    """Counts of a batch's scans: all, done, failed.

    Attributes:
        scans: Of the plan.
        done: Before and now.
        failed: Before and now.
        changed: Done before, and to be done again because their input changed.
        others: In the table, but not of this plan: an earlier one had them.
        errors: Of the scans that failed now, by name.
    """

    scans: int
    done: int = 0
    failed: int = 0
    changed: int = 0
    others: int = 0
    errors: dict[str, str] = field(default_factory=dict)


Heard = Callable[[Totals, Outcome | None], None]
"""Called at the beginning, with None, and after each scan."""


def run_jobs(
    jobs: Sequence[Job],
    settings: BatchSettings,
    store: Store,
    executor: Executor,
    *,
    retry_failed: bool = False,
    heard: Heard = lambda totals, outcome: None,
    tell: Tell = say_nothing,
) -> Totals:
    """Do the jobs that are left, and write tables and page; if it is stopped, only the CSV.

    Args:
        jobs: All of the plan.
        settings: With the round that `Store.begin` gave.
        store: Locked by this process.
        executor: Where the work is done.
        retry_failed: Whether scans that failed before are tried again.
        heard: See `Heard`.
        tell: See `pipeline.Tell`.

    Raises:
        LungUNetSegError: No scan can be done at all, or the tables cannot be written.
    """
    store.keep_jobs(jobs)
    todo = store.todo(jobs, settings.round, retry_failed=retry_failed)
    totals = Totals(len(jobs), todo.done, todo.failed, todo.changed)
    by_name = {job.name: job for job in todo.jobs}
    heard(totals, None)
    in_a_row = 0
    try:
        with closing(executor.run(todo.jobs, settings, tell)) as outcomes:
            for outcome in outcomes:
                _note(outcome, by_name[outcome.name], store, settings, totals)
                heard(totals, outcome)
                in_a_row = 0 if outcome.is_settled else in_a_row + 1
                if in_a_row == MOST_UNSETTLED:
                    raise WriteError(
                        f"{totals.errors[outcome.name]} This happened with {in_a_row} scans in a row: is the disk"
                        " full, or a network share gone? When that is repaired, the same command continues."
                    )
        store.end()
    except BaseException:
        # Parquet and the page take longer than a user who stops the batch should wait.
        write_results(store.table, [row_of(report) for report in store.reports()])
        raise
    write_tables(store)
    totals.others = len(store.names() - {job.name for job in jobs})
    return totals


def _note(outcome: Outcome, job: Job, store: Store, settings: BatchSettings, totals: Totals) -> None:
    if not outcome.error:
        totals.done += 1
        store.note_done(outcome.name)
        return
    totals.failed += 1
    totals.errors[outcome.name] = job.public(outcome.error)
    if outcome.is_settled:
        store.note_failure(job, outcome.error, settings.round)


def write_tables(store: Store) -> None:
    """Write results.csv, results.parquet and index.html from the reports on disk.

    Raises:
        WriteError: One of them cannot be written.
    """
    reports = store.reports()
    rows = [row_of(report) for report in reports]
    write_results(store.table, rows)
    write_page(store.page, rows, reports)
    try:
        write_parquet(store.table.with_suffix(".parquet"), rows)
    except MissingDependencyError as error:
        logger.info("note: %s", error)
