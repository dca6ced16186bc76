"""Reads lungs from DICOM Segmentation objects (PS3.3 A.51), whose frames have one segment and position each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.masks.choice import Meanings, lungs_among
from LungUNetSegLib.io.masks.loss import check_loss
from LungUNetSegLib.io.masks.lung_names import names_of
from LungUNetSegLib.io.masks.planes import Planes, on_slices
from LungUNetSegLib.io.masks.seg_frames import Frames
from LungUNetSegLib.io.masks.seg_stack import on_own_grid, on_scan
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import orthogonal


def lungs_in_segmentation(
    dataset: Dataset,
    path: Path,
    reference: Geometry | None = None,
    slice_places: npt.NDArray[np.float64] | None = None,
    meanings: Meanings | None = None,
) -> tuple[Volume, tuple[Finding, ...]]:
    """Return the lungs of a SEG object: 1 = right, or both, 2 = left.

    They lie on `reference` if the frames are parallel to its slices, as frames of the scan itself are; else on the
    smallest even grid that holds the frames. Fractional segmentations are thresholded at one half.

    Args:
        dataset: The SEG object.
        path: For messages.
        reference: The scan's grid, with orthogonal axes.
        slice_places: Where on it the scan had slices, as fractional slice indices; None if that is unknown.
        meanings: What the user says that segments are.

    Raises:
        ReadError: No segment is a lung, or the frames do not form a stack.
    """
    frames = Frames(dataset, path)
    lungs, findings = _lungs(frames, path, meanings)
    if frames.undescribed:
        number = min(frames.undescribed)
        raise ReadError(f"{path}: the mask has frames of segment {number}, which it does not describe; it is damaged.")
    placed = on_scan(frames, reference, slice_places, path) if reference else None
    sample = frames.sampler(reference) if placed and reference else None
    placed = placed or on_own_grid(frames, path)
    labels = np.zeros(placed.geometry.shape, np.uint8)
    is_rest = any(each.code == "lung-from-both" for each in findings)  # painted over on purpose
    drawn = kept = 0.0
    overlap = 0
    for number, label in lungs.items():
        masks = np.zeros((len(placed.places), *labels.shape[1:]), bool)
        for frame in frames.of_segment(number):
            mask = frames.mask(frame, number)
            drawn += np.count_nonzero(mask) * frames.pixel_mm[0] * frames.pixel_mm[1]
            mask = sample(mask, frame) if sample else mask
            masks[placed.plane[frame]] |= mask
            is_there = -0.5 <= placed.places[placed.plane[frame]] <= len(labels) - 0.5
            kept += is_there * np.count_nonzero(mask) * placed.geometry.spacing_mm[1] * placed.geometry.spacing_mm[2]
        planes = Planes(placed.places, masks, placed.reach)
        marked = on_slices(planes, len(labels))
        overlap += 0 if is_rest else int(np.count_nonzero(marked & (labels > 0) & (labels != label)))
        labels[marked] = label
    if overlap:
        overlap_ml = overlap * placed.geometry.voxel_volume_ml
        message = f"The lungs overlap in {overlap} voxels ({overlap_ml:.1f} ml), which went to the later segment."
        findings += (Finding("lungs-overlap", message),)
    volume = Volume(labels, placed.geometry)
    if not volume.geometry.is_orthogonal:
        volume = orthogonal(volume, "nearest", 0)
    return volume, (*findings, *placed.findings, *check_loss(kept, drawn, "mm\u00b2", path))


def _lungs(frames: Frames, path: Path, meanings: Meanings | None) -> tuple[dict[int, int], tuple[Finding, ...]]:
    """Return the labels of the segments that are lungs, without empty ones."""
    structures = dict(frames.structures)
    empty: list[str] = []
    while True:
        choice = lungs_among(structures, meanings)
        gone = [number for number in choice.labels if frames.is_empty(number)]
        if not gone:
            break
        empty += [structures.pop(number)[0] for number in gone]
    findings = choice.findings
    if empty:
        message = f"Segments without a voxel were left out: {', '.join(map(repr, empty))}."
        findings += (Finding("structure-empty", message),)
    if choice.labels or empty:
        return choice.painted, findings
    raise ReadError(
        f"{path}: no segment is a lung by its code or name; its segments are {names_of(frames.structures)}."
        " Rename the lungs, or say which they are (--map NAME=right on the command line)."
    )
