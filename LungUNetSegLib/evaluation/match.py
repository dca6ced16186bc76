"""Reads a case's prediction, reference and CT from their files, on grids on which they can be compared.

A label image has the size of its scan. Formats that contain lung only do not show that size: a DICOM SEG leaves out
slices without lung, contours and .npz files have no grid. Lung that a prediction adds beyond them would not count as an
error, so they are placed on the scan's grid, or on that of the other label map.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.cases.compared import CasePair
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.endings import SEGMENTATION_ENDING, ending_of, image_ending
from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.io.masks.read import LoadedMask, read_mask
from LungUNetSegLib.volume import Volume


@dataclass(frozen=True, eq=False)
class ReadCase:
    """A case that was read from its files.

    Attributes:
        prediction: Label map of the prediction.
        reference: Label map of the reference.
        image: The CT, if there is one.
        findings: What was left out, filled or assumed when the label maps were read.
    """

    prediction: Volume
    reference: Volume
    image: Volume | None
    findings: tuple[Finding, ...]


def read_case(pair: CasePair) -> ReadCase:
    """Read a case's prediction, reference and, if there is one, CT.

    Raises:
        LungUNetSegError: A file is missing or unreadable, or no file has a grid to compare on.
    """
    if pair.prediction is None:
        raise DataError(f"There is no prediction for {pair.reference}.")
    scan = read_scan(pair.image) if pair.image else None

    def on_scan(path: Path) -> LoadedMask:
        assert scan is not None
        return read_mask_of(path, scan, pair.meanings)

    prediction = read_mask(pair.prediction, meanings=pair.meanings) if image_ending(pair.prediction) else None
    if scan is not None and not _shows_extent(pair.reference):
        reference = on_scan(pair.reference)
    elif image_ending(pair.reference):
        reference = read_mask(pair.reference, meanings=pair.meanings)
    elif prediction is not None:
        reference = read_mask(pair.reference, prediction.labels.geometry, meanings=pair.meanings)
    else:
        raise DataError(f"Neither {pair.prediction} nor {pair.reference} contains the scan's grid: give the CT too.")
    if prediction is None:
        is_scan = scan is not None and scan.volume.geometry.matches(reference.labels.geometry)
        geometry = reference.labels.geometry
        prediction = (
            on_scan(pair.prediction) if is_scan else read_mask(pair.prediction, geometry, meanings=pair.meanings)
        )
    findings = (*_told("prediction", prediction), *_told("reference", reference))
    return ReadCase(prediction.labels, reference.labels, scan.volume if scan else None, findings)


def _told(role: str, mask: LoadedMask) -> Iterator[Finding]:
    """Yield the findings of a mask, with its role."""
    for each in mask.findings:
        yield Finding(each.code, f"{role.capitalize()}: {each.message}")


def _shows_extent(path: Path) -> bool:
    """Return whether a label map is as large as its scan; Slicer may crop a segmentation to its content."""
    return image_ending(path) is not None and ending_of(path) != SEGMENTATION_ENDING
