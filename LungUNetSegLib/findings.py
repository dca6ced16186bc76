"""Defines findings: remarks on a scan or a result that the user should know.

Readers (`io`), the segmenter (`segmentation`) and comparisons (`evaluation`) return findings beside their
result; the command line prints them, `--json` carries them, and the panel translates them by `code`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One remark about a scan or a result.

    Attributes:
        code: Stable identifier in kebab-case, e.g. ``"uneven-slices"``; what programs test for.
        message: One plain English sentence for people, with the value that led to it.
    """

    code: str
    message: str
