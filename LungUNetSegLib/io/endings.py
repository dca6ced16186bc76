"""The one table of file endings: which formats a name stands for, in upper or lower case."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

SEGMENTATION_ENDING = ".seg.nrrd"
"""Slicer's segmentations; a NRRD too, so it stands before that in every list."""

NPZ_ENDING = ".npz"
"""The paper's masks."""

DICOM_ENDING = ".dcm"
"""What DICOM files may end on; most of them end on nothing, or on a number."""

NIFTI_ENDINGS = (".nii.gz", ".nii")

IMAGE_ENDINGS = (*NIFTI_ENDINGS, ".nrrd", ".nhdr", ".mha", ".mhd")
"""Images that can be read."""

LABEL_ENDINGS = (SEGMENTATION_ENDING, *IMAGE_ENDINGS, NPZ_ENDING)
"""Label maps that can be read; DICOM SEG and RTSTRUCT are known by what is in them."""

MASK_ENDINGS = (*LABEL_ENDINGS, DICOM_ENDING)
"""What a mask's name may end on."""

IMAGE_OUTPUT_ENDINGS = (*NIFTI_ENDINGS, ".nrrd", ".mha")
"""Images that can be written."""

OUTPUT_ENDINGS = (SEGMENTATION_ENDING, *IMAGE_OUTPUT_ENDINGS)
"""Label maps that can be written."""

DicomFormat = Literal["rtstruct", "dicom-sr", "dicom-seg"]
DICOM_OUTPUT_ENDINGS: dict[DicomFormat, str] = {
    "rtstruct": ".rtstruct.dcm",
    "dicom-sr": ".sr.dcm",
    "dicom-seg": DICOM_ENDING,
}
"""DICOM objects that can be written, and by which ending each is chosen; the longer ones stand first."""


def ending_of(path: Path, endings: tuple[str, ...] = MASK_ENDINGS) -> str | None:
    """Return the first of `endings` that a name ends on, in lower case, or None."""
    name = path.name.lower()
    return next((ending for ending in endings if name.endswith(ending)), None)


def image_ending(path: Path) -> str | None:
    """Return the ending by which `path` is an image file, or None."""
    return ending_of(path, IMAGE_ENDINGS)


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is none of the user's: .DS_Store and ._x.nii.gz (macOS), Thumbs.db (Windows)."""
    return path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")


def stem_of(path: Path) -> str:
    """Return a file's name without its ending."""
    return path.name[: len(path.name) - len(ending_of(path) or "")]
