"""The one table of what people and programs append to a case's name, such as ``case1_mask.nii.gz``."""

from __future__ import annotations

from pathlib import Path

from LungUNetSegLib.io.endings import SEGMENTATION_ENDING, ending_of, stem_of

REFERENCE_WORD = "reference"

MASK_WORDS = ("seg", "segmentation", "mask", "lungs", "label", "labels", REFERENCE_WORD)
"""A file whose name ends on one of these is a mask."""

PREDICTION_WORDS = ("pred", "prediction")
"""A file whose name ends on one of these is a result, never a mask to learn from."""

IMAGE_WORDS = ("ct", "0000")
"""A file whose name ends on one of these is a scan; 0000 is nnU-Net's number of the channel."""

LUNGS, IGNORE, CT = "lungs", "ignore", "ct"
"""In a case's own folder: its mask, where nobody could decide, and the folder of its scan."""

PAIR_FOLDERS = (("Images", "Segmentations"), ("images", "masks"), ("images", "labels"), ("imagesTr", "labelsTr"))
"""Folders of images and of masks that lie side by side; the first are the paper's."""

_WORDS = (*MASK_WORDS, *PREDICTION_WORDS, *IMAGE_WORDS)


def case_name(path: Path) -> str:
    """Return the case that a file or folder belongs to: its name without ending and without appended words.

    All appended words go, in whatever order, so that ``case1_lungs_pred`` meets ``case1_lungs``; a name that is nothing
    else, as ``lungs.nii.gz``, stays.
    """
    name = path.name if path.is_dir() else stem_of(path)
    while word := _appended(name):
        name = name[: -len(word) - 1]
    return name


def is_mask_name(path: Path) -> bool:
    """Whether a file's name says that it is a mask: ``p_mask.nii.gz``, or ``p.seg.nrrd``, Slicer's own."""
    return ending_of(path) == SEGMENTATION_ENDING or _appended(stem_of(path)) in MASK_WORDS


def is_prediction_name(path: Path) -> bool:
    """Whether a file's name says that it is a result: ``p_pred.nii.gz``."""
    return _appended(stem_of(path)) in PREDICTION_WORDS


def is_scan_name(path: Path) -> bool:
    """Whether a file's name says that it is a scan, or says nothing."""
    return not is_mask_name(path) and not is_prediction_name(path)


def _appended(name: str) -> str | None:
    """The word that a name ends on, in lower case, after ``_`` or ``-``; None where nothing would be left."""
    lower = name.lower()
    return next((word for word in _WORDS if lower[1:].endswith((f"_{word}", f"-{word}"))), None)
