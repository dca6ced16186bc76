"""Draws views of a scan at random: scans begin and end anywhere, are cropped to one lung, show disease, arms, metal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from LungUNetSegLib.config import check_at_least, check_shares
from LungUNetSegLib.data.disturbances import Arm, Metal, Shift
from LungUNetSegLib.data.overview import Overview
from LungUNetSegLib.data.pathology import SOLID, PathologyConfig, sample_lesion
from LungUNetSegLib.data.solid_disease import is_supported
from LungUNetSegLib.data.views import View
from LungUNetSegLib.volume import BODY_HU

SHORTEST_MM = 20.0
"""Smallest length of a view along the patient."""

FIELD_MM = (110.0, 230.0)
"""Range of the radii of round fields of view."""


@dataclass(frozen=True, kw_only=True)
class ViewConfig:
    """How often views differ from the scan, and in which way.

    Attributes:
        per_case: Number of views of each case, in addition to the scan itself.
        shorter: Share of the views that show only a part of the patient's length.
        narrower: Share of the views that are cropped to a rectangle, half of them around one lung.
        rounded: Share of the views that are cropped to a round field of view.
        arms: Share of the views with raised arms beside the body.
        metal: Share of the views with metal and its streaks.
    """

    per_case: int = 24
    shorter: float = 0.45
    narrower: float = 0.3
    rounded: float = 0.12
    arms: float = 0.12
    metal: float = 0.12

    def __post_init__(self) -> None:
        check_at_least(self, per_case=0)
        check_shares(self, "shorter", "narrower", "rounded", "arms", "metal")


def sample_view(
    scan: Overview,
    config: ViewConfig,
    pathology: PathologyConfig | None,
    rng: np.random.Generator,
    *,
    sees_whole: bool = True,
) -> View:
    """Draw one view of a case.

    Args:
        scan: The case.
        config: How often views differ from it.
        pathology: Probability of each disease; None for none.
        rng: Random generator.
        sees_whole: Whether the network also gets a coarse network's result for the whole view. Then solid disease is
            added only to views that support it; otherwise `SolidRule` decides for each slice that is drawn.
    """
    depth, height, width = scan.hu.shape
    slices, rows, columns = (0, depth), (0, height), (0, width)
    if rng.random() < config.shorter and depth > 2:
        slices = _shorter(scan, rng)
    if rng.random() < config.narrower:
        rows, columns = _rectangle(scan, slices, rng)
    move = _to_the_middle(scan, slices, rows, columns)
    lesions = []
    for channel in (0, 1):
        lesion = sample_lesion(channel, scan.lung_mm[channel], pathology, rng) if pathology else None
        if lesion and (
            lesion.kind not in SOLID or not sees_whole or is_supported(scan, channel, slices, rows, columns)
        ):
            lesions.append(lesion)
    empty = next((each.channel for each in lesions if each.kind == "pneumonectomy"), None)
    factor = scan.factor
    return View(
        slices=slices,
        rows=(rows[0] * factor, rows[1] * factor),
        columns=(columns[0] * factor, columns[1] * factor),
        radius_mm=float(rng.uniform(*FIELD_MM)) if rng.random() < config.rounded else math.inf,
        move=(move[0] * factor, move[1] * factor),
        lesions=tuple(lesions),
        shift=None if empty is None else _shift(scan, empty, rng),
        arms=_arms(scan, rng) if rng.random() < config.arms and depth > 1 else (),
        metal=_metal(scan, rng) if rng.random() < config.metal else None,
    )


def _shorter(scan: Overview, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the slices of a scan that begins and ends anywhere."""
    depth = len(scan.hu)
    longest_mm = depth * scan.slice_mm
    length_mm = math.exp(rng.uniform(math.log(min(SHORTEST_MM, longest_mm)), math.log(longest_mm)))
    count = min(depth, max(2, round(length_mm / scan.slice_mm)))
    start = int(rng.integers(depth - count + 1))
    return start, start + count


