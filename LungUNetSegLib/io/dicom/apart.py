"""Separates several scans in one series, and joins one scan that is spread over several series.

Scanners and archives store phases, breaths and kernels of one region under one Series Instance UID, distinguished by
any of many tags or only by their order. Slices at the same positions, or stacks that interleave although each is
complete by itself, are several scans; parts that only together make an even stack are one scan.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.io.dicom.copies import Slices, same_frame, without_copies
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.dicom.headers import PHASES, SliceHeader
from LungUNetSegLib.io.dicom.stack import Stack, is_even, stack

OVERLAP_SHARE = 0.3
"""Two parts of a series that share more of their length are two scans of the same region."""

COMPLETE_SHARE = 0.75
"""A scan whose slices are at least this thick, as a multiple of their distance, is complete by itself."""

LEAST_SLICES = 3
"""Fewer slices that lie between those of another scan are not treated as a scan of their own."""

LONE_UIDS = 3
"""With at least this many series of one slice each, an archive gave each slice its own series."""

_TIMES = ("AcquisitionDateTime", "FrameAcquisitionDateTime", "AcquisitionTime", "ContentTime")


def scans_in(slices: Sequence[SliceHeader]) -> list[Slices]:
    """Return the slices of one series, patient and study, without copies, grouped by scan.

    Raises:
        ReadError: Several images lie at each position, and nothing tells which of them belong together.
    """
    return [part for group in _same_frame(slices) for part in _told_apart(group)]


def by_patient(slices: Sequence[SliceHeader]) -> list[Slices]:
    """Group slices by patient and study; slices that name none join the others if those have only one."""
    patients = {each.patient for each in slices} - {""}
    studies = {each.study for each in slices} - {""}
    only_patient, only_study = (next(iter(found)) if len(found) == 1 else "" for found in (patients, studies))
    return grouped(slices, lambda each: (each.patient or only_patient, each.study or only_study))


def joined(series: dict[str, Slices]) -> dict[str, tuple[Slices, int]]:
    """Join series of one slice each that make one scan.

    Args:
        series: The slices by Series Instance UID.

    Returns:
        By Series Instance UID, the first one's for a joined scan, the slices and the number of series they come from.
    """
    alike: dict[Any, list[str]] = {}
    for uid, slices in series.items():
        first = slices[0]
        if _are_one_image(slices):
            key = (first.patient, first.study, first.frame_of_reference, first.variant)
            alike.setdefault((*key, first.rows, first.columns), []).append(uid)
    result = {uid: (slices, 1) for uid, slices in series.items()}
    for uids in alike.values():
        together = [series[uid][0] for uid in uids]
        if len(uids) < LONE_UIDS or len(_same_frame(together)) > 1 or stack(together).repeated:
            continue
        for uid in uids:
            del result[uid]
        result[uids[0]] = ([each for uid in uids for each in series[uid]], len(uids))
    return result


def _are_one_image(slices: Slices) -> bool:
    """Whether a series has one slice, and perhaps copies of it."""
    return len(slices) == 1 or (slices[0].sop_uid == slices[-1].sop_uid and len(without_copies(slices)[0]) == 1)


def _same_frame(slices: Sequence[SliceHeader]) -> list[Slices]:
    """Group slices by size, pixel spacing and orientation."""
    groups: list[Slices] = []
    for each in slices:
        group = next((group for group in groups if same_frame(each, group[0])), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def _told_apart(slices: Slices) -> list[Slices]:
    """Split slices that are several scans of the same region, by what differs in their headers.

    A scanner may number each turn of the gantry as an acquisition of its own, so slices are split only where long
    parts overlap and the whole is no even stack, or each part is a complete scan.
    """
    whole = stack(slices)
    is_regular = not whole.repeated and is_even(whole.positions_mm)
    for parts in _ways_to_split(slices):
        apart = _are_complete(parts) if is_regular else _overlap(parts, float(whole.positions_mm[-1]))
        if apart:
            return [finer for part in parts for finer in _told_apart(part)]
    for parts in _numbered_anew(slices, whole):
        if _are_complete(parts, may_be_thin=_use_the_same_numbers(parts)):
            return [finer for part in parts for finer in _told_apart(part)]
    if is_regular:
        return [slices]
    return _by_turns(slices, whole) or [slices]


def _ways_to_split(slices: Slices) -> Iterator[list[Slices]]:
    marks: list[Callable[[SliceHeader], Hashable]] = [attrgetter("variant"), *map(_phase, range(len(PHASES)))]
    for mark in marks:
        parts = grouped(slices, mark)
        if 1 < len(parts) < len(slices):
            yield parts
    for order in _orders(slices):
        sweeps = _sweeps(order)
        if len(sweeps) > 1 and min(map(len, sweeps)) >= LEAST_SLICES:
            yield sweeps


def _numbered_anew(slices: Slices, whole: Stack) -> Iterator[list[Slices]]:
    """Yield what may be scans of which nothing tells but that they lie in several folders, or use each number again.

    Two dates of a patient are so after an anonymiser that gave both the same identifiers and took away the times. One
    scan may lie in several folders too, so these are only scans if each is complete and no two slices lie at one place.
    """
    if whole.repeated:
        return
    by_folder = grouped(slices, lambda each: each.path.parent)
    if len(by_folder) > 1:
        yield by_folder
    by_number = grouped(slices, lambda each: each.instance)
    times = len(by_number[0])
    if times == 1 or len(by_number) < LEAST_SLICES or any(len(each) != times for each in by_number):
        return
    normal = slices[0].normal
    ordered = [sorted(each, key=lambda header: float(header.position @ normal)) for each in by_number]
    yield [[each[turn] for each in ordered] for turn in range(times)]


def _use_the_same_numbers(parts: Sequence[Slices]) -> bool:
    """Whether each folder has its own numbers, which the other folders use again."""
    numbers = [{each.instance for each in part} for part in parts]
    are_folders = len({each.path.parent for part in parts for each in part}) == len(parts)
    return are_folders and all(
        len(own) == len(part) and own == numbers[0] for own, part in zip(numbers, parts, strict=True)
    )


def _phase(index: int) -> Callable[[SliceHeader], str]:
    return lambda each: each.phase[index]


def _orders(slices: Slices) -> Iterator[Slices]:
    """Return the slices in the order of their numbers, and of each kind of time, if these differ between slices."""
    numbers: list[list[float]] = [[float(each.instance) for each in slices]]
    numbers += [[_seconds(each.phase[index]) for each in slices] for index in map(PHASES.index, _TIMES)]
    for values in numbers:
        if len(set(values)) == len(slices):
            yield [slices[index] for index in np.argsort(values)]


def _seconds(text: str) -> float:
    """Convert a DICOM date or time to a number that increases with it."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _sweeps(ordered: Slices) -> list[Slices]:
    """Split slices in acquisition order where the table reverses or jumps back; each part moves in one direction."""
    heights = np.array([each.position for each in ordered]) @ ordered[0].normal
    cuts, way = [0], 0.0
    for index, step in enumerate(np.diff(heights), 1):
        if way and np.sign(step) != way:
            cuts.append(index)
            way = 0.0
        else:
            way = float(np.sign(step))
    cuts.append(len(ordered))
    return [ordered[start:stop] for start, stop in pairwise(cuts)]


