"""The child process behind "Fine-tune on my cases": `lungunetseg finetune`, which ends when Slicer does.

``python -m LungUNetSegSlicer.run.finetune_child FOLDER [options of lungunetseg finetune]``: progress goes to stdout,
one JSON object a line; an error is one line on stderr. Finished epochs stay, whenever this process ends.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegSlicer.run.guard import guard


def main(arguments: Sequence[str]) -> int:
    """Fine-tune; return the exit status of `lungunetseg finetune`."""
    guard(Path(arguments[0]))
    from LungUNetSegLib.cli import main as lungunetseg

    return lungunetseg(["finetune", *arguments[1:], "--progress", "json"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
