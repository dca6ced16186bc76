"""Chooses the lungs among several structures, and reports which others were left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.masks.lung_names import (
    BOTH,
    LOWER,
    MIDDLE,
    UPPER,
    LungPart,
    lung_part,
    part_by_codes,
    part_by_name,
    seems_lung,
)
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.texts import listed

Key = TypeVar("Key")

Meaning = Literal["right", "left", "both", "none"]
MEANINGS: dict[Meaning, int | None] = {"right": RIGHT_LUNG, "left": LEFT_LUNG, "both": BOTH, "none": None}
Meanings = Mapping[str, Meaning]
"""What the user says that structures are, by name, or by value in a label map without names."""

LOBES = {RIGHT_LUNG: {UPPER, MIDDLE, LOWER}, LEFT_LUNG: {UPPER, LOWER}}
_SIDES = {RIGHT_LUNG: "right lung", LEFT_LUNG: "left lung", BOTH: "lungs"}


@dataclass(frozen=True)
class LungChoice(Generic[Key]):
    """The structures that were chosen.

    Attributes:
        labels: RIGHT_LUNG, LEFT_LUNG or BOTH of each, in painting order (later ones overwrite earlier ones).
        findings: Structures that were left out, merged or missing.
    """

    labels: dict[Key, int]
    findings: tuple[Finding, ...] = ()

    @property
    def painted(self) -> dict[Key, int]:
        """Return the value of each in a label map, in painting order; both lungs in one are painted as the right."""
        return {key: RIGHT_LUNG if label == BOTH else label for key, label in self.labels.items()}


def check_meanings(meanings: Mapping[str, str]) -> Meanings:
    """Return the meanings unchanged, or raise DataError for one that is not among `MEANINGS`."""
    for name, meaning in meanings.items():
        if meaning not in MEANINGS:
            raise DataError(f"{name!r} cannot be {meaning!r}; a structure is {', '.join(MEANINGS)}.")
    return meanings  # type: ignore[return-value]  # checked above


def lungs_among(
    structures: Mapping[Key, tuple[str, Iterable[str]]], meanings: Meanings | None = None
) -> LungChoice[Key]:
    """Choose the lungs: a whole lung is preferred to its lobes, separate lungs to both in one.

    If only one lung has its own structure, beside one for both, the rest of both is the other lung.

    Args:
        structures: Name and code values of each.
        meanings: What the user says of some of them, by name; this overrides codes and names.
    """
    told = {name.strip().casefold(): MEANINGS[meaning] for name, meaning in (meanings or {}).items()}
    findings = _unknown_meanings(structures, told)
    parts: dict[Key, LungPart] = {}
    by_hand: set[Key] = set()
    for key, (name, codes) in structures.items():
        values = list(codes)
        if name.strip().casefold() in told:
            by_hand.add(key)
            label = told[name.strip().casefold()]
            part = None if label is None else LungPart(label)
        else:
            part = lung_part(name, values)
            findings += _disagreement(name, values)
        if part is not None and part.label is not None:
            parts[key] = part
    said = {part.label for key, part in parts.items() if key in by_hand}
    # The user's choice for a lung is used alone.
    parts = {key: each for key, each in parts.items() if key in by_hand or not said & {each.label, BOTH}}
    labels, more = _by_side(parts, structures)
    known = {*labels, *by_hand, *(key for key, part in parts.items() if _is_within(part, labels, parts))}
    return LungChoice(labels, (*findings, *more, *_left_out(structures, known)))


def _by_side(
    parts: Mapping[Key, LungPart], structures: Mapping[Key, tuple[str, Iterable[str]]]
) -> tuple[dict[Key, int], list[Finding]]:
    """Return the labels of the chosen structures, and findings."""

    def names(keys: Iterable[Key]) -> str:
        return ", ".join(repr(structures[key][0]) for key in keys)

    findings: list[Finding] = []
    taken: dict[int, list[Key]] = {}
    has_both = any(part.label == BOTH for part in parts.values())
    for side in (RIGHT_LUNG, LEFT_LUNG, BOTH):
        own = {key: part for key, part in parts.items() if part.label == side}
        whole = [key for key, part in own.items() if part.lobe is None]
        missing = set() if whole or not own else _missing_lobes(side, own.values())
        if missing and has_both:
            continue
        if own:
            taken[side] = whole or list(own)
        if len(whole) > 1:
            message = f"Several structures were merged as the {_SIDES[side]}: {names(whole)}."
            findings.append(Finding("several-structures", message))
        if missing:
            message = (
                f"Of the {_SIDES[side]} there is no {' and no '.join(sorted(missing))} lobe; only the rest was taken."
            )
            findings.append(Finding("lobes-missing", message))
    both = taken.pop(BOTH, [])
    if both and not taken:
        return dict.fromkeys(both, BOTH), findings
    labels: dict[Key, int] = {}
    if both and len(taken) == 1:
        other = LEFT_LUNG if RIGHT_LUNG in taken else RIGHT_LUNG
        message = f"The {_SIDES[other]} has no structure of its own; the rest of {names(both)} was taken."
        findings.append(Finding("lung-from-both", message))
        # Painted first, so that the lung with its own structure overwrites it.
        labels = dict.fromkeys(both, other)
    sides = {key: side for side, keys in taken.items() for key in keys}
    return labels | {key: sides[key] for key in parts if key in sides}, findings


def _missing_lobes(side: int, parts: Iterable[LungPart]) -> set[str]:
    lobes = {part.lobe for part in parts}
    return set() if "" in lobes else LOBES[side] - lobes


def _is_within(part: LungPart, labels: Mapping[Key, int], parts: Mapping[Key, LungPart]) -> bool:
    """Whether a left-out structure is part of a chosen one: lobes of a lung, both lungs beside two single ones."""
    whole = {parts[key].label for key in labels if parts[key].lobe is None}
    if part.lobe is not None:
        return bool(whole & {part.label, BOTH})
    return {RIGHT_LUNG, LEFT_LUNG} <= set(labels.values())


def _left_out(structures: Mapping[Key, tuple[str, Iterable[str]]], known: set[Key]) -> list[Finding]:
    """Return a finding on structures that mention a lung but were left out: "Left Lung (copy)", "Lung upper lobe"."""
    names = [repr(name) for key, (name, codes) in structures.items() if key not in known and seems_lung(name, codes)]
    if not names:
        return []
    message = f"Not taken as a lung, because their names or codes mean something else or give no side: {listed(names)}."
    return [Finding("structures-left-out", message)]


def _disagreement(name: str, codes: list[str]) -> list[Finding]:
    named, coded = part_by_name(name), part_by_codes(codes)
    sides = {named.side if named else None, coded.side if coded else None}
    if sides != {RIGHT_LUNG, LEFT_LUNG}:
        return []
    assert coded is not None and coded.side is not None
    message = f"{name!r} is coded as the {_SIDES[coded.side]}; the code was followed, not the name."
    return [Finding("code-against-name", message)]


def _unknown_meanings(
    structures: Mapping[Key, tuple[str, Iterable[str]]], told: Mapping[str, int | None]
) -> list[Finding]:
    """Return a finding on given names that do not exist in the file, most likely typing errors."""
    names = {name.strip().casefold() for name, _ in structures.values()}
    missing = [name for name in told if name not in names]
    if not missing or len(missing) == len(told):
        return []
    message = f"No structure is named {', '.join(map(repr, missing))}; there are {', '.join(sorted(names))}."
    return [Finding("unknown-structure", message)]
