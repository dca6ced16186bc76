"""Defines the interface of what does a batch's jobs, and the executor that does them in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from LungUNetSegLib.batch.jobs import BatchSettings, Job, Outcomes
from LungUNetSegLib.batch.pipeline import Tell, open_segmenter, say_nothing, segment_jobs


class Executor(Protocol):
    """Does jobs in any order."""

    def run(self, jobs: Sequence[Job], settings: BatchSettings, tell: Tell = say_nothing) -> Outcomes:
        """Yield the outcome of each job as soon as it is known; closing the iterator ends all work.

        Raises:
            LungUNetSegError: No job can be done at all.
        """
        ...


class InProcess:
    """Does jobs here, one after another. A crash of a codec or engine ends all of it."""

    def run(self, jobs: Sequence[Job], settings: BatchSettings, tell: Tell = say_nothing) -> Outcomes:
        """See `Executor`."""
        if jobs:
            yield from segment_jobs(jobs, settings, open_segmenter(settings), tell)
