"""A case's prediction, reference and CT out of their files, on grids on which they can be compared.

A label image shows by its size how far its scan went. Formats for lung alone do not: a DICOM SEG leaves out slices
without lung, contours and .npz files have no grid at all. Compared there, lung that was invented beyond would be no
error; they are put on the scan's grid instead, or on the other label map's.
"""

from __future__ import annotations

from pathlib import Path

from LungUNetSegLib.cases.compared import CasePair
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.io.masks.slicer_segmentation import ENDING as SLICER_ENDING
from LungUNetSegLib.volume import Volume


def read_case(pair: CasePair) -> tuple[Volume, Volume, Volume | None]:
    """Return a case's prediction, reference and, if it has one, CT.

    Raises:
        LungUNetSegError: A file is missing or unreadable, or nothing tells the grid to compare on.
    """
    if pair.prediction is None:
        raise DataError(f"There is no prediction for {pair.reference}.")
    image = read_scan(pair.image).volume if pair.image else None
    prediction = read_labels(pair.prediction) if image_ending(pair.prediction) else None
    if image is not None and not _shows_extent(pair.reference):
        reference = read_labels(pair.reference, image.geometry)
    elif image_ending(pair.reference):
        reference = read_labels(pair.reference)
    elif prediction is not None:
        reference = read_labels(pair.reference, prediction.geometry)
    else:
        raise DataError(
            f"Neither {pair.prediction} nor {pair.reference} shows the scan's grid: give the CT (--images)."
        )
    if prediction is None:
        prediction = read_labels(pair.prediction, reference.geometry)
    return prediction, reference, image


def _shows_extent(path: Path) -> bool:
    """Whether a label map is as large as its scan; Slicer may cut a segmentation to what is not empty."""
    return image_ending(path) is not None and not path.name.lower().endswith(SLICER_ENDING)
