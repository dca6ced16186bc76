"""Recognises results that this program wrote and nobody changed, which may be replaced without asking.

A result's header holds a note with a hash of its voxels, which every format here keeps. If the mask is corrected, the
hash no longer matches; a mask from another program has no such note.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.io.dicom_objects.common import is_own_object
from LungUNetSegLib.io.endings import DICOM_ENDING, OUTPUT_ENDINGS, ending_of
from LungUNetSegLib.io.images.files import is_text
from LungUNetSegLib.io.images.itk_files import NOTE_KEY
from LungUNetSegLib.volume.resample import itk

_PREFIX = "LungUNetSeg result "


def note_of(voxels: npt.NDArray[np.generic]) -> str:
    """Return a note for a file's header that marks its voxels as this program's result."""
    return _PREFIX + _digest(voxels)


def is_own_result(path: Path) -> bool:
    """Whether a file is a result of this program (label map, image, DICOM object) that nobody has changed."""
    if path.suffix.lower() == DICOM_ENDING:
        return is_own_object(path)
    if ending_of(path, OUTPUT_ENDINGS) is None or not is_text(path):
        return False
    try:
        sitk = itk()
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        note = reader.GetMetaData(NOTE_KEY) if reader.HasMetaDataKey(NOTE_KEY) else ""
        if not note.startswith(_PREFIX):
            return False
        image = reader.Execute()  # kept while its voxels are read, which lie in it
        return note == _PREFIX + _digest(sitk.GetArrayViewFromImage(image))
    except RuntimeError:
        return False  # not an image, or damaged: not an unchanged result


def _digest(voxels: npt.NDArray[np.generic]) -> str:
    digest = hashlib.sha256(f"{voxels.shape}{voxels.dtype}".encode())
    for plane in voxels:
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()[:40]
