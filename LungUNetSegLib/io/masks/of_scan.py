"""Reads a mask onto the grid of the scan that it is said to belong to, and checks that it does."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.files import files_of, read_dataset
from LungUNetSegLib.io.endings import NPZ_ENDING, image_ending, is_hidden
from LungUNetSegLib.io.masks.choice import Meanings
from LungUNetSegLib.io.masks.labels import Mask, read_mask
from LungUNetSegLib.io.scan import Scan


def read_mask_of(path: Path, scan: Scan, meanings: Meanings | None = None) -> Mask:
    """Return the lungs in a mask file on the grid of a scan; see `read_mask`.

    Raises:
        ReadError: As `read_mask` does.
    """
    mask = read_mask(path, scan.volume.geometry, slice_places=scan.slice_places, meanings=meanings)
    return Mask(mask.labels, mask.findings + _other_frame(path, scan))


def _other_frame(path: Path, scan: Scan) -> tuple[Finding, ...]:
    """Return a finding if a DICOM mask lies in another frame of reference than a DICOM scan (PS3.3 C.7.4.1)."""
    own = {each.frame_of_reference for each in scan.slices} - {""}
    if not own or image_ending(path) is not None or path.name.lower().endswith(NPZ_ENDING):
        return ()
    (file,) = (each for each in files_of(path) if each == path or not is_hidden(each))
    tags = ["FrameOfReferenceUID", "ReferencedFrameOfReferenceSequence"]
    dataset = read_dataset(file, stop_before_pixels=True, specific_tags=tags) or Dataset()
    places = [dataset, *dataset.get("ReferencedFrameOfReferenceSequence", [])]
    theirs = {str(each.get("FrameOfReferenceUID") or "") for each in places} - {""}
    if not theirs or theirs & own:
        return ()
    message = (
        "The mask lies in another frame of reference than the scan: it was drawn on another scan, or the identifiers of"
        " one of the two were changed. Check that it fits."
    )
    return (Finding("other-frame", message),)
