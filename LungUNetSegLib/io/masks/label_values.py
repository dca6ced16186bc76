"""Says which values of a label map are lungs: 1 = the patient's right lung (or both), 2 = the left, or what is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.masks.choice import Meanings, lungs_among
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.texts import listed
from LungUNetSegLib.volume.memory import new_voxels, planes_of

ROUNDED_BY = 0.02
"""Largest difference of a label from a whole number, for label maps saved as scaled numbers."""


def lungs_of_values(
    array: npt.NDArray[np.generic], path: Path, meanings: Meanings | None = None
) -> tuple[npt.NDArray[np.uint8], tuple[Finding, ...]]:
    """Return the labels of a label map: those of the known values, or of those that the user says are lungs.

    Args:
        array: Its values, of any type; those of uint8 may be returned themselves.
        path: Of its file, for messages.
        meanings: What the values are, if they are not 0, 1 and 2.

    Raises:
        ReadError: It holds other values, and none that is said to be a lung.
    """
    if array.dtype.kind == "f":
        array = _whole_numbers(array)
    values = np.unique(np.concatenate([np.unique(plane) for plane in planes_of(array)]))
    choice = lungs_among({value: (f"{value:g}", ()) for value in values.tolist() if value}, meanings)
    if choice.labels:
        labels = new_voxels(array.shape, np.uint8)
        for plane, labelled in zip(planes_of(array), planes_of(labels), strict=True):
            labelled[:] = 0
            for value, label in choice.painted.items():
                labelled[plane == value] = label
        return labels, choice.findings
    if not np.isin(values, (0, RIGHT_LUNG, LEFT_LUNG)).all():
        shown = listed([f"{value:g}" for value in values.astype(float)], most=8)
        raise ReadError(
            f"{path}: a mask holds 0, 1 (right lung, or both) and 2 (left lung); this one holds {shown}. State which"
            " values are lungs (--map 255=both on the command line), or save them as 1 and 2."
        )
    if array.dtype == np.uint8:
        return array.view(np.uint8), ()
    labels = new_voxels(array.shape, np.uint8)
    for plane, labelled in zip(planes_of(array), planes_of(labels), strict=True):
        labelled[:] = plane
    return labels, ()


def _whole_numbers(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Round labels that were saved as scaled numbers, such as 0.996 for 1; other values stay unchanged."""
    whole = np.rint(array)
    near = np.abs(array - whole) <= ROUNDED_BY
    return whole if near.all() else array
