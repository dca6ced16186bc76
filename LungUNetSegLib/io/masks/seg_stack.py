"""Places the frames of a DICOM Segmentation on the slices of a scan, or on a grid of their own.

Files leave empty frames out. A plane between existing frames is empty if the scan had a slice there, or if the file's
slice distance implies one; if a slice of the scan is missing there, the plane is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.stack import SAME_PLACE_MM, WIDEST_GAP_MM
from LungUNetSegLib.io.masks.planes import NEAR_SHARE, check_gaps, distinct, even_step, matched, usual_step
from LungUNetSegLib.io.masks.seg_frames import Frames
from LungUNetSegLib.volume import ANGLE_TOLERANCE, Geometry

COARSER = 1.5
"""A segmentation whose planes are further apart than this many slices was drawn on a coarser scan."""

SPARSE_SHARE = 0.5
"""If a larger share of the gaps is wider than the slice distance, planes were left out on purpose, not lost."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Where frames lie on a grid.

    Attributes:
        geometry: The grid.
        places: Fractional slice indices of all planes, rising; those without a frame are empty.
        plane: Index of the plane that each frame lies in.
        reach: How far the first and the last plane extend beyond themselves, in slices.
        findings: Planes that were filled, or left empty between others.
    """

    geometry: Geometry
    places: FloatArray
    plane: npt.NDArray[np.intp]
    reach: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class _Heights:
    """Distinct heights of frames in mm along their normal, rising; the even distance, if there is one."""

    mm: FloatArray
    plane: npt.NDArray[np.intp]
    step_mm: float | None


def on_scan(frames: Frames, scan: Geometry, slice_places: FloatArray | None, path: Path) -> Placed | None:
    """Place frames on a scan's grid, or return None if they are not parallel to its slices.

    Args:
        frames: Of a SEG object.
        scan: The scan's grid, with orthogonal axes.
        slice_places: Where on it the scan had slices, as fractional slice indices; None if that is unknown.
        path: For messages.
    """
    if abs(frames.normal @ scan.directions[:, 0]) < 1 - ANGLE_TOLERANCE:
        return None
    _slant(frames, path)
    heights = _heights(frames)
    rows, columns = frames.size
    middle = frames.down * frames.pixel_mm[0] * (rows - 1) / 2 + frames.across * frames.pixel_mm[1] * (columns - 1) / 2
    own, plane = distinct(scan.to_index(frames.positions + middle)[:, 0], SAME_PLACE_MM / scan.spacing_mm[0])
    slices = np.arange(scan.shape[0], dtype=float) if slice_places is None else slice_places
    drawn_on = matched(own, slices)
    if drawn_on is not None and not _is_coarser(heights, frames, slices, scan.spacing_mm[0]):
        number = np.searchsorted(slices, drawn_on - 1e-6)
        empty, findings = _empty_planes(number, scan.spacing_mm[0], lost_ones=slice_places is None)
        kept = np.setdiff1d(np.arange(len(slices)), empty)
        return Placed(scan, slices[kept], np.searchsorted(kept, number)[plane], 0.5, findings)
    if heights.step_mm is None:
        check_gaps(own, scan.spacing_mm[0], str(path))
        return Placed(scan, own, plane, float(np.median(np.diff(own))) / 2, (_uneven(heights),))
    step = heights.step_mm / scan.spacing_mm[0]
    number = np.rint((own - own[0]) / step).astype(np.intp)
    empty, findings = _empty_planes(number, heights.step_mm, lost_ones=True)
    kept = np.setdiff1d(np.arange(number[-1] + 1), empty)
    return Placed(scan, own[0] + kept * step, np.searchsorted(kept, number)[plane], max(step / 2, 0.5), findings)


def on_own_grid(frames: Frames, path: Path) -> Placed:
    """Place frames on the smallest even grid that holds them; it is sheared if the gantry was tilted."""
    heights = _heights(frames)
    slant = _slant(frames, path)
    findings: list[Finding] = []
    if heights.step_mm is None:
        usual_mm = float(np.median(np.diff(heights.mm)))
        count = round(float(heights.mm[-1]) / usual_mm) + 1
        step_mm = float(heights.mm[-1]) / (count - 1)
        places, plane = heights.mm / step_mm, heights.plane
        check_gaps(places, step_mm, str(path))
        findings.append(_uneven(heights))
    else:
        step_mm = heights.step_mm
        number = np.rint(heights.mm / step_mm).astype(np.intp)
        count = int(number[-1]) + 1
        empty, more = _empty_planes(number, step_mm, lost_ones=True)
        kept = np.setdiff1d(np.arange(count), empty)
        places, plane = kept.astype(float), np.searchsorted(kept, number)[heights.plane]
        findings += [*_assumed(frames, step_mm, len(number)), *more]
    affine = np.eye(4)
    row_mm, column_mm = frames.pixel_mm
    along = (frames.normal + slant) * step_mm
    affine[:3, :3] = np.stack([along, frames.down * row_mm, frames.across * column_mm], axis=1)
    affine[:3, 3] = frames.positions[int(np.argmin(frames.positions @ frames.normal))]
    return Placed(Geometry((count, *frames.size), affine), places, plane, 0.5, tuple(findings))


def _heights(frames: Frames) -> _Heights:
    along = frames.positions @ frames.normal
    heights, plane = distinct(along - along.min(), SAME_PLACE_MM)
    if len(heights) == 1:
        return _Heights(heights, plane, frames.stated_mm or frames.thickness_mm or 1.0)
    return _Heights(heights, plane, even_step(heights, frames.stated_mm, NEAR_SHARE))


def _is_coarser(heights: _Heights, frames: Frames, slices: FloatArray, slice_mm: float) -> bool:
    """Whether frames were drawn on a coarser scan than this, rather than on some of its slices."""
    usual_mm = slice_mm * usual_step(slices)
    if heights.step_mm is None or heights.step_mm <= COARSER * usual_mm:
        return False
    if frames.stated_mm or frames.thickness_mm is None:
        return True
    return abs(frames.thickness_mm - usual_mm) > NEAR_SHARE * usual_mm


def _slant(frames: Frames, path: Path) -> FloatArray:
    """Return the in-plane shift per mm along the normal, as an LPS vector: 0 unless the gantry was tilted."""
    axes = np.stack([frames.across, frames.down])
    heights = frames.positions @ frames.normal
    lowest = int(np.argmin(heights))
    offsets, heights = (frames.positions - frames.positions[lowest]) @ axes.T, heights - heights[lowest]
    slant = heights @ offsets / max(float(heights @ heights), 1e-9)
    if np.abs(offsets - np.outer(heights, slant)).max() > max(frames.pixel_mm):
        raise ReadError(f"{path}: its slices do not lie on an even, straight grid; save it in another format.")
    return slant @ axes if np.hypot(*slant) > ANGLE_TOLERANCE else np.zeros(3)


def _empty_planes(
    number: npt.NDArray[np.intp], step_mm: float, *, lost_ones: bool
) -> tuple[npt.NDArray[np.intp], tuple[Finding, ...]]:
    """Return which planes between frames are missing and must be interpolated, and findings on planes without frame.

    Args:
        number: Numbers of the planes that have frames, rising.
        step_mm: Distance of planes.
        lost_ones: Whether planes may be missing; if the scan is given, its slices are known.
    """
    gaps = np.diff(number)
    absent = np.setdiff1d(np.arange(number[0], number[-1] + 1), number)
    if not len(absent):
        return absent, ()
    narrow = (gaps * step_mm).max() <= WIDEST_GAP_MM
    if lost_ones and narrow and np.mean(gaps > 1) <= SPARSE_SHARE:
        message = (
            f"Slices in which no segment has a frame, between others that have, were filled by shape ({len(absent)})."
            " If they are empty on purpose, read the segmentation together with its scan."
        )
        return absent, (Finding("slices-interpolated", message),)
    message = f"{len(absent)} slices between others have no frame; they were taken as empty."
    return absent[:0], (Finding("slices-without-frames", message),)


def _uneven(heights: _Heights) -> Finding:
    gaps = np.diff(heights.mm)
    message = (
        f"The segmentation's slices are unevenly spaced, {gaps.min():.4g} to {gaps.max():.4g} mm;"
        " what lies between was filled by shape."
    )
    return Finding("uneven-segmentation", message)


def _assumed(frames: Frames, step_mm: float, planes: int) -> list[Finding]:
    """Return a finding if the file does not state its slice distance and slices are thinner than the one taken."""
    if planes < 2 or frames.stated_mm or not frames.thickness_mm or step_mm < COARSER * frames.thickness_mm:
        return []
    message = (
        f"The segmentation does not state its slice distance; {step_mm:.4g} mm were taken, the least between its"
        f" frames, though slices are {frames.thickness_mm:.4g} mm thick. Volumes may be too large."
    )
    return [Finding("slice-distance-assumed", message)]