def _rectangle(
    scan: Overview, slices: tuple[int, int], rng: np.random.Generator
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Draw rows and columns of a rectangle around one lung, or anywhere in the body."""
    seen = slice(*slices)
    channel = int(rng.integers(2))
    lung, body = scan.lungs[seen, channel].amax(dim=0) > 0.5, (scan.hu[seen] > BODY_HU).any(dim=0)
    around_lung = bool(lung.any()) and rng.random() < 0.5
    there = lung if around_lung else body
    if not there.any():
        return (0, there.shape[0]), (0, there.shape[1])
    spans = []
    for axis in (1, 0):
        at = torch.nonzero(there.any(dim=axis))[:, 0]
        low, high, size = int(at[0]), int(at[-1]) + 1, there.shape[1 - axis]
        if around_lung:
            low, high = (round(each) for each in (low - rng.uniform(-2, 6), high + rng.uniform(-2, 6)))
        else:
            length = max(8, round((high - low) * rng.uniform(0.35, 0.95)))
            low = low + int(rng.integers(max(1, high - low - length)))
            high = low + length
        spans.append((max(0, min(low, size - 6)), min(size, max(high, low + 6))))
    return spans[0], spans[1]


def _to_the_middle(
    scan: Overview, slices: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[int, int]:
    """Return the shift that centres the visible body on the grid, as preprocessing does with a scan."""
    if (slices, rows, columns) == ((0, len(scan.hu)), (0, scan.hu.shape[1]), (0, scan.hu.shape[2])):
        return 0, 0
    body = scan.hu[slice(*slices), slice(*rows), slice(*columns)] > BODY_HU
    move = []
    for axis, first, size in ((1, rows[0], scan.hu.shape[1]), (2, columns[0], scan.hu.shape[2])):
        profile = body.sum(dim=tuple({0, 1, 2} - {axis})).double()
        total = float(profile.sum())
        middle = float((profile * torch.arange(len(profile))).sum()) / total if total else (len(profile) - 1) / 2
        move.append(round((size - 1) / 2 - first - middle))
    return move[0], move[1]


def _shift(scan: Overview, empty: int, rng: np.random.Generator) -> Shift | None:
    """Return the shift of the mediastinum into an empty half of the chest."""
    if not all(len(each) for each in scan.lung_mm):
        return None
    right, left = (each[:, 2] for each in scan.lung_mm)
    walls, middle = (float(right.min()), float(left.max())), float(right.max() + left.min()) / 2
    if not walls[0] + 20 < middle < walls[1] - 20:
        return None
    moved = middle + rng.uniform(0.0, 0.7) * (walls[empty] - middle)
    return Shift((walls[0], middle, walls[1]), (walls[0], float(moved), walls[1]))


def _arms(scan: Overview, rng: np.random.Generator) -> tuple[Arm, ...]:
    """Draw one or two raised arms beside the upper part of the scan."""
    top_mm = len(scan.hu) * scan.slice_mm
    start_mm = float(rng.uniform(0.0, 0.9)) * top_mm
    body = (scan.hu[round(start_mm / scan.slice_mm) :] > BODY_HU).float().mean(dim=0) > 0.3
    if not body.any():
        return ()
    rows, columns = torch.nonzero(body, as_tuple=True)
    arms = []
    for side, edge in ((-1, int(columns.min())), (1, int(columns.max()) + 1)):
        radius_mm = float(rng.uniform(28, 55))
        row_mm = float(rows.double().mean()) * scan.pixel_mm + float(rng.uniform(-60, 60))
        column_mm = edge * scan.pixel_mm + side * (radius_mm + float(rng.uniform(-15, 40)))
        slope = side * float(rng.uniform(-0.3, 0.3))
        if rng.random() < 0.8:
            arms.append(Arm(start_mm, top_mm, row_mm, column_mm, slope, radius_mm))
    return tuple(arms)


def _metal(scan: Overview, rng: np.random.Generator) -> Metal | None:
    """Draw metal somewhere in the body."""
    body = torch.nonzero(scan.hu > BODY_HU)
    if not len(body):
        return None
    z, y, x = body[int(rng.integers(len(body)))].tolist()
    place = (z * scan.slice_mm, (y + 0.5) * scan.pixel_mm, (x + 0.5) * scan.pixel_mm)
    sizes = float(rng.uniform(10, 40)), float(rng.uniform(2, 14)), float(rng.uniform(80, 700))
    return Metal(place, *sizes, int(rng.integers(2**31)))
