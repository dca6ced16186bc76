"""`lungunetseg segment`: segments one scan or many, and writes label maps."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from LungUNetSegLib.cli.arguments import add_outside_argument, csv_file, html_file, json_file, thread_count
from LungUNetSegLib.cli.dicom_results import (
    add_dicom_arguments,
    dicom_format,
    options_from,
    referred_scan,
    write_dicom,
)
from LungUNetSegLib.cli.network_arguments import add_network_arguments
from LungUNetSegLib.cli.outputs import add_overwrite_argument
from LungUNetSegLib.cli.progress import JsonProgress, ProgressView
from LungUNetSegLib.cli.segment_outputs import DEFAULT_FORMAT, FORMATS, check_written, named_outputs
from LungUNetSegLib.errors import one_line
from LungUNetSegLib.evaluation.report.lungs_page import write_lungs_page
from LungUNetSegLib.evaluation.report.preview import draw_aeration, draw_preview
from LungUNetSegLib.files import write_json
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import read_scan, write_labels
from LungUNetSegLib.io.images.files import data_files_anywhere
from LungUNetSegLib.io.images.write import write_image
from LungUNetSegLib.measures import acquisition_of
from LungUNetSegLib.measures.density_map import density_map
from LungUNetSegLib.measures.region_map import DIVISIONS, region_map
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segmentation.summary import report
from LungUNetSegLib.segmentation.table import write_table
from LungUNetSegLib.segments import LABEL_KINDS, SIDES
from LungUNetSegLib.volume.resample import limited_threads

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "inputs", type=Path, nargs="+", metavar="INPUT", help="a DICOM folder or file, NIfTI, NRRD or MetaImage"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="ends in .nii.gz, .nrrd, .mha, .seg.nrrd (a segmentation of 3D Slicer), .dcm (a DICOM SEG), .rtstruct.dcm"
        " or .sr.dcm (a report, with its SEG beside it); a folder for several inputs",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS, help=f"OUT is a folder for files of this kind; {DEFAULT_FORMAT} for several inputs"
    )
    add_network_arguments(parser)
    parser.add_argument("--threads", type=thread_count, metavar="N", help="CPU threads; as many as there are cores")
    parser.add_argument("--labels", choices=LABEL_KINDS, default="lr", help="right and left lung, or both as one")
    add_dicom_arguments(parser)
    parser.add_argument(
        "--dicom-reference", type=Path, metavar="FOLDER",
        help="the DICOM series that INPUT, an image file, was made from; DICOM results refer to it",
    )  # fmt: skip
    parser.add_argument("--series", metavar="UID", help="the DICOM series to read; see `lungunetseg info`")
    parser.add_argument(
        "--json", type=json_file, metavar="FILE", help="write volumes, findings, quality and times here (docs/json.md)"
    )
    parser.add_argument("--csv", type=csv_file, metavar="FILE", help="write a table of volumes, a row for each input")
    parser.add_argument(
        "--report", type=html_file, metavar="FILE",
        help="write a page of one scan: pictures, histogram, density, regions",
    )  # fmt: skip
    parser.add_argument(
        "--regions", type=Path, metavar="FILE", help="draw the lungs' regions as a label map, such as a .seg.nrrd"
    )
    parser.add_argument(
        "--divide", choices=DIVISIONS, default="thirds-by-height", help="what --regions draws (docs/measures.md)"
    )
    parser.add_argument(
        "--density-map", type=Path, metavar="FILE",
        help="write the lungs' local mean density as an image, HU on the scan's grid (docs/measures.md)",
    )  # fmt: skip
    add_overwrite_argument(parser)
    add_outside_argument(parser)
    parser.add_argument("--raw", action="store_true", help="write the network's output without postprocessing")


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Segment one scan or several; a scan that fails does not stop the others.

    Returns:
        0, or 1 if one of several failed.

    Raises:
        LungUNetSegError: A file that cannot be read or written, a model or engine that cannot be used.
    """
    inputs: list[Path] = arguments.inputs
    outputs = named_outputs(inputs, arguments.output, arguments.format)
    check_written(arguments, outputs)
    how = load_model(arguments.model), arguments.engine, arguments.device, arguments.threads
    summaries: list[dict[str, Any]] = []
    with ThreadPoolExecutor(1) as beside:
        opening = beside.submit(Segmenter, *how)  # its engine is loaded while the first scan is read
        try:
            for source, output in zip(inputs, outputs, strict=True):
                summaries.append(_segment_or_tell(source, output, opening, arguments, progress))
        finally:
            if summaries:  # the results of the finished scans are kept, also if the batch is interrupted
                _write_tables(arguments, summaries)
    failed = sum("error" in summary for summary in summaries)
    if failed:
        print(f"lungunetseg: {failed} of {len(inputs)} scans failed", file=sys.stderr)
    return int(failed > 0)


