"""Results that this program wrote itself and nobody changed: what may be replaced without asking.

A result's header holds a note with a digest of its voxels, which every format here keeps. Whoever corrects the mask
changes its voxels, and so the digest no longer fits; a mask from elsewhere has no such note.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.io.endings import OUTPUT_ENDINGS, ending_of
from LungUNetSegLib.io.images.files import is_text

_KEY = "ITK_FileNotes"
"""What ITK writes into each format: `descrip` of NIfTI (80 bytes), a field of NRRD and MetaImage."""

_PREFIX = "LungUNetSeg result "


def add_note(image: sitk.Image) -> None:
    """Put the note into a label map's header that tells it from a mask that somebody drew or corrected."""
    image.SetMetaData(_KEY, _PREFIX + _digest(image))


def is_own_result(path: Path) -> bool:
    """Whether a file is a result of this program whose voxels nobody changed."""
    if ending_of(path, OUTPUT_ENDINGS) is None or not is_text(path):
        return False
    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        note = reader.GetMetaData(_KEY) if reader.HasMetaDataKey(_KEY) else ""
        return note.startswith(_PREFIX) and note == _PREFIX + _digest(reader.Execute())
    except RuntimeError:
        return False  # not an image, or damaged: not what was written


def _digest(image: sitk.Image) -> str:
    array = np.ascontiguousarray(sitk.GetArrayViewFromImage(image))
    return hashlib.sha256(f"{array.shape}{array.dtype}".encode() + array.tobytes()).hexdigest()[:40]
