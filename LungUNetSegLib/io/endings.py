"""Defines the file endings of all formats, in upper or lower case."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

SEGMENTATION_ENDING = ".seg.nrrd"
"""Slicer's segmentations; they are also NRRD files, so this ending comes before .nrrd in every list."""

NPZ_ENDING = ".npz"
"""The paper's masks."""

DICOM_ENDING = ".dcm"
"""Ending of DICOM files; many have none, or a number."""

NIFTI_ENDINGS = (".nii.gz", ".nii")

IMAGE_ENDINGS = (*NIFTI_ENDINGS, ".nrrd", ".nhdr", ".mha", ".mhd")
"""Images that can be read."""

LABEL_ENDINGS = (SEGMENTATION_ENDING, *IMAGE_ENDINGS, NPZ_ENDING)
"""Label maps that can be read; DICOM SEG and RTSTRUCT are recognised by their content."""

RTSTRUCT_ENDING = ".rtstruct.dcm"
"""By which `segment` writes an RTSTRUCT; others are called anything."""

MASK_ENDINGS = (*LABEL_ENDINGS, RTSTRUCT_ENDING, DICOM_ENDING)
"""Masks that can be read, and where a DICOM mask has an ending."""

IMAGE_OUTPUT_ENDINGS = (*NIFTI_ENDINGS, ".nrrd", ".mha")
"""Images that can be written."""

OUTPUT_ENDINGS = (SEGMENTATION_ENDING, *IMAGE_OUTPUT_ENDINGS)
"""Label maps that can be written."""

DicomFormat = Literal["rtstruct", "dicom-sr", "dicom-seg"]
DICOM_OUTPUT_ENDINGS: dict[DicomFormat, str] = {
    "rtstruct": RTSTRUCT_ENDING,
    "dicom-sr": ".sr.dcm",
    "dicom-seg": DICOM_ENDING,
}
"""DICOM objects that can be written, and by which ending each is chosen; the longer ones stand first."""


def ending_of(path: Path, endings: tuple[str, ...] = MASK_ENDINGS) -> str | None:
    """Return the first of `endings` that a name ends in, in lower case, or None."""
    name = path.name.lower()
    return next((ending for ending in endings if name.endswith(ending)), None)


def image_ending(path: Path) -> str | None:
    """Return the ending by which `path` is an image file, or None."""
    return ending_of(path, IMAGE_ENDINGS)


def is_hidden(path: Path) -> bool:
    """Whether a file or folder was made by the system: .DS_Store and ._x.nii.gz (macOS), Thumbs.db (Windows)."""
    return path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")


def stem_of(path: Path) -> str:
    """Return a file's name without its ending."""
    return path.name[: len(path.name) - len(ending_of(path) or "")]
