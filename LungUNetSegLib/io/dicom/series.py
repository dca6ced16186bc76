"""DICOM slices to series, and which of several series is the chest CT."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.dicom.stack import Stack, is_even, stack

ORIENTATION_TOLERANCE = 1e-3
AXIAL_COSINE = float(np.cos(np.radians(35)))
"""A gantry tilts by 30 degrees at most; more is a coronal or sagittal reformation."""

OVERLAP_SHARE = 0.3
"""Two parts of a series that share more of their length are two scans of the same region."""

THORAX_MM = 300.0
"""Beyond this length a longer scan is no better candidate: it holds any thorax."""

_CHEST_WORDS = re.compile(r"chest|thora|lung|pulmo|thx|torax|\bct[ap]\b", re.IGNORECASE)
_OTHER_WORDS = re.compile(r"head|brain|skull|neck|sinus|abd|pelvi|spine|knee|foot|ankle|hand|wrist", re.IGNORECASE)
_REFORMATTED = re.compile(r"\b(MPR|MIP|MINIP|CSAMIP|CSAMPR|REFORMATTED|AVERAGE|SECONDARY)\b", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Series:
    """Slices that make one scan.

    Attributes:
        uid: Series Instance UID; where one UID holds several scans, followed by ``#2``, ``#3``, ...
        stack: Its slices in order.
    """

    uid: str
    stack: Stack

    @property
    def title(self) -> str:
        """Description and number for people."""
        first = self.stack.slices[0]
        return first.title or f"series {first.series_number}"

    @property
    def spacing_mm(self) -> float:
        """Mean distance of slices; their thickness if there is only one."""
        positions = self.stack.positions_mm
        if len(positions) == 1:
            return self.stack.slices[0].thickness_mm or 1.0
        return float(positions[-1] / (len(positions) - 1))

    @property
    def is_axial(self) -> bool:
        """Whether its slices cut the body across, whatever the gantry's tilt."""
        return bool(abs(self.stack.slices[0].normal[2]) >= AXIAL_COSINE)


def group_series(slices: Sequence[SliceHeader]) -> list[Series]:
    """Return all scans among these slices, the best candidate for an axial chest CT first.

    Slices of one Series Instance UID are told apart by size, pixel spacing and orientation, and by image type,
    kernel, time or acquisition where they would otherwise lie at the same places.
    """
    found: list[Series] = []
    for uid in dict.fromkeys(each.series_uid for each in slices):
        alike = _same_frame([each for each in slices if each.series_uid == uid])
        stacks = [stack(part) for group in alike for part in _told_apart(group)]
        stacks.sort(key=lambda each: -len(each.slices))
        found += [Series(uid if number == 1 else f"{uid}#{number}", each) for number, each in enumerate(stacks, 1)]
    return sorted(found, key=_merit, reverse=True)


def choose(series: Sequence[Series], wanted: str | None, source: str) -> Series:
    """Return the series with this UID, or without one the best candidate.

    Raises:
        ReadError: There is none of this UID.
    """
    if wanted is None:
        return series[0]
    for each in series:
        if each.uid == wanted:
            return each
    listed = "; ".join(f"{each.uid} ({each.title})" for each in series[:8])
    raise ReadError(f"{source}: there is no CT series {wanted}. There are: {listed}.")


def _same_frame(slices: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Slices of one size, pixel spacing and orientation each."""
    groups: list[list[SliceHeader]] = []
    for each in slices:
        for group in groups:
            other = group[0]
            if (
                (each.rows, each.columns) == (other.rows, other.columns)
                and np.allclose(each.pixel_spacing_mm, other.pixel_spacing_mm, rtol=1e-3)
                and np.allclose(each.orientation, other.orientation, atol=ORIENTATION_TOLERANCE)
            ):
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _told_apart(slices: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Split slices that are several scans of the same places.

    A scanner may number each turn of the gantry as an acquisition of its own, so slices are split by what differs
    in their headers only where long parts overlap and the whole is no even stack.
    """
    unique = list({(each.sop_uid, each.frame): each for each in slices}.values())
    whole = stack(unique)
    if not whole.repeated and is_even(whole.positions_mm):
        return [slices]
    for key in _DIFFERENCES:
        parts: dict[Any, list[SliceHeader]] = {}
        for each in slices:
            parts.setdefault(key(each), []).append(each)
        if len(parts) > 1 and _overlap(list(parts.values()), float(whole.positions_mm[-1])):
            return [finer for part in parts.values() for finer in _told_apart(part)]
    return _by_turns(unique, whole) or [slices]


_DIFFERENCES: tuple[Callable[[SliceHeader], Any], ...] = (
    lambda each: each.variant,
    lambda each: each.acquisition,
)


def _overlap(parts: Sequence[Sequence[SliceHeader]], length_mm: float) -> bool:
    """Whether these are scans of one region rather than pieces of one scan, which may overlap by a few slices."""
    normal = parts[0][0].normal
    heights = [np.array([each.position for each in part]) @ normal for part in parts]
    ranges = sorted((float(each.min()), float(each.max())) for each in heights)
    shared = [(min(low[1], high[1]) - high[0], min(np.ptp(low), np.ptp(high))) for low, high in pairwise(ranges)]
    longest = max(high - low for low, high in ranges)
    return longest >= OVERLAP_SHARE * length_mm and any(
        common >= OVERLAP_SHARE * shorter for common, shorter in shared if common >= 0
    )


def _by_turns(slices: list[SliceHeader], whole: Stack) -> list[list[SliceHeader]] | None:
    """Split images without any difference in their headers: n at each place are n scans, ordered by number."""
    count = len(whole.positions_mm)
    times = len(slices) // count
    if times < 2 or len(slices) != times * count:
        return None
    heights = np.array([each.position for each in slices]) @ slices[0].normal
    place = np.abs(heights[:, None] - heights.min() - whole.positions_mm[None, :]).argmin(axis=1)
    if not (np.bincount(place, minlength=count) == times).all():
        return None
    order = sorted(range(len(slices)), key=lambda index: (place[index], slices[index].instance))
    return [[slices[index] for index in order[turn::times]] for turn in range(times)]


def _merit(series: Series) -> tuple[float, ...]:
    """How good a candidate for an axial chest CT a series is; compared from the first number on."""
    first, positions = series.stack.slices[0], series.stack.positions_mm
    words = f"{first.title} {first.body_part}"
    region = 1 if _CHEST_WORDS.search(words) else -bool(_OTHER_WORDS.search(words))
    length_mm = min(float(positions[-1]), THORAX_MM)
    return (
        series.is_axial,
        not _REFORMATTED.search(first.variant),
        region if length_mm >= THORAX_MM / 3 else -1,
        round(length_mm / 50),
        is_even(positions),
        len(positions),
        -first.series_number,
    )
