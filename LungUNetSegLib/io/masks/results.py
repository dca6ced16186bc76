"""Recognises results that this program wrote and nobody changed, which may be replaced without asking.

A result's header holds a note with a hash of its voxels, which every format here keeps. If the mask is corrected, the
hash no longer matches; a mask from another program has no such note.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.io.dicom_objects.common import is_own_object
from LungUNetSegLib.io.endings import DICOM_ENDING, OUTPUT_ENDINGS, ending_of
from LungUNetSegLib.io.images.files import is_text

_KEY = "ITK_FileNotes"
"""The header field of the note: `descrip` in NIfTI (80 bytes), a field of its own in NRRD and MetaImage."""

_PREFIX = "LungUNetSeg result "


def add_note(image: sitk.Image) -> None:
    """Add a note to a label map's header that marks it as this program's result."""
    image.SetMetaData(_KEY, _PREFIX + _digest(image))


def is_own_result(path: Path) -> bool:
    """Whether a file is a result of this program, label map or DICOM object, that nobody has changed."""
    if path.suffix.lower() == DICOM_ENDING:
        return is_own_object(path)
    if ending_of(path, OUTPUT_ENDINGS) is None or not is_text(path):
        return False
    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        note = reader.GetMetaData(_KEY) if reader.HasMetaDataKey(_KEY) else ""
        return note.startswith(_PREFIX) and note == _PREFIX + _digest(reader.Execute())
    except RuntimeError:
        return False  # not an image, or damaged: not an unchanged result


def _digest(image: sitk.Image) -> str:
    array = np.ascontiguousarray(sitk.GetArrayViewFromImage(image))
    return hashlib.sha256(f"{array.shape}{array.dtype}".encode() + array.tobytes()).hexdigest()[:40]
