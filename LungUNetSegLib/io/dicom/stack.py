"""Turns a stack of DICOM slices into a grid in space: order, spacing, gaps, duplicates and gantry tilt.

Source: DICOM PS3.3 C.7.6.2.1.1. Slices are ordered by their position along the slice normal, never by name or number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.volume import ANGLE_TOLERANCE, Geometry

SAME_PLACE_MM = 0.05
"""Slices, frames and contours closer than this lie in one plane: far above rounding, far below any slice distance."""

EVEN_SHARE = 0.1
"""Share of the spacing by which a slice may deviate from its even position without a finding."""

WIDEST_GAP_MM = 25.0
"""Wider gaps, of scans and of masks, are not filled, as the lung's outline changes too much between the slices."""

DEFAULT_THICKNESS_MM = 1.0


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices of one size and orientation, in the order of their positions.

    Attributes:
        slices: Ordered along their normal, at most one at each position.
        positions_mm: Position of each along the normal, from the first.
        repeated: Slices left out because another slice has the same position.
        orientation: (2, 3) their common directions, or the mean if they jitter.
        jitter_degrees: Largest angle between a slice's directions and these; 0 if only by rounding.
    """

    slices: tuple[SliceHeader, ...]
    positions_mm: FloatArray
    repeated: tuple[SliceHeader, ...]
    orientation: FloatArray
    jitter_degrees: float

    @property
    def normal(self) -> FloatArray:
        """Unit normal of the slices."""
        normal: FloatArray = np.cross(self.orientation[0], self.orientation[1])
        return normal


@dataclass(frozen=True, eq=False)
class Layout:
    """An even grid for a stack.

    Attributes:
        geometry: The grid; its slice axis is oblique if the gantry was tilted.
        grid_mm: Position of each grid slice along the normal, from the stack's first slice.
        is_exact: Whether each grid slice equals the stack's slice with that number.
        findings: Gaps and other irregularities that were corrected.
    """

    geometry: Geometry
    grid_mm: FloatArray
    is_exact: bool
    findings: tuple[Finding, ...]


def stack(slices: Sequence[SliceHeader]) -> Stack:
    """Order slices of one orientation along their normal; of several at one position the first (by number) is kept."""
    orientation, jitter_degrees = _common_orientation(slices)
    heights = np.array([each.position for each in slices]) @ np.cross(orientation[0], orientation[1])
    places = np.round(heights / SAME_PLACE_MM)
    order = sorted(range(len(slices)), key=lambda index: (places[index], slices[index].instance))
    kept, repeated = [order[0]], []
    for index in order[1:]:
        if heights[index] - heights[kept[-1]] > SAME_PLACE_MM:
            kept.append(index)
        else:
            repeated.append(slices[index])
    positions = heights[kept] - heights[kept[0]]
    slices_kept = tuple(slices[index] for index in kept)
    return Stack(slices_kept, positions, tuple(repeated), orientation, jitter_degrees)


def _common_orientation(slices: Sequence[SliceHeader]) -> tuple[FloatArray, float]:
    """Return the slices' common directions, and the largest deviation in degrees; the first's if all are the same."""
    first = slices[0].orientation
    all_of_them = np.array([each.orientation for each in slices])
    if np.abs(all_of_them - first).max() <= ANGLE_TOLERANCE:
        return first, 0.0
    across, down = all_of_them.mean(axis=0)
    across /= np.linalg.norm(across)
    down -= (down @ across) * across
    mean = np.array([across, down / np.linalg.norm(down)])
    return mean, float(np.degrees(np.linalg.norm(all_of_them - mean, axis=2).max()))


def is_even(positions_mm: FloatArray) -> bool:
    """Whether the slices are evenly spaced."""
    if len(positions_mm) < 3:
        return True
    even = np.linspace(positions_mm[0], positions_mm[-1], len(positions_mm))
    return bool(np.abs(positions_mm - even).max() <= EVEN_SHARE * (even[1] - even[0]))


def lay_out(stack: Stack, name: str) -> Layout:
    """Return the even grid onto which a stack is read.

    Args:
        stack: At least one slice.
        name: Name of the series for error messages.

    Raises:
        ReadError: A gap too wide to bridge, or slices shifted sideways against each other.
    """
    first, positions = stack.slices[0], stack.positions_mm
    findings: list[Finding] = []
    if stack.repeated:
        message = f"Slices at the same position as another were left out ({len(stack.repeated)}); the first was taken."
        findings.append(Finding("duplicate-slices", message))
    if len(positions) == 1:
        step_mm = first.thickness_mm or DEFAULT_THICKNESS_MM
        message = (
            f"There is only one slice; its thickness is taken as {step_mm:g} mm. If there are more, give their folder."
        )
        findings.append(Finding("single-slice", message))
        grid_mm, exact = positions, True
    else:
        grid_mm, exact = _even_grid(positions, name, findings)
        step_mm = float(grid_mm[1] - grid_mm[0])
    if stack.jitter_degrees:
        message = f"The slices' directions differ by up to {stack.jitter_degrees:.1f} degrees; their mean was taken."
        findings.append(Finding("jittering-slices", message))
    across, down = stack.orientation
    along = stack.normal + _slant(stack, name, findings)
    affine = np.eye(4)
    row_mm, column_mm = first.pixel_spacing_mm
    affine[:3, :3] = np.stack([along * step_mm, down * row_mm, across * column_mm], axis=1)
    to_centre = affine[:3, 1:3] @ ((first.rows - 1) / 2, (first.columns - 1) / 2)
    affine[:3, 3] = _centres(stack)[0] - to_centre if stack.jitter_degrees else first.position
    return Layout(Geometry((len(grid_mm), first.rows, first.columns), affine), grid_mm, exact, tuple(findings))


def _even_grid(positions: FloatArray, name: str, findings: list[Finding]) -> tuple[FloatArray, bool]:
    """Return the positions of an even grid over the stack, and whether the slices lie exactly on them."""
    if is_even(positions):
        return np.linspace(positions[0], positions[-1], len(positions)), True
    gaps = np.diff(positions)
    usual_mm = float(np.median(gaps))
    widest = int(np.argmax(gaps))
    if gaps[widest] > max(WIDEST_GAP_MM, (1 + EVEN_SHARE) * usual_mm):
        raise ReadError(
            f"{name}: after slice {widest + 1} of {len(positions)} there is a gap of {gaps[widest]:.1f} mm where slices"
            f" are {usual_mm:.4g} mm apart; too wide to be filled. Are files missing? Copy the whole series."
        )
    grid = np.linspace(positions[0], positions[-1], round(positions[-1] / usual_mm) + 1)
    nearest_mm = np.abs(grid[:, None] - positions[None, :])
    near_mm = EVEN_SHARE * usual_mm
    if (nearest_mm.min(axis=0) <= near_mm).all():
        missing = int((nearest_mm.min(axis=1) > near_mm).sum())
        message = f"Slices are missing ({missing} of {len(grid)}, {usual_mm:.4g} mm apart); filled from neighbours."
        findings.append(Finding("missing-slices", message))
    else:
        message = (
            f"Slices are unevenly spaced, {gaps.min():.4g} to {gaps.max():.4g} mm;"
            f" they were interpolated to {grid[1] - grid[0]:.4g} mm."
        )
        findings.append(Finding("uneven-slices", message))
    return grid, False


def _slant(stack: Stack, name: str, findings: list[Finding]) -> FloatArray:
    """Return the in-plane shift per mm along the normal, as an LPS vector: 0 unless the gantry was tilted."""
    first = stack.slices[0]
    places = _centres(stack) if stack.jitter_degrees else np.array([each.position for each in stack.slices])
    offsets = (places - places[0]) @ stack.orientation.T
    height = np.maximum(stack.positions_mm @ stack.positions_mm, 1e-9)
    slant = stack.positions_mm @ offsets / height
    stray_mm = float(np.abs(offsets - np.outer(stack.positions_mm, slant)).max())
    if stray_mm > max(first.pixel_spacing_mm):
        raise ReadError(
            f"{name}: slices are shifted sideways against each other by up to {stray_mm:.1f} mm,"
            " so they do not form a single scan. Were several reconstructions mixed?"
        )
    tilt = float(np.hypot(*slant))
    if tilt <= ANGLE_TOLERANCE:
        return np.zeros(3)
    degrees = np.degrees(np.arctan(tilt))
    message = f"The gantry was tilted by {degrees:.1f} degrees; slices were shifted onto a straight grid."
    findings.append(Finding("gantry-tilt", message))
    along: FloatArray = slant @ stack.orientation
    return along


def _centres(stack: Stack) -> FloatArray:
    """Return (n, 3) LPS mm of the slices' centres, by each slice's directions, as jitter rotates about the centre."""
    return np.array(
        [
            each.position
            + each.orientation[0] * (each.columns - 1) / 2 * each.pixel_spacing_mm[1]
            + each.orientation[1] * (each.rows - 1) / 2 * each.pixel_spacing_mm[0]
            for each in stack.slices
        ]
    )
