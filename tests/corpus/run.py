"""Try the corpus of awkward inputs and write docs/robustness.md: ``PYTHONPATH=tests python -m corpus.run``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

from corpus.bench import SHARE
from corpus.kinds import KINDS, Kind, Verdict, judge
from corpus.page import PAGE, page


def run(quick: bool = False, only: str = "") -> list[tuple[Kind, Verdict]]:
    """Return what came of each kind.

    Args:
        quick: Without those that run the shipped network.
        only: Those whose room or name holds this.
    """
    import corpus.rooms  # noqa: F401  # fills KINDS

    found = []
    logging.getLogger("LungUNetSegLib").setLevel(logging.ERROR)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="corpus") as folder:
        warnings.simplefilter("ignore")
        for number, kind in enumerate(KINDS):
            if (quick and kind.is_slow) or only not in f"{kind.room}: {kind.name}":
                continue
            place = Path(folder) / str(number)
            place.mkdir()
            found.append((kind, judge(kind, place)))
    return found


def main() -> int:
    """Run, print what is not as expected, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds whose room or name holds this; the page is not written")
    parser.add_argument("--quick", action="store_true", help="without the shipped network; the page is not written")
    arguments = parser.parse_args()
    # MetaIO and libjpeg print what they think of damaged files.
    stderr, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        found = run(arguments.quick, arguments.only)
    finally:
        os.dup2(stderr, 2)
    for kind, verdict in found:
        if verdict.fault:
            print(f"{kind.room}: {kind.name}\n    {kind.expected} expected; {verdict.result}: {verdict.fault}")
    if not (arguments.quick or arguments.only):
        PAGE.write_text(page(found, SHARE), encoding="utf-8")
    wrong = sum(verdict.result == "wrong" for _, verdict in found)
    faulty = sum(bool(verdict.fault) for _, verdict in found)
    print(f"{len(found)} kinds, {faulty} not as expected, {wrong} wrong")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