def _segment_or_tell(
    source: Path, output: Path, opening: Future[Segmenter], arguments: argparse.Namespace, progress: ProgressView
) -> dict[str, Any]:
    """Segment one scan and print its report; of several, one that fails is reported as such."""
    several = len(arguments.inputs) > 1
    try:
        summary = _segment_file(source, output, opening, arguments, progress)
    except Exception as error:  # also a lack of memory for one scan does not stop the others
        opening.result()  # without an engine every scan fails, and that is what is said
        if not several:
            raise
        logger.debug("%s failed", source, exc_info=True)
        summary = {"input": str(source), "error": one_line(error)}
    progress.close()
    if "error" in summary or not isinstance(progress, JsonProgress):
        _print(summary, str(source) if several else None)
    return summary


def _segment_file(
    source: Path, output: Path, opening: Future[Segmenter], arguments: argparse.Namespace, progress: ProgressView
) -> dict[str, Any]:
    """Segment one scan, write its labels and return its report."""
    started = time.perf_counter()
    progress("read", 0, 1)
    with limited_threads(arguments.threads), data_files_anywhere(arguments.allow_outside):
        scan = read_scan(source, arguments.series)
    progress("read", 1, 1)
    read_s = time.perf_counter() - started
    made = acquisition_of(scan.slices)
    segmenter = opening.result()
    result = segmenter.segment(
        scan.volume, labels=arguments.labels, raw=arguments.raw, acquisition=made, progress=progress
    )
    started = time.perf_counter()
    progress("write", 0, 1)
    told: tuple[Finding, ...] = ()
    if dicom_format(output):
        referred = referred_scan(scan, arguments.dicom_reference, arguments.series)
        told = write_dicom(output, result, referred, segmenter.model, options_from(arguments))
    else:
        write_labels(output, result.labels, result.segments, is_result=True, forms=scan.forms)
    seconds = {"read": read_s, **result.seconds, "write": time.perf_counter() - started}
    result = replace(result, findings=scan.findings + result.findings + told, seconds=seconds)
    progress("write", 1, 1)
    files = {"input": str(source), "series_uid": scan.series_uid, "output": str(output)}
    summary = report(result, segmenter.model) | files
    if arguments.regions:
        drawn, parts = region_map(result.labels, result.segments, arguments.divide)
        write_labels(arguments.regions, drawn, parts, is_result=True, forms=scan.forms)
    if arguments.density_map:
        write_image(arguments.density_map, density_map(result.labels, scan.volume), is_result=True)
    if arguments.report:
        preview = draw_preview(scan.volume, result.labels, result.segments)
        write_lungs_page(arguments.report, summary, preview, draw_aeration(scan.volume, result.labels))
    return summary


def _print(summary: dict[str, Any], title: str | None) -> None:
    """Print the volumes and findings; with several inputs, the input's name comes first."""
    prefix = f"{title}: " if title else ""
    if "error" in summary:
        print(f"{prefix}{summary['error']}", file=sys.stderr)
        return
    volumes_ml, mean_hu = summary["volumes_ml"], summary["mean_hu"]
    parts = [
        f"{name} lung {volumes_ml[name]:.0f} ml" + (f" ({mean_hu[name]:.0f} HU)" if mean_hu[name] is not None else "")
        for name in SIDES
        if volumes_ml[name] is not None
    ]
    print(prefix + ", ".join([*parts, f"total {volumes_ml['total']:.0f} ml"]))
    for finding in summary["findings"]:
        print(f"{prefix}note: {finding['message']}")


def _write_tables(arguments: argparse.Namespace, summaries: Sequence[dict[str, Any]]) -> None:
    if arguments.json:
        write_json(arguments.json, summaries if len(arguments.inputs) > 1 else summaries[0])
    if arguments.csv:
        write_table(arguments.csv, summaries)
