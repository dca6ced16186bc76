"""Prints tables of text on a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def print_lines(lines: Sequence[Sequence[str]]) -> None:
    """Print rows of cells, as wide as their columns need; the first column from the left, the others from the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
