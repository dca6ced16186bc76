"""Tells sharp convolution kernels from soft ones by the manufacturers' names; docs/measures.md has the table."""

from __future__ import annotations

import re

SHARP_NUMBER = 50

_SOFT = re.compile(r"STANDARD|SOFT|CHEST|A|B|YA", re.IGNORECASE)
_SHARP = re.compile(r".*\bLUNG|BONE ?(PLUS)?|EDGE|ULTRA|L|D|E|Y[C-E]|FC(3|5|8)\d.*", re.IGNORECASE)
_BODY = re.compile(r"FC[01]\d.*", re.IGNORECASE)
_NUMBERED = re.compile(r"[BIHQUT][a-z]?(\d\d)[a-z]?(?![\d])", re.IGNORECASE)
"""Siemens: B70f, I50f, Br40d, Bl57: the number grows with sharpness, and lung kernels begin at `SHARP_NUMBER`."""


def is_sharp(kernel: str) -> bool | None:
    """Return whether a kernel enhances edges, as those for lung and bone do; None for an unknown name.

    Args:
        kernel: Convolution Kernel of the DICOM header; "" if there is none.
    """
    kernel = kernel.strip()
    numbered = _NUMBERED.match(kernel)
    if numbered:
        return int(numbered[1]) >= SHARP_NUMBER
    if _SHARP.fullmatch(kernel):
        return True
    return False if _SOFT.fullmatch(kernel) or _BODY.fullmatch(kernel) else None
