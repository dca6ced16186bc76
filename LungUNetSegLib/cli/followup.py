"""`lungunetseg followup`: measures what changed in a patient's lungs from one scan to the next."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from LungUNetSegLib.cases.reading import checked, read_mask_on
from LungUNetSegLib.cli.arguments import csv_file, html_file, json_file, thread_count
from LungUNetSegLib.cli.lines import print_lines
from LungUNetSegLib.cli.meanings import add_map_argument, meanings_of
from LungUNetSegLib.cli.network_arguments import add_network_arguments
from LungUNetSegLib.cli.outputs import add_overwrite_argument, check_outputs
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.files import check_replaceable, write_json
from LungUNetSegLib.followup.alignment import bring
from LungUNetSegLib.followup.compared import Followup, compare_dates, record, write_changes_csv
from LungUNetSegLib.followup.page import SHOWN, write_dates_page
from LungUNetSegLib.followup.pictures import draw_dates
from LungUNetSegLib.followup.reading import read_dated
from LungUNetSegLib.io import Scan
from LungUNetSegLib.io.images.write import check_image_output, write_image
from LungUNetSegLib.io.masks.read import LoadedMask
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segments import LUNG_TITLES
from LungUNetSegLib.volume.resample import limited_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("first", type=Path, metavar="FIRST", help="the earlier scan: DICOM, NIfTI, NRRD or MetaImage")
    parser.add_argument("second", type=Path, metavar="SECOND", help="the later scan")
    for name in ("first", "second"):
        parser.add_argument(
            f"--{name}-lungs", type=Path, metavar="MASK", help=f"mask of {name.upper()}'s lungs; segmented if absent"
        )
    for name in ("first", "second"):
        parser.add_argument(
            f"--{name}-series", metavar="UID", help=f"{name.upper()}'s DICOM series to read; see `lungunetseg info`"
        )
    add_map_argument(parser)
    parser.add_argument("--same-patient", action="store_true", help="compare scans of different patient IDs")
    add_network_arguments(parser)
    parser.add_argument("--threads", type=thread_count, metavar="N", help="CPU threads; as many as there are cores")
    parser.add_argument("--json", type=json_file, metavar="FILE", help="write all numbers as JSON (docs/json.md)")
    parser.add_argument("--csv", type=csv_file, metavar="FILE", help="write the changes as a table")
    parser.add_argument("--report", type=html_file, metavar="FILE", help="write a page with pictures")
    parser.add_argument(
        "--aligned", type=Path, metavar="FILE", help="write FIRST on SECOND's grid, aligned affinely, for linked views"
    )
    parser.add_argument(
        "--difference", type=Path, metavar="FILE",
        help="align by a deformation too, and write the local change of density in HU on SECOND's grid",
    )  # fmt: skip
    add_overwrite_argument(parser)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Compare two scans, print a table and the warnings, and write the requested files.

    Raises:
        LungUNetSegError: The scans cannot be read or compared, or a file cannot be written.
    """
    _check_outputs(arguments)
    with limited_threads(arguments.threads):
        found = _compare(arguments, progress)
        progress.close()
        about = record(found)
        if arguments.json:
            write_json(arguments.json, about)
        if arguments.csv:
            write_changes_csv(arguments.csv, found)
        if arguments.report:
            write_dates_page(arguments.report, about, draw_dates(found))
        if arguments.aligned:
            aligned = bring(found.first.scan.ct, found.second.scan.ct.geometry, found.affine)
            write_image(arguments.aligned, aligned, is_result=True)
        if arguments.difference and found.density is not None:
            write_image(arguments.difference, found.density, is_result=True)
    _print(found)
    return 0


def _check_outputs(arguments: argparse.Namespace) -> None:
    tables = [each for each in (arguments.json, arguments.csv, arguments.report) if each]
    images = [each for each in (arguments.aligned, arguments.difference) if each]
    for table in tables:
        check_replaceable(table)
    for image in images:
        check_image_output(image)
    inputs = [each for each in (arguments.first_lungs, arguments.second_lungs) if each]
    check_outputs([arguments.first, arguments.second, *inputs], [*tables, *images], overwrite=arguments.overwrite)


def _compare(arguments: argparse.Namespace, progress: ProgressView) -> Followup:
    sources: Sequence[Path] = (arguments.first, arguments.second)
    masks: Sequence[Path | None] = (arguments.first_lungs, arguments.second_lungs)
    segmenter = None
    if None in masks:
        segmenter = Segmenter(load_model(arguments.model), arguments.engine, arguments.device, arguments.threads)

    def lungs(mask: Path | None) -> Callable[[Scan], LoadedMask]:
        def find(scan: Scan) -> LoadedMask:
            if mask is not None:
                given = read_mask_on(mask, scan, meanings_of(arguments))
                return checked(given, scan.volume, mask)[0]
            assert segmenter is not None
            result = segmenter.segment(scan.volume, progress=progress)
            return LoadedMask(result.labels, result.findings)

        return find

    series = (arguments.first_series, arguments.second_series)
    first, second = (
        read_dated(source, lungs(mask), str(source), uid)
        for source, mask, uid in zip(sources, masks, series, strict=True)
    )
    return compare_dates(
        first, second, same_patient=arguments.same_patient, deform=bool(arguments.difference), progress=progress
    )


def _print(found: Followup) -> None:
    for lung, changes in found.lungs.items():
        if changes is None:
            print(f"{LUNG_TITLES[lung]}: missing in one of the scans")
            continue
        lines = [[LUNG_TITLES[lung], "first", "second", "change", "change, %"]]
        for name, change in changes.items():
            cells = (change["first"], change["second"], change["change"], change.get("change_percent"))
            lines.append([SHOWN[name], *("" if each is None else f"{each:.1f}" for each in cells)])
        print_lines(lines)
    best = found.deformable or found.affine
    print(f"aligned: DSC of the lungs {best.dsc:.3f}, mean distance of their surfaces {best.surface_mm:.1f} mm")
    for each in found.findings:
        print(f"note: {each.message}")