def _are_complete(parts: Sequence[Slices], may_be_thin: bool = False) -> bool:
    """Whether each part of a stack is an even and complete scan of the same region, interleaved with the others.

    Args:
        parts: The slices of each.
        may_be_thin: Whether a scan may leave gaps between its slices, as others then lie in them.
    """
    lengths = []
    for part in parts:
        own = stack(part)
        if len(part) < LEAST_SLICES or not is_even(own.positions_mm):
            return False
        step_mm = float(own.positions_mm[-1] / (len(part) - 1))
        thickness_mm = part[0].thickness_mm
        if thickness_mm is not None and thickness_mm < COMPLETE_SHARE * step_mm and not may_be_thin:
            return False
        lengths.append(float(own.positions_mm[-1]))
    return _overlap(parts, max(lengths))


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


def _by_turns(slices: Slices, whole: Stack) -> list[Slices] | None:
    """Split images that no known tag distinguishes: n images at each position are n scans.

    Raises:
        ReadError: No tag of their files distinguishes them, and no number orders them.
    """
    count = len(whole.positions_mm)
    times = len(slices) // count
    if times < 2 or len(slices) != times * count:
        return None
    heights = np.array([each.position for each in slices]) @ slices[0].normal
    place = np.abs(heights[:, None] - heights.min() - whole.positions_mm[None, :]).argmin(axis=1)
    if not (np.bincount(place, minlength=count) == times).all():
        return None
    by_tag = _by_any_tag(slices, place, times)
    if by_tag:
        return by_tag
    for numbers in (_numbers(slices, place), *(_numbers(slices, place, name) for name in _TIMES)):
        if numbers is not None:
            order = sorted(range(len(slices)), key=lambda index: (place[index], numbers[index]))
            return [[slices[index] for index in order[turn::times]] for turn in range(times)]
    raise ReadError(
        f"{slices[0].path.parent}: there are {times} images at each position, and their headers do not tell which of"
        " them belong together. Export each scan as a series of its own."
    )


def _numbers(slices: Slices, place: npt.NDArray[np.int64], time: str = "") -> list[float] | None:
    """Return instance numbers, or a kind of time, of all slices, if they differ among slices at each position."""
    index = PHASES.index(time) if time else 0
    values = [_seconds(each.phase[index]) if time else float(each.instance) for each in slices]
    return values if len(set(zip(place.tolist(), values, strict=True))) == len(slices) else None


def _by_any_tag(slices: Slices, place: npt.NDArray[np.int64], times: int) -> list[Slices] | None:
    """Split by the first header element, including private ones, that has each value once at each position."""
    if any(each.frame is not None for each in slices):
        return None
    headers = [read_dataset(each.path, stop_before_pixels=True) or {} for each in slices]
    for tag in sorted(headers[0].keys()):
        parts: dict[str, list[int]] = {}
        for index, header in enumerate(headers):
            parts.setdefault(str(header.get(tag)), []).append(index)
        if len(parts) == times and all(len(set(place[part].tolist())) == len(part) for part in parts.values()):
            return [[slices[index] for index in part] for part in parts.values()]
    return None
