"""Reads and writes NRRD and MetaImage files with SimpleITK, after checking their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import GeometryError, ReadError, WriteError
from LungUNetSegLib.files import replacing
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.endings import NIFTI_ENDINGS
from LungUNetSegLib.io.images.files import check_file
from LungUNetSegLib.io.images.grid import Grid
from LungUNetSegLib.io.images.metaimage import check_metaimage, is_metaimage
from LungUNetSegLib.io.images.nifti import is_nifti, read_nifti
from LungUNetSegLib.io.images.nifti_forms import NiftiForms
from LungUNetSegLib.io.images.nifti_write import write_nifti
from LungUNetSegLib.io.images.nrrd import check_nrrd
from LungUNetSegLib.io.images.voxels import StoredVoxels, read_stored
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.memory import new_voxels, planes_of
from LungUNetSegLib.volume.resample import from_sitk, itk, orthogonal, to_sitk

if TYPE_CHECKING:
    import SimpleITK as sitk

NOTE_KEY = "ITK_FileNotes"
"""ITK's field for a note: `descrip` in NIfTI (80 bytes), a field of its own in NRRD and MetaImage."""

SLANTING_AXES = Finding(
    "sheared-grid",
    "The file's axes are not at right angles (a tilted gantry?); it was resampled onto a straight grid.",
)


def read_values(
    path: Path, interpolation: Literal["linear", "nearest"], fill: float
) -> tuple[Volume, tuple[Finding, ...]]:
    """Return an image file's values, with one component, on orthogonal axes, and findings.

    Args:
        path: Ends in one of `IMAGE_ENDINGS`.
        interpolation: How a file with sheared axes is resampled onto an orthogonal grid.
        fill: Value of voxels outside the file's grid.

    Raises:
        ReadError: Missing, damaged, cut short, in colour, complex, of another dimension, or without a place in space.
    """
    try:
        volume, findings = read_nifti(path) if is_nifti(path) else _read_itk(path)
    except GeometryError as error:
        raise ReadError(f"{path}: its header gives no valid voxel positions; is it damaged? ({error})") from error
    straight, doubts = straightened(volume, interpolation, fill)
    return straight, (*findings, *doubts)


def straightened(
    volume: Volume, interpolation: Literal["linear", "nearest"], fill: float
) -> tuple[Volume, tuple[Finding, ...]]:
    """Return a file's values on axes at right angles, and a finding if they had to be resampled."""
    if volume.geometry.is_orthogonal:
        return volume, ()
    return orthogonal(volume, interpolation, fill), (SLANTING_AXES,)


def load_header(path: Path) -> tuple[sitk.ImageFileReader, Grid]:
    """Read and check the header of a NRRD or MetaImage.

    Returns:
        ITK's reader, which knows the header's fields and the number of components, and has read no voxel yet; and the
        grid as the header's own text gives it, which corrects ITK's.

    Raises:
        ReadError: Missing, not what its ending says, cut short, without spacing, or of another dimension.
    """
    check_file(path)
    grid = check_metaimage(path) if is_metaimage(path) else check_nrrd(path)
    reader = itk().ImageFileReader()
    reader.SetFileName(str(path))
    with _errors_of_itk(path):
        reader.ReadImageInformation()
        size = reader.GetSize()
        _check_axes(path, size)
        if len(size) == 4:
            reader.SetExtractSize((*size[:3], 0))
    return reader, grid


def save(
    volume: Volume,
    path: Path,
    ending: str,
    prepare: Callable[[sitk.Image], None] | None = None,
    forms: NiftiForms | None = None,
    note: str = "",
) -> None:
    """Write a volume whose axes are at right angles; an old file is replaced only by a complete new one.

    Args:
        volume: What to write.
        path: Its file.
        ending: The ending by which the format is chosen.
        prepare: Adds to the image's header.
        forms: What a NIfTI header says of the place; if None, the volume's own as both forms.
        note: A text for the header, at most 79 characters.

    Raises:
        WriteError: Missing or read-only folder, full disk.
    """
    if ending in NIFTI_ENDINGS:
        with replacing(path, ending) as draft:
            try:
                write_nifti(volume, draft, forms, note)
            except OSError as error:
                message = f"{path}: cannot be written; is the disk full? ({error.strerror or error})"
                raise WriteError(message) from error
        return
    sitk, image = itk(), to_sitk(volume)
    if prepare is not None:
        prepare(image)
    if note:
        image.SetMetaData(NOTE_KEY, note)
    with replacing(path, ending) as draft:
        try:
            sitk.WriteImage(image, str(draft), useCompression=True)
            # ITK does not report every error of a full disk, so the file is read again.
            found = sitk.GetArrayFromImage(sitk.ReadImage(str(draft)))
            complete = np.array_equal(found, volume.array, equal_nan=found.dtype.kind == "f")
        except RuntimeError as error:
            raise WriteError(f"{path}: cannot be written; is the disk full? ({str(error).splitlines()[-1]})") from error
        if not complete:
            raise WriteError(f"{path}: could not be written whole; is the disk full?")


