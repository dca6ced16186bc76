"""Names the files that `lungunetseg segment` writes, and checks them before anything is read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path, PurePath

from LungUNetSegLib.cli.dicom_results import check_dicom_output, dicom_format
from LungUNetSegLib.cli.outputs import check_outputs
from LungUNetSegLib.errors import UnknownFormatError, WriteError
from LungUNetSegLib.files import check_replaceable, make_folder
from LungUNetSegLib.io import check_writable
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS, OUTPUT_ENDINGS, ending_of, stem_of
from LungUNetSegLib.io.images.write import check_image_output

FORMATS: dict[str, str] = {
    **{ending.removeprefix("."): ending for ending in OUTPUT_ENDINGS},
    **{str(name): ending for name, ending in DICOM_OUTPUT_ENDINGS.items()},
}
"""Names of the kinds of files that can be written, and the ending of each."""

ENDINGS = tuple(FORMATS.values())
DEFAULT_FORMAT = "nii.gz"


def named_outputs(inputs: Sequence[Path], folder: Path, wanted: str | None) -> list[Path]:
    """Name a file in `folder` for each input, by their paths from their common folder.

    One input may be written to the very file that is named, if that is of the wanted format.

    Raises:
        WriteError: `folder` is a file or cannot be made, or two inputs would have the same name.
    """
    ending = FORMATS[wanted or DEFAULT_FORMAT]
    if len(inputs) == 1 and (wanted is None or (ending_of(folder, ENDINGS) == ending and not folder.is_dir())):
        return [folder]
    if ending_of(folder, ENDINGS) and not folder.is_dir():
        raise WriteError(
            f"{folder}: several inputs, or a format, need a folder to write to, and this is one file's name. If the "
            "inputs are slices of one scan, give their folder instead."
        )
    make_folder(folder)
    stems = [stem_of(Path(name)) for name in distinct_names([path.resolve() for path in inputs])]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise WriteError(f"Two inputs would both be written to {folder / twice}{ending}: segment them separately.")
    return [folder / f"{stem}{ending}" for stem in stems]


def distinct_names(paths: Sequence[PurePath]) -> list[str]:
    """Name files by their paths from their common folder; a drive or server counts as a folder."""
    parts = [(re.sub(r"[:\\/]+", "_", path.anchor).strip("_"), *path.parts[1:]) for path in paths]
    shared = sum(
        1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*(each[:-1] for each in parts), strict=False))
    )
    return ["_".join(each[shared:]) for each in parts]


def check_written(arguments: argparse.Namespace, outputs: Sequence[Path]) -> None:
    """Check every file that the command writes for these outputs, its tables and its page.

    Raises:
        LungUNetSegError: A file cannot be written, may not be replaced, is an input, has an unknown format, or belongs
            to one scan where there are several.
    """
    inputs: list[Path] = arguments.inputs
    if arguments.dicom_reference and len(inputs) > 1:
        raise WriteError("--dicom-reference is one scan's series; give one input with it.")
    for name in ("report", "regions", "density-map"):
        if getattr(arguments, name.replace("-", "_")) and len(inputs) > 1:
            raise WriteError(f"--{name} is a file of one scan; give one input with it.")
    written = [file for output in outputs for file in _files(output)]
    if arguments.regions:
        check_writable(arguments.regions)
        written.append(arguments.regions)
    if arguments.density_map:
        check_image_output(arguments.density_map)
        written.append(arguments.density_map)
    tables = [path for path in (arguments.json, arguments.csv, arguments.report) if path]
    for table in tables:
        check_replaceable(table)
    check_outputs(inputs, [*written, *tables], overwrite=arguments.overwrite)


def _files(output: Path) -> list[Path]:
    """Return the files that are written for an output, or raise what writing them would raise."""
    if ending_of(output, ENDINGS) is None:
        raise UnknownFormatError(f"{output}: the name must end in one of {', '.join(ENDINGS)}.")
    if dicom_format(output):
        return check_dicom_output(output)
    check_writable(output)
    return [output]
