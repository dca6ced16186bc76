"""Decides which files a command may overwrite: never its input, and a user's work only with ``--overwrite``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.evaluation.report.html import REPORT_TITLE
from LungUNetSegLib.evaluation.report.lungs_page import PAGE_TITLE
from LungUNetSegLib.files import check_apart
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.dicom_objects.common import is_own_object
from LungUNetSegLib.io.endings import ending_of
from LungUNetSegLib.io.masks.results import is_own_result

HEADER_BYTES = 1 << 16
"""Largest size of the header of a NRRD or MetaImage, a text that names the files of its voxels."""

OWN_TABLES = (
    *(b"input,output,", b"case,region,", b"case,institution,region,", b"lung,region,measure,"),
    *(b"features,classifier,", b"case,patient,kind,", b"case,patient,fold,"),
)
"""How the tables of these commands begin."""

OWN_KEYS = (
    *({"input"}, {"cases", "about"}, {"first", "second"}),
    *({"slices", "folds", "deep"}, {"inputs", "folds"}, {"value", "low", "high", "positives"}),
)
"""Keys by which their JSON is known."""

OWN_PAGES = tuple(f"<title>{each}".encode() for each in (PAGE_TITLE, REPORT_TITLE))


def add_overwrite_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--overwrite``."""
    parser.add_argument(
        "--overwrite", action="store_true",
        help="also replace files and label maps made or changed by others; own tables and pages are always replaced",
    )  # fmt: skip


def check_outputs(inputs: Sequence[Path], outputs: Sequence[Path], *, overwrite: bool) -> None:
    """Raise WriteError if an output is (part of) an input, is given twice, or would replace a user's work.

    Args:
        inputs: Files and folders that are read.
        outputs: Files to be written: label maps, images, JSON, CSV, a page.
        overwrite: Whether a user's work may be replaced; an input never is.
    """
    check_apart(inputs, outputs)
    for output in outputs:
        if not output.exists() or not output.stat().st_size:
            continue
        if any(_is_part(output, source) for source in inputs):
            raise WriteError(f"{output}: is part of the input scan; give the result another name.")
        if not overwrite and not _may_be_replaced(output):
            raise WriteError(
                f"{output}: exists, and was not written by this command or was changed since; it may be a manually"
                " corrected mask. Give the result another name, or replace it with --overwrite."
            )


def _is_part(output: Path, source: Path) -> bool:
    """Whether a file is a slice of the input, in its folder, or has the name of the voxels that its header names."""
    if source.is_dir():
        is_within = source.resolve() in output.resolve().parents
        return is_within and read_dataset(output) is not None and not is_own_object(output)
    if ending_of(source) not in (".nhdr", ".nrrd", ".mhd", ".mha"):
        return False
    with source.open("rb") as file:
        return output.name.encode() in file.read(HEADER_BYTES)


def _may_be_replaced(output: Path) -> bool:
    if output.suffix.lower() == ".csv":
        return output.read_bytes().startswith(OWN_TABLES)
    if output.suffix.lower() == ".html":
        return any(each in output.read_bytes()[:HEADER_BYTES] for each in OWN_PAGES)
    if output.suffix.lower() != ".json":
        return is_own_result(output)
    try:
        content = json.loads(output.read_text(encoding="utf-8"))
    except ValueError:
        return False
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and any(keys <= first.keys() for keys in OWN_KEYS)
