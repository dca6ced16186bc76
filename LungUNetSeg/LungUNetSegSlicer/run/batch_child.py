"""The child process behind "Several scans": `lungunetseg batch`, which ends when Slicer does.

``python -m LungUNetSegSlicer.run.batch_child FOLDER SOURCE [options of lungunetseg batch]`` waits for SOURCE where that
is the list of what Slicer is still writing into FOLDER, its private one. Progress goes to stdout, one JSON object a
line; an error is one line on stderr. What is done stays, whenever this process ends: the next batch goes on from there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegSlicer.run.guard import guard

SCANS = "scans.json"
"""The list of the scene's scans in the private folder; it is complete once it has this name."""

LOOK_EVERY_S = 0.02


def main(arguments: Sequence[str]) -> int:
    """Segment the scans of a source; return the exit status of `lungunetseg batch`."""
    folder, source = Path(arguments[0]), Path(arguments[1])
    guard(folder)
    from LungUNetSegLib.cli import main as lungunetseg

    while source == folder / SCANS and not source.exists():
        time.sleep(LOOK_EVERY_S)
    return lungunetseg(["batch", *arguments[1:], "--progress", "json"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
