"""Which lung a segment or contour means, by its codes or its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

Key = TypeVar("Key")

BOTH_LUNGS = 3
"""What a structure is that holds both lungs in one."""

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


def lungs_among(structures: Mapping[Key, tuple[str, Iterable[str]]]) -> dict[Key, int]:
    """Return which structures are lungs, and their labels: 1 = right, 2 = left, or 1 for both in one mask.

    Where one lung has a structure of its own, structures of both in one are left out.

    Args:
        structures: Name and code values of each; codes count more than the name.
    """
    found: dict[Key, int] = {}
    for key, (name, codes) in structures.items():
        by_codes = lung_by_codes(codes)
        label = lung_by_name(name) if by_codes is None else by_codes
        if label is not None:
            found[key] = label
    sides = {key: label for key, label in found.items() if label != BOTH_LUNGS}
    return sides or dict.fromkeys(found, RIGHT_LUNG)


def lung_by_codes(codes: Iterable[str]) -> int | None:
    """Return the lung that a structure's code values mean (type and modifier together), or None."""
    values = set(codes)
    for code, label in _WHOLE_CODES.items():
        if code in values:
            return label
    if not values & _LUNG_CODES:
        return None
    if values & _RIGHT_CODES:
        return RIGHT_LUNG
    return LEFT_LUNG if values & _LEFT_CODES else BOTH_LUNGS


def lung_by_name(name: str) -> int | None:
    """Return the lung that a name such as ``Lung_R``, ``Left Lung`` or ``lungs`` means, or None for all else."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    if not words & _LUNG_WORDS or words - _LUNG_WORDS - _RIGHT_WORDS - _LEFT_WORDS - _BOTH_WORDS - _HARMLESS_WORDS:
        return None
    right, left = bool(words & _RIGHT_WORDS), bool(words & _LEFT_WORDS)
    if right == left:
        return BOTH_LUNGS
    return RIGHT_LUNG if right else LEFT_LUNG
