"""Writes label maps of the lungs to files: 1 = the patient's right lung, 2 = the left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungUNetSegLib.errors import UnknownFormatError, WriteError
from LungUNetSegLib.files import check_replaceable
from LungUNetSegLib.io.endings import OUTPUT_ENDINGS, SEGMENTATION_ENDING, ending_of
from LungUNetSegLib.io.images.files import is_text
from LungUNetSegLib.io.images.itk_files import save
from LungUNetSegLib.io.images.nifti_forms import NiftiForms
from LungUNetSegLib.io.masks import slicer_segmentation
from LungUNetSegLib.io.masks.results import note_of
from LungUNetSegLib.io.scan import PathInput
from LungUNetSegLib.segments import LUNGS, Segment
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import orthogonal

if TYPE_CHECKING:
    import SimpleITK as sitk


def check_writable(path: PathInput) -> None:
    """Raise the WriteError that `write_labels` would: unknown ending, missing or read-only folder."""
    _check_output(Path(path))


def write_labels(
    path: PathInput,
    labels: Volume,
    segments: Sequence[Segment] = LUNGS,
    *,
    is_result: bool = False,
    forms: NiftiForms | None = None,
) -> None:
    """Write a label map in the format of its ending; an old file is replaced only by a complete new one.

    Args:
        path: Ends in one of `OUTPUT_ENDINGS`; ``.seg.nrrd`` keeps the segments' names, colours and terminology.
        labels: uint8. These formats do not support sheared axes: labels on such a grid are resampled.
        segments: What the label values mean.
        is_result: Whether a program computed them, so that the same program may replace them while nobody has
            changed them (`results`). Masks that somebody drew or corrected are none.
        forms: Both forms of the scan's place (`Scan.forms`), for labels on the scan's own grid.

    Raises:
        UnknownFormatError: Unknown ending.
        WriteError: Missing or read-only folder, full disk.
    """
    path = Path(path)
    ending = _check_output(path)
    labels = Volume(labels.array.astype(np.uint8, copy=False), labels.geometry)
    if not labels.geometry.is_orthogonal:
        labels, forms = orthogonal(labels, "nearest", 0), None

    def describe(image: sitk.Image) -> None:
        if ending == SEGMENTATION_ENDING:
            slicer_segmentation.describe_segments(image, segments)

    save(labels, path, ending, describe, forms, note_of(labels.array) if is_result else "")


def _check_output(path: Path) -> str:
    """Return the ending that chooses the format."""
    ending = ending_of(path, OUTPUT_ENDINGS)
    if ending is None:
        raise UnknownFormatError(f"{path}: the name must end in one of {', '.join(OUTPUT_ENDINGS)}.")
    if not is_text(path):
        raise WriteError(f"{path}: its name is not valid UTF-8; rename it.")
    check_replaceable(path)
    return ending
