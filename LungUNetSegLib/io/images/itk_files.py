"""NIfTI, NRRD and MetaImage files through SimpleITK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.errors import GeometryError, ReadError, WriteError
from LungUNetSegLib.files import replacing
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images import nifti
from LungUNetSegLib.resample import from_sitk, orthogonal, to_sitk
from LungUNetSegLib.volume import Geometry, Volume

UNKNOWN_PLACE = Finding(
    "no-orientation",
    "The file does not say how the patient lies (qform and sform are 0): right and left may be swapped.",
)
SLANTING_AXES = Finding(
    "sheared-grid",
    "The file's axes are not at right angles (a tilted gantry?); it was resampled onto a straight grid.",
)


def is_text(path: Path) -> bool:
    """Whether ITK can be given this path: one whose bytes are no UTF-8 makes it end the whole process."""
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        return False
    return True


def load(path: Path) -> sitk.Image:
    """Return a three-dimensional image with its header's fields.

    A fourth axis of one time point is dropped. Several components (layers of a segmentation) are kept.

    Raises:
        ReadError: Missing, not what its ending says, damaged, cut short, or of another dimension.
    """
    _check_file(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with _quiet(), nifti.slanting_axes_allowed():
            reader.ReadImageInformation()
            size = reader.GetSize()
            _check_axes(path, size)
            if len(size) == 4:
                reader.SetExtractSize((*size[:3], 0))
            image = reader.Execute()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ReadError(f"{path}: cannot be read as an image; is it damaged or cut short? ({reason})") from error
    if nifti.is_nifti(image):
        nifti.check_length(image, path)
    return image


def to_volume(
    image: sitk.Image, path: Path, interpolation: Literal["linear", "nearest"], fill: float
) -> tuple[Volume, tuple[Finding, ...]]:
    """Return an image that was loaded from `path`, of one component, as a volume whose axes are at right angles."""
    try:
        volume = from_sitk(image)
    except GeometryError as error:
        raise ReadError(f"{path}: its header places the voxels nowhere; is it damaged? ({error})") from error
    if not nifti.is_nifti(image):
        if volume.geometry.is_orthogonal:
            return volume, ()
        return orthogonal(volume, interpolation, fill), (SLANTING_AXES,)
    lost = nifti.not_finite(image, path)
    if lost is not None:
        volume.array[lost] = np.nan
    findings = (UNKNOWN_PLACE,) if nifti.place_is_unknown(image) else ()
    affine = nifti.slanting_affine(image)
    if affine is None:
        return volume, findings
    exact = Geometry(volume.geometry.shape, affine)
    shift_mm = np.abs(exact.corners_lps() - volume.geometry.corners_lps()).max()
    if shift_mm < min(volume.geometry.spacing_mm) / 2:
        return volume, findings
    return orthogonal(Volume(volume.array, exact), interpolation, fill), (*findings, SLANTING_AXES)


def save(volume: Volume, path: Path, ending: str, prepare: Callable[[sitk.Image], None] | None = None) -> None:
    """Write a volume whose axes are at right angles; an old file is replaced only by a complete new one.

    Args:
        volume: What to write.
        path: Its file.
        ending: The ending by which the format is chosen.
        prepare: Adds to the image's header.

    Raises:
        WriteError: Missing or read-only folder, full disk.
    """
    image = to_sitk(volume)
    if prepare is not None:
        prepare(image)
    with replacing(path, ending) as draft:
        try:
            sitk.WriteImage(image, str(draft), useCompression=True)
            # ITK reports no error when a disk runs full under a NIfTI, so what was written is read again.
            complete = np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(draft))), volume.array)
        except RuntimeError as error:
            raise WriteError(f"{path}: cannot be written; is the disk full? ({str(error).splitlines()[-1]})") from error
        if not complete:
            raise WriteError(f"{path}: could not be written whole; is the disk full?")


def _check_file(path: Path) -> None:
    """Say what ITK would misname or not survive."""
    if not path.is_file():
        raise ReadError(f"{path}: there is no such file.")
    if not is_text(path):
        raise ReadError(f"{path}: its name holds bytes that are no UTF-8 text; rename it.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise ReadError(f"{path}: cannot be opened: {error.strerror}.") from error


def _check_axes(path: Path, size: tuple[int, ...]) -> None:
    if len(size) == 4 and size[3] > 1:
        raise ReadError(f"{path}: the image has {size[3]} time points; save the one to segment as a 3D image.")
    if len(size) not in (3, 4):
        raise ReadError(f"{path}: the image has {len(size)} axes; a CT needs three (slice, row, column).")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ITK's own warnings off stderr: what matters of them comes back as findings."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
