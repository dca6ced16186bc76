"""The option ``--map``: says what structures or label values of masks are, if their names and codes do not."""

from __future__ import annotations

import argparse

from LungUNetSegLib.io.masks.choice import MEANINGS, Meaning


def add_map_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--map``, which may be given several times; `meanings_of` turns what it collects into a mapping."""
    parser.add_argument(
        "--map", action="append", default=[], type=_meaning, dest="meanings", metavar="NAME=LUNG",
        help=f"what a segment, contour or label value of the masks is: {', '.join(MEANINGS)}; e.g. 'Polmone dx=right'",
    )  # fmt: skip


def meanings_of(arguments: argparse.Namespace) -> dict[str, Meaning]:
    """Return the mapping that ``--map`` gave."""
    return dict(arguments.meanings)


def _meaning(text: str) -> tuple[str, str]:
    name, _, meaning = text.rpartition("=")
    if not name.strip() or meaning.strip().lower() not in MEANINGS:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME={'|'.join(MEANINGS)}")
    return name.strip(), meaning.strip().lower()
