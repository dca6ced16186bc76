"""`lungunetseg crop`: writes the box around a scan's lungs as an image and a mask, with its position in the patient."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungUNetSegLib.cases.reading import checked
from LungUNetSegLib.cli.arguments import add_outside_argument
from LungUNetSegLib.cli.meanings import add_map_argument, meanings_of
from LungUNetSegLib.cli.outputs import add_overwrite_argument, check_outputs
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import Scan, read_scan, write_image, write_labels
from LungUNetSegLib.io.images.files import data_files_anywhere
from LungUNetSegLib.io.images.write import check_image_output
from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.io.masks.read import LoadedMask
from LungUNetSegLib.models.model import DEFAULT_MODEL, load_model
from LungUNetSegLib.region import crop, lung_box, lung_box_of_wang, suppress_outside
from LungUNetSegLib.segmentation.segmenter import segment
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS, LabelKind
from LungUNetSegLib.volume import Volume


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("input", type=Path, metavar="SCAN", help="a DICOM folder or file, NIfTI, NRRD or MetaImage")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="ends in .nii.gz, .nrrd or .mha; the lungs' mask in the box is written beside it, as OUT_lungs",
    )  # fmt: skip
    parser.add_argument("--mask", type=Path, metavar="FILE", help="mask of the lungs; if absent, they are segmented")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME|FILE", help="the model that segments them")
    parser.add_argument(
        "--margin", type=float, default=0.0, metavar="MM", help="margin around the lungs; 0 if not given"
    )
    parser.add_argument(
        "--rule", choices=("margin", "wang2020"), default="margin",
        help="box around all of the lungs, or without the slices that Wang 2020 leaves out",
    )  # fmt: skip
    parser.add_argument(
        "--suppress", action="store_true", help="clip voxels outside the lungs to 4 SD around the lungs' mean"
    )
    parser.add_argument("--series", metavar="UID", help="the DICOM series to read; see `lungunetseg info`")
    add_map_argument(parser)
    add_overwrite_argument(parser)
    add_outside_argument(parser)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Cut out the box, write image and mask, and print the box's position.

    Raises:
        LungUNetSegError: A file that cannot be read or written, a mask of another scan, or no lung.
    """
    if arguments.margin and arguments.rule == "wang2020":
        raise ConfigError("The box of --rule wang2020 has no margin; leave out --margin, or --rule.")
    output: Path = arguments.output
    ending = check_image_output(output)
    mask_output = output.with_name(f"{output.name[: -len(ending)]}_lungs{ending}")
    check_image_output(mask_output)
    inputs = [arguments.input, *([arguments.mask] if arguments.mask else [])]
    check_outputs(inputs, [output, mask_output], overwrite=arguments.overwrite)
    progress("read", 0, 1)
    with data_files_anywhere(arguments.allow_outside):
        read = read_scan(arguments.input, arguments.series)
        found = _lungs(read, arguments, progress)
    scan, lungs = read.volume, found.labels
    box = lung_box_of_wang(lungs) if arguments.rule == "wang2020" else lung_box(lungs, arguments.margin)
    image, mask = crop(scan, box), crop(lungs, box)
    if arguments.suppress:
        image = Volume(suppress_outside(image.array, mask.array > 0), image.geometry)
    progress("write", 0, 1)
    write_image(output, image, is_result=True)
    write_labels(mask_output, mask, LUNGS if mask.array.max() > 1 else BOTH_LUNGS, is_result=True)
    progress.close()
    ranges = ", ".join(
        f"{name} {low + 1} to {high}"
        for name, low, high in zip(("slices", "rows", "columns"), box.start, box.stop, strict=True)
    )
    print(f"{ranges} of {' x '.join(map(str, scan.geometry.shape))}: {output}, {mask_output}")
    for finding in read.findings + found.findings:
        print(f"note: {finding.message}")
    return 0


def _lungs(scan: Scan, arguments: argparse.Namespace, progress: ProgressView) -> LoadedMask:
    if arguments.mask:
        return _given(arguments.mask, scan, arguments)
    model = load_model(arguments.model)
    labels: LabelKind = "lr" if model.channels > 1 else "binary"
    result = segment(scan.volume, model, labels=labels, progress=progress)
    return LoadedMask(result.labels, result.findings)


def _given(path: Path, scan: Scan, arguments: argparse.Namespace) -> LoadedMask:
    """Read the mask; one that does not lie on the lungs is remarked upon, as it can be cut out all the same."""
    mask = read_mask_of(path, scan, meanings_of(arguments))
    try:
        return checked(mask, scan.volume, path)[0]
    except DataError as error:
        return LoadedMask(mask.labels, (*mask.findings, Finding("mask-off-lung", str(error))))
