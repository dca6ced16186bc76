"""Recognises lungs by names and codes: which structure of a segmentation or structure set is which lung.

The readers of masks, the evaluation and Slicer's comparison all use this file, so that they agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG

BOTH = 3
"""The label of a structure that holds both lungs."""

UPPER, MIDDLE, LOWER = "upper", "middle", "lower"


@dataclass(frozen=True)
class LungPart:
    """The meaning of a name or code: both lungs, one lung, or a lobe.

    Attributes:
        side: RIGHT_LUNG, LEFT_LUNG or BOTH; None if no side is given.
        lobe: ``"upper"``, ``"middle"`` or ``"lower"``; empty for an unspecified lobe; None for a whole lung.
    """

    side: int | None
    lobe: str | None = None

    @property
    def label(self) -> int | None:
        """RIGHT_LUNG, LEFT_LUNG or BOTH; None for a lobe without a side, as a lobe is never both lungs."""
        if self.lobe is None:
            return self.side or BOTH
        return None if self.side == BOTH else self.side


# SNOMED CT; SRT, which older DICOM files carry; FMA, which radiotherapy systems write (TG-263).
# Source: PS3.16 CID 244, 6170, 7151 and Annex D.
_PARTS = {
    **dict.fromkeys(("39607008", "T-28000", "7195"), LungPart(None)),
    **dict.fromkeys(("3341006", "T-28100", "7309"), LungPart(RIGHT_LUNG)),
    **dict.fromkeys(("44029006", "T-28500", "7310"), LungPart(LEFT_LUNG)),
    "68877": LungPart(BOTH),
    "31094006": LungPart(None, ""),
    **dict.fromkeys(("45653009", "T-28820"), LungPart(None, UPPER)),
    "40020002": LungPart(None, MIDDLE),
    **dict.fromkeys(("72481006", "T-28300"), LungPart(RIGHT_LUNG, MIDDLE)),
    **dict.fromkeys(("90572001", "T-28830"), LungPart(None, LOWER)),
    "42400003": LungPart(RIGHT_LUNG, UPPER),
    "266005": LungPart(RIGHT_LUNG, LOWER),
    **dict.fromkeys(("44714003", "T-28600"), LungPart(LEFT_LUNG, UPPER)),
    "41224006": LungPart(LEFT_LUNG, LOWER),
}
_SIDES = {
    **dict.fromkeys(("24028007", "G-A100"), RIGHT_LUNG),
    **dict.fromkeys(("7771000", "G-A101"), LEFT_LUNG),
    **dict.fromkeys(("51440002", "G-A102"), BOTH),
}
_IN_A_LUNG = {
    *("49755003", "27925004", "4147007", "108369006", "52988006", "86049000"),  # altered tissue, nodule, mass, ...
    *("72674008", "86598002", "281392002", "281393007", "281394001", "46750007", "278983006"),  # segment, apex, zones
}
"""Codes of structures that lie in a lung but are not a lung, whatever their names say."""

_LUNG_WORDS = {"lung", "lungs", "pulmo", "pulmones"}
_SIDE_WORDS = {
    **dict.fromkeys(("right", "r", "rt", "dexter", "dextra"), RIGHT_LUNG),
    **dict.fromkeys(("left", "l", "lt", "sinister", "sinistra"), LEFT_LUNG),
    **dict.fromkeys(("both", "bilateral", "bilat"), BOTH),
}
_LOBE_WORDS = {
    **dict.fromkeys(("upper", "superior", "sup"), UPPER),
    **dict.fromkeys(("middle", "mid"), MIDDLE),
    **dict.fromkeys(("lower", "inferior", "inf"), LOWER),
    **dict.fromkeys(("lobe", "lobes"), ""),
}
_SHORT_LOBES = {
    "rul": LungPart(RIGHT_LUNG, UPPER),
    "rml": LungPart(RIGHT_LUNG, MIDDLE),
    "rll": LungPart(RIGHT_LUNG, LOWER),
    "lul": LungPart(LEFT_LUNG, UPPER),
    "lll": LungPart(LEFT_LUNG, LOWER),
}
# Any other word ("tumour", "vessels", "minus", "PTV", "copy") makes it something else.
_HARMLESS_WORDS = {
    *("total", "whole", "entire", "organ", "oar", "structure", "the", "of", "and"),
    *("segmentation", "seg", "mask", "label", "roi", "contour"),
}
_JOINED = re.compile(r"(right|left|rt|lt|r|l)?(lungs?)(right|left|rt|lt|r|l)?")
_NUMBERED = re.compile(r"^(segment|structure|label|roi)[ _-]?\d+", re.IGNORECASE)


def lung_part(name: str, codes: Iterable[str] = ()) -> LungPart | None:
    """Return a structure's meaning by its codes and its name, or None if it is not a lung.

    Codes override the name, which adds what they leave open: the side, or that it is only a lobe.

    Args:
        name: As people and programs write it, such as ``Lung_R`` or ``superior lobe of right lung``.
        codes: Values of its category, type and modifier together.
    """
    values = set(codes)
    if values & _IN_A_LUNG:
        return None
    named = part_by_name(name)
    coded = part_by_codes(values)
    if coded is None:
        return named
    side = coded.side
    if side is None:
        side = named.side if named else _side(_words(name))
    lobe = named.lobe if coded.lobe is None and named else coded.lobe
    return _with_middle_lobe(LungPart(side, lobe))


def part_by_codes(codes: Iterable[str]) -> LungPart | None:
    """Return the lung or lobe that code values mean, those of type and modifier together, or None."""
    values = set(codes)
    found = [part for code, part in _PARTS.items() if code in values]
    if not found:
        return None
    part = max(found, key=lambda each: (each.side is not None, each.lobe is not None))
    sides = {side for code, side in _SIDES.items() if code in values}
    return LungPart(part.side or (sides.pop() if len(sides) == 1 else None), part.lobe)


def part_by_name(name: str) -> LungPart | None:
    """Return the lung or lobe that a name means, or None; every word of the name must be known."""
    words = _words(name)
    short = [part for word, part in _SHORT_LOBES.items() if word in words]
    known = {*_LUNG_WORDS, *_SIDE_WORDS, *_LOBE_WORDS, *_SHORT_LOBES, *_HARMLESS_WORDS}
    if words - known or len(short) > 1:
        return None
    if short:
        return short[0]
    lobes = {_LOBE_WORDS[word] for word in words if word in _LOBE_WORDS}
    places = lobes - {""}
    # "Right lobe" may belong to the liver, "Right upper lobe" belongs to the lung.
    if not words & _LUNG_WORDS and not ("" in lobes and places):
        return None
    lobe = None if not lobes else places.pop() if len(places) == 1 else ""
    return _with_middle_lobe(LungPart(_side(words), lobe))


def seems_lung(name: str, codes: Iterable[str] = ()) -> bool:
    """Whether a name or code mentions a lung at all, so that a message names the structure if it is left out."""
    return bool(_words(name) & {*_LUNG_WORDS, *_SHORT_LOBES}) or part_by_codes(codes) is not None


def terminology_codes(entry: str) -> list[str]:
    """Return the codes in one of Slicer's terminology entries: of category, type and modifier.

    Args:
        entry: context~category~type~modifier~..., each but the first scheme^code^meaning.
    """
    return [part.split("^")[1] for part in entry.split("~")[1:4] if part.count("^") == 2]


def _words(name: str) -> set[str]:
    """Split a name into lower-case words: ``RLung`` is "r" and "lung", ``rightlung`` "right" and "lung"."""
    words: set[str] = set()
    for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_A-Za-z]+", _NUMBERED.sub("", name)):
        joined = _JOINED.fullmatch(word.lower())
        words.update(part for part in joined.groups() if part) if joined else words.add(word.lower())
    return words


def _side(words: set[str]) -> int | None:
    sides = {_SIDE_WORDS[word] for word in words if word in _SIDE_WORDS}
    return sides.pop() if len(sides) == 1 else BOTH if sides else None


def _with_middle_lobe(part: LungPart) -> LungPart:
    """Set the right side for a middle lobe, which only the right lung has."""
    return LungPart(RIGHT_LUNG, MIDDLE) if part.side is None and part.lobe == MIDDLE else part


def names_of(structures: Mapping[Any, tuple[str, Iterable[str]]]) -> str:
    """Return the structures' names for a message: "Heart, Liver", or "none"."""
    return ", ".join(name for name, _ in structures.values()) or "none"
