"""Writes scans to NIfTI, NRRD and MetaImage files."""

from __future__ import annotations

from pathlib import Path

from LungUNetSegLib.errors import UnknownFormatError, WriteError
from LungUNetSegLib.files import check_replaceable
from LungUNetSegLib.io.endings import IMAGE_OUTPUT_ENDINGS, SEGMENTATION_ENDING, ending_of
from LungUNetSegLib.io.images.files import is_text
from LungUNetSegLib.io.images.itk_files import save
from LungUNetSegLib.io.masks.results import note_of
from LungUNetSegLib.io.scan import PathInput
from LungUNetSegLib.volume import AIR_HU, Volume
from LungUNetSegLib.volume.resample import orthogonal


def write_image(path: PathInput, volume: Volume, *, is_result: bool = False) -> None:
    """Write a scan, or other values on a grid, in the format of its ending; an old file is replaced atomically.

    Args:
        path: Ends in one of `IMAGE_OUTPUT_ENDINGS`.
        volume: Any numeric type. These formats do not support sheared axes: such a grid is resampled.
        is_result: Whether the file is marked as this program's, which may replace it as long as nobody changes it.

    Raises:
        UnknownFormatError: Unknown ending.
        WriteError: Missing or read-only folder, full disk.
    """
    ending = check_image_output(Path(path))
    if not volume.geometry.is_orthogonal:
        volume = orthogonal(volume, "linear", AIR_HU)
    save(volume, Path(path), ending, note=note_of(volume.array) if is_result else "")


def check_image_output(path: Path) -> str:
    """Return the ending that chooses the format, or raise the error that `write_image` would."""
    ending = ending_of(path, IMAGE_OUTPUT_ENDINGS)
    if ending is None or ending_of(path, (SEGMENTATION_ENDING,)):
        raise UnknownFormatError(f"{path}: the name of an image must end in one of {', '.join(IMAGE_OUTPUT_ENDINGS)}.")
    if not is_text(path):
        raise WriteError(f"{path}: its name is not valid UTF-8; rename it.")
    check_replaceable(path)
    return ending