@contextmanager
def _errors_of_itk(path: Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ReadError(f"{path}: cannot be read as an image; is it damaged or cut short? ({reason})") from error


def _correct(image: sitk.Image, grid: Grid) -> None:
    """Set an image's spacing and place to mm."""
    if grid.spacing is not None and grid.spacing != image.GetSpacing():
        image.SetSpacing(grid.spacing)
    if grid.unit_mm != 1.0:
        image.SetSpacing([grid.unit_mm * each for each in image.GetSpacing()])
        image.SetOrigin([grid.unit_mm * each for each in image.GetOrigin()])


def _read_itk(path: Path) -> tuple[Volume, tuple[Finding, ...]]:
    reader, grid = load_header(path)
    findings = grid.findings
    channels = reader.GetNumberOfComponents()
    if "complex" in itk().GetPixelIDValueAsString(reader.GetPixelID()):
        raise ReadError(f"{path}: the image holds complex numbers; a CT holds Hounsfield units.")
    if channels > 1:
        raise ReadError(f"{path}: the image has {channels} values in each voxel (colour?); a CT or a mask has one.")
    (volume,) = load_layers(reader, grid, path)
    if (grid.slope, grid.intercept) != (1.0, 0.0):
        scaled = new_voxels(volume.array.shape, np.float32)
        for plane, result in zip(planes_of(volume.array), planes_of(scaled), strict=True):
            result[:] = plane.astype(np.float32) * np.float32(grid.slope) + np.float32(grid.intercept)
        volume = Volume(scaled, volume.geometry)
        message = f"The values were scaled by {grid.slope:g} and shifted by {grid.intercept:g}, as the header says."
        findings = (*findings, Finding("rescaled", message))
    return volume, findings


def load_layers(reader: sitk.ImageFileReader, grid: Grid, path: Path) -> list[Volume]:
    """Return the components (layers of a segmentation) of what `load_header` gave, a volume each.

    A fourth axis of one time point is dropped.

    Raises:
        ReadError: The voxels are damaged.
    """
    stored = grid.stored
    count = reader.GetNumberOfComponents()
    if stored is not None and (stored.layers, *stored.shape) == (count, *reader.GetSize()[::-1]):
        return _read_in_parts(reader, grid, stored, path)
    with _errors_of_itk(path):
        image = reader.Execute()
    _correct(image, grid)
    if count == 1:
        return [from_sitk(image)]
    return [from_sitk(itk().VectorIndexSelectionCast(image, index)) for index in range(count)]


def _read_in_parts(reader: sitk.ImageFileReader, grid: Grid, stored: StoredVoxels, path: Path) -> list[Volume]:
    """Return the layers by own code, at the place that ITK reads in the header: ITK would unpack them all at once."""
    geometry = Geometry(stored.shape, place_of(reader, grid, path))
    return [Volume(layer, geometry) for layer in read_stored(stored)]


def place_of(reader: sitk.ImageFileReader, grid: Grid, path: Path) -> FloatArray:
    """Return the (slice, row, column) to LPS mm matrix of what `load_header` gave, without a fourth axis.

    Raises:
        ReadError, GeometryError: The header gives no valid axes.
    """
    axes = reader.GetDimension()
    with _errors_of_itk(path):
        place = itk().Image([1, 1, 1], itk().sitkUInt8)
        place.SetSpacing(reader.GetSpacing()[:3])
        place.SetOrigin(reader.GetOrigin()[:3])
        place.SetDirection(np.reshape(reader.GetDirection(), (axes, axes))[:3, :3].ravel().tolist())
        _correct(place, grid)
    return from_sitk(place).geometry.affine_lps


def _check_axes(path: Path, size: tuple[int, ...]) -> None:
    if len(size) == 4 and size[3] > 1:
        raise ReadError(f"{path}: the image has {size[3]} time points; save the one to use as a 3D image.")
    if len(size) not in (3, 4):
        raise ReadError(f"{path}: the image has {len(size)} axes; a CT needs three (slice, row, column).")
