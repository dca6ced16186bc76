"""Reads label maps and segmentations of the lungs from files: 1 = the patient's right lung, 2 = the left."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import LungUNetSegError, ReadError, message_of
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.files import files_of, is_cut_short, read_dataset
from LungUNetSegLib.io.endings import NPZ_ENDING, image_ending, is_hidden
from LungUNetSegLib.io.images.itk_files import load_header, load_layers, read_values, straightened
from LungUNetSegLib.io.images.nifti import is_nifti
from LungUNetSegLib.io.masks import slicer_segmentation
from LungUNetSegLib.io.masks.choice import Meanings
from LungUNetSegLib.io.masks.dicom_seg import lungs_in_segmentation
from LungUNetSegLib.io.masks.label_values import lungs_of_values
from LungUNetSegLib.io.masks.npz import read_npz
from LungUNetSegLib.io.masks.placing import on_grid
from LungUNetSegLib.io.masks.rtstruct import lungs_in_contours
from LungUNetSegLib.io.scan import PathInput
from LungUNetSegLib.volume import Geometry, Volume

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LoadedMask:
    """A mask read from a file.

    Attributes:
        labels: uint8; 1 = right lung (or both in one), 2 = left.
        findings: What was left out, filled or assumed.
    """

    labels: Volume
    findings: tuple[Finding, ...] = ()


def read_labels(
    path: PathInput,
    reference: Geometry | None = None,
    *,
    slice_places: FloatArray | None = None,
    meanings: Meanings | None = None,
) -> Volume:
    """Return the lungs in a mask file as `read_mask` does, and log its findings."""
    mask = read_mask(path, reference, slice_places=slice_places, meanings=meanings)
    for finding in mask.findings:
        logger.info("%s: %s", path, finding.message)
    return mask.labels


def read_mask(
    path: PathInput,
    reference: Geometry | None = None,
    *,
    slice_places: FloatArray | None = None,
    meanings: Meanings | None = None,
) -> LoadedMask:
    """Return the lungs in a mask file: uint8; 1 = right (or both lungs in one mask), 2 = left.

    Args:
        path: NIfTI, NRRD, MetaImage, .seg.nrrd (segments recognised by terminology or name), the paper's .npz (one
            array (row, column, slice)), or DICOM SEG or RTSTRUCT: the file, or a folder with just that file.
        reference: Grid of the scan that the mask belongs to. The result lies on it; without it on the mask's own.
            A .npz and an RTSTRUCT have no grid of their own and need it.
        slice_places: Where on `reference` the scan had slices (`Scan.slice_places`). What was drawn on those comes
            onto an even grid as the scan does.
        meanings: What segments, contours or label values are, if their names and codes do not say it.

    Raises:
        ReadError: Not a mask, other values than 0, 1, 2, no lung in it, or it does not lie on `reference`.
    """
    path = Path(path)
    if path.name.lower().endswith(NPZ_ENDING):
        return LoadedMask(read_npz(path, reference, slice_places))
    if image_ending(path) is None:
        mask = _read_dicom(path, reference, slice_places, meanings)
    else:
        mask = _read_image(path, meanings)
    if reference is None:
        return mask
    labels, findings = on_grid(mask.labels, reference, path)
    return LoadedMask(labels, mask.findings + findings)


def is_dicom_mask(path: Path) -> bool:
    """Whether a file is a DICOM SEG or RTSTRUCT, regardless of its name."""
    dataset = read_dataset(path, stop_before_pixels=True, specific_tags=["Modality"])
    return dataset is not None and dataset.get("Modality") in ("SEG", "RTSTRUCT")


def _read_image(path: Path, meanings: Meanings | None) -> LoadedMask:
    if not is_nifti(path):
        header, grid = load_header(path)
        if slicer_segmentation.is_segmentation(header):
            layers = load_layers(header, grid, path)
            lungs, findings = slicer_segmentation.lungs_of(header, layers, path, meanings)
            labels, doubts = straightened(lungs, "nearest", 0)
            return LoadedMask(labels, grid.findings + doubts + findings)
        if header.GetNumberOfComponents() > 1:
            raise ReadError(f"{path}: the mask has several values in each voxel and names no segments.")
    raw, doubts = read_values(path, "nearest", 0)
    array, findings = lungs_of_values(raw.array, path, meanings)
    return LoadedMask(Volume(array, raw.geometry), doubts + findings)


def _read_dicom(
    path: Path, reference: Geometry | None, slice_places: FloatArray | None, meanings: Meanings | None
) -> LoadedMask:
    if not path.exists():
        raise ReadError(f"{path}: there is no such file or folder.")
    files = [file for file in files_of(path) if file == path or not is_hidden(file)]
    if len(files) != 1:
        raise ReadError(
            f"{path}: holds {len(files)} files; give the mask file itself. A mask that is an image for each slice, or a"
            " file for each structure, must be made one file first, such as a .nii.gz."
        )
    dataset = read_dataset(files[0])
    if dataset is not None and is_cut_short(dataset):
        raise ReadError(f"{files[0]}: the mask is cut short; copy or export it again.")
    try:
        if dataset is not None and dataset.get("Modality") == "SEG":
            return LoadedMask(*lungs_in_segmentation(dataset, files[0], reference, slice_places, meanings))
        if dataset is not None and dataset.get("Modality") == "RTSTRUCT":
            return LoadedMask(*lungs_in_contours(dataset, files[0], reference, slice_places, meanings))
    except LungUNetSegError:
        raise
    except Exception as error:  # missing and malformed values may raise almost anything
        message = f"{files[0]}: the mask cannot be decoded; is the file damaged? ({message_of(error)})"
        raise ReadError(message) from error
    raise ReadError(f"{path}: not a mask in a known format (image file, .npz, DICOM SEG or RTSTRUCT).")
