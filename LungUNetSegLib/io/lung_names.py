"""Which lung a segment or contour means, by its codes or its name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

BOTH = 1
"""Label of a structure that is both lungs in one: a binary mask."""

# SNOMED CT, and the older SRT codes that DICOM files carry (PS3.16 CID 7166, CID 244 and Annex O).
_LUNG_CODES = {"39607008", "T-28000"}
_RIGHT_CODES = {"24028007", "G-A100"}
_LEFT_CODES = {"7771000", "G-A101"}
_WHOLE_CODES = {"3341006": RIGHT_LUNG, "T-28100": RIGHT_LUNG, "44029006": LEFT_LUNG, "T-28500": LEFT_LUNG}

_LUNG_WORDS = {"lung", "lungs"}
_RIGHT_WORDS = {"right", "r", "rt"}
_LEFT_WORDS = {"left", "l", "lt"}
_BOTH_WORDS = {"both", "total", "bilateral"}
# Lobes are parts of a lung; any other word ("tumour", "vessels", "minus", "PTV") makes it something else.
_HARMLESS_WORDS = {"lobe", "upper", "middle", "lower", "organ", "segment", "mask", "roi", "contour", "oar", "and"}


def lung_by_codes(codes: Iterable[str]) -> int | None:
    """Return the label that a structure's code values mean (type and modifier together), or None."""
    values = set(codes)
    for code, label in _WHOLE_CODES.items():
        if code in values:
            return label
    if not values & _LUNG_CODES:
        return None
    if values & _RIGHT_CODES:
        return RIGHT_LUNG
    return LEFT_LUNG if values & _LEFT_CODES else BOTH


def lung_by_name(name: str) -> int | None:
    """Return the label that a name such as ``Lung_R``, ``Left Lung`` or ``lungs`` means, or None for all else."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    if not words & _LUNG_WORDS or words - _LUNG_WORDS - _RIGHT_WORDS - _LEFT_WORDS - _BOTH_WORDS - _HARMLESS_WORDS:
        return None
    right, left = bool(words & _RIGHT_WORDS), bool(words & _LEFT_WORDS)
    if right == left:
        return BOTH
    return RIGHT_LUNG if right else LEFT_LUNG
