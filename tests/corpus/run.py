"""Try the corpus of awkward inputs and write docs/robustness.md: ``PYTHONPATH=tests python -m corpus.run``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

from corpus import rooms
from corpus.kinds import Kind, Verdict, judge


def run(quick: bool = False, only: str = "") -> dict[str, tuple[Kind, Verdict]]:
    """Return what came of each kind, by room and name."""
    found: dict[str, tuple[Kind, Verdict]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, kind in enumerate(rooms.KINDS):
            if (quick and kind.is_slow) or only not in f"{kind.room}: {kind.name}":
                continue
            with tempfile.TemporaryDirectory(prefix="corpus") as folder:
                place = Path(folder) / f"{number}"
                place.mkdir()
                found[f"{kind.room}: {kind.name}"] = kind, judge(kind, place)
    return found


def main() -> int:
    """Run, print what is not as expected, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="kinds whose room or name holds this; the page is not written")
    parser.add_argument("--quick", action="store_true", help="without the shipped network; the page is not written")
    arguments = parser.parse_args()
    found = run(arguments.quick, arguments.only)
    for name, (kind, verdict) in found.items():
        if verdict.fault:
            print(f"{name}\n    {kind.expected} expected; {verdict.result}: {verdict.fault}")
    wrong = sum(verdict.result == "wrong" for _, verdict in found.values())
    faulty = sum(bool(verdict.fault) for _, verdict in found.values())
    print(f"{len(found)} kinds, {faulty} not as expected, {wrong} wrong")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
