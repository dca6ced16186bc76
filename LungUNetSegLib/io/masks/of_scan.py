"""Reads a mask onto the grid of the scan that it is said to belong to, and checks that it does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.files import files_of, read_dataset
from LungUNetSegLib.io.endings import NPZ_ENDING, image_ending, is_hidden
from LungUNetSegLib.io.masks.choice import Meanings
from LungUNetSegLib.io.masks.read import LoadedMask, read_mask
from LungUNetSegLib.io.scan import Scan


def read_mask_of(path: Path, scan: Scan, meanings: Meanings | None = None) -> LoadedMask:
    """Return the lungs in a mask file on the grid of a scan; see `read_mask`.

    Raises:
        ReadError: As `read_mask` does.
    """
    mask = read_mask(path, scan.volume.geometry, slice_places=scan.slice_places, meanings=meanings)
    return LoadedMask(mask.labels, mask.findings + _other_scan(path, scan))


def _other_scan(path: Path, scan: Scan) -> tuple[Finding, ...]:
    """Return a finding if a DICOM mask says that it was drawn on another scan than this DICOM scan.

    Source: DICOM PS3.3 C.7.4.1 (frames of reference), C.8.8.5 (RT structure sets), C.12.1 (common references).
    """
    if not scan.slices or image_ending(path) is not None or path.name.lower().endswith(NPZ_ENDING):
        return ()
    (file,) = (each for each in files_of(path) if each == path or not is_hidden(each))
    tags = ["FrameOfReferenceUID", "ReferencedFrameOfReferenceSequence", "ReferencedSeriesSequence"]
    dataset = read_dataset(file, stop_before_pixels=True, specific_tags=tags) or Dataset()
    frames = [dataset, *dataset.get("ReferencedFrameOfReferenceSequence", [])]
    studies = [study for frame in frames for study in frame.get("RTReferencedStudySequence", [])]
    series = [each for study in studies for each in study.get("RTReferencedSeriesSequence", [])]
    series += dataset.get("ReferencedSeriesSequence", [])
    if _are_others(frames, "FrameOfReferenceUID", {each.frame_of_reference for each in scan.slices}):
        code, what = "other-frame", "lies in another frame of reference than the scan"
    elif _are_others(series, "SeriesInstanceUID", {each.series_uid for each in scan.slices}):
        code, what = "other-series", "refers to another series than the scan's"
    else:
        return ()
    message = (
        f"The mask {what}: it was drawn on another scan, or the identifiers of one of the two were changed. Check that"
        " it fits."
    )
    return (Finding(code, message),)


def _are_others(items: Iterable[Dataset], keyword: str, own: set[str]) -> bool:
    """Whether identifiers are given on both sides, and have none in common."""
    theirs = {str(each.get(keyword) or "") for each in items} - {""}
    return bool(theirs and own - {""}) and not theirs & own
