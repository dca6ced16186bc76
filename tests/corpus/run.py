"""Try the corpus of awkward inputs and write docs/robustness.md: ``PYTHONPATH=tests python -m corpus.run``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from corpus.bench import SHARE
from corpus.kinds import KINDS, Kind, Verdict, judge
from corpus.page import PAGE, page


def run(quick: bool = False, only: str = "", jobs: int = 1) -> list[tuple[Kind, Verdict]]:
    """Return what came of each kind.

    Args:
        quick: Without those that run the shipped network.
        only: Those whose section or name holds this.
        jobs: How many processes share the work.
    """
    import corpus.all_kinds  # noqa: F401  # fills KINDS

    wanted = [
        n for n, kind in enumerate(KINDS) if only in f"{kind.section}: {kind.name}" and not (quick and kind.is_slow)
    ]
    if jobs == 1:
        return [(KINDS[number], _judge(number)) for number in wanted]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        return [(KINDS[n], verdict) for n, verdict in zip(wanted, pool.map(_judge, wanted, chunksize=8), strict=True)]


def _judge(number: int) -> Verdict:
    """Try one kind, by its place among all."""
    import corpus.all_kinds  # noqa: F401  # fills KINDS in a process of its own

    logging.getLogger("LungUNetSegLib").setLevel(logging.ERROR)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="corpus") as folder:
        warnings.simplefilter("ignore")
        place = Path(folder) / str(number)
        place.mkdir()
        return judge(KINDS[number], place)


def main() -> int:
    """Run, print what is not as expected, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds whose section or name holds this; the page is not written")
    parser.add_argument("--quick", action="store_true", help="without the shipped network; the page is not written")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes share the work")
    arguments = parser.parse_args()
    # MetaIO and libjpeg print what they think of damaged files.
    stderr, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        found = run(arguments.quick, arguments.only, arguments.jobs)
    finally:
        os.dup2(stderr, 2)
    for kind, verdict in found:
        if verdict.fault:
            print(f"{kind.section}: {kind.name}\n    {kind.expected} expected; {verdict.result}: {verdict.fault}")
    if not (arguments.quick or arguments.only):
        PAGE.write_text(page(found, SHARE), encoding="utf-8")
    wrong = sum(verdict.result == "wrong" for _, verdict in found)
    faulty = sum(bool(verdict.fault) for _, verdict in found)
    print(f"{len(found)} kinds, {faulty} not as expected, {wrong} wrong")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
