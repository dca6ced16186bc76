"""Reads from names of files which case they belong to, and what they are: ``case1_mask.nii.gz``."""

from __future__ import annotations

from pathlib import Path

from LungUNetSegLib.io.endings import RTSTRUCT_ENDING, SEGMENTATION_ENDING, ending_of, is_hidden, stem_of

REFERENCE_WORD = "reference"

MASK_WORDS = ("seg", "segmentation", "mask", "lungs", "label", "labels", REFERENCE_WORD)
"""A file whose name ends in one of these is a mask."""

PREDICTION_WORDS = ("pred", "prediction")
"""A file whose name ends in one of these is a result, never a mask to train on."""

IMAGE_WORDS = ("ct", "0000")
"""A file whose name ends in one of these is a scan; 0000 is nnU-Net's channel number."""

LUNGS, IGNORE, CT = "lungs", "ignore", "ct"
"""Names in a case's own folder: its mask, the mask of undecided voxels, and the folder of its scan."""

PAIR_FOLDERS = (("Images", "Segmentations"), ("images", "masks"), ("images", "labels"), ("imagesTr", "labelsTr"))
"""Folders of images and of masks that lie side by side; the first are the paper's."""

_WORDS = (*MASK_WORDS, *PREDICTION_WORDS, *IMAGE_WORDS)


def case_name(path: Path) -> str:
    """Return the case that a file or folder belongs to: its name without ending and without appended words.

    All appended words are removed, in any order, so that ``case1_lungs_pred`` matches ``case1_lungs``; a name that
    consists of such a word only, as ``lungs.nii.gz``, stays.
    """
    name = path.name if path.is_dir() else stem_of(path)
    while word := _appended(name):
        name = name[: -len(word) - 1]
    return name


def visible(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name, without hidden files."""
    return [path for path in sorted(folder.iterdir()) if not is_hidden(path)]


def is_mask_name(path: Path) -> bool:
    """Whether a file's name marks a mask: ``p_mask.nii.gz``, ``p.seg.nrrd`` (Slicer) or ``p.rtstruct.dcm``."""
    return ending_of(path) in (SEGMENTATION_ENDING, RTSTRUCT_ENDING) or _appended(stem_of(path)) in MASK_WORDS


def is_prediction_name(path: Path) -> bool:
    """Whether a file's name marks a result: ``p_pred.nii.gz``."""
    return _appended(stem_of(path)) in PREDICTION_WORDS


def is_scan_name(path: Path) -> bool:
    """Whether a file's name marks a scan, or has no appended word."""
    return not is_mask_name(path) and not is_prediction_name(path)


def _appended(name: str) -> str | None:
    """Return a name's last word after ``_`` or ``-``, in lower case; None if nothing would be left without it."""
    lower = name.lower()
    return next((word for word in _WORDS if lower[1:].endswith((f"_{word}", f"-{word}"))), None)
