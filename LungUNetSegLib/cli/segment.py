"""`lungunetseg segment`: from a scan's files to a label map's file."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from LungUNetSegLib.cli.progress import JsonProgress, Progress
from LungUNetSegLib.inference.engines import DEVICES, ENGINES
from LungUNetSegLib.inference.model import DEFAULT_MODEL, load_model
from LungUNetSegLib.inference.report import report
from LungUNetSegLib.inference.segmenter import LABEL_KINDS, segment
from LungUNetSegLib.io import check_writable, read_scan, write_labels
from LungUNetSegLib.io.atomic import check_replaceable, replacing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("input", type=Path, metavar="INPUT", help="a DICOM folder or file, NIfTI, NRRD or MetaImage")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT",
        help="ends in .nii.gz, .nrrd, .mha, or .seg.nrrd (a segmentation of 3D Slicer)",
    )  # fmt: skip
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME|FILE", help="a shipped model, a model's folder or a checkpoint"
    )
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="what runs the network")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where it runs")
    parser.add_argument("--threads", type=_positive, metavar="N", help="CPU threads; one per core if not given")
    parser.add_argument("--labels", choices=LABEL_KINDS, default="lr", help="right and left lung, or both as one")
    parser.add_argument("--series", metavar="UID", help="the DICOM series to read; see `lungunetseg info`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write volumes, findings, quality and times here")
    parser.add_argument("--raw", action="store_true", help="what the network says, without postprocessing")


def run(arguments: argparse.Namespace, progress: Progress) -> int:
    """Segment one scan.

    Raises:
        LungUNetSegError: A file that cannot be read or written, a model or engine that cannot be used.
    """
    check_writable(arguments.output)
    if arguments.json:
        check_replaceable(arguments.json)
    model = load_model(arguments.model)
    started = time.perf_counter()
    progress("read", 0, 1)
    scan = read_scan(arguments.input, arguments.series)
    progress("read", 1, 1)
    read_s = time.perf_counter() - started
    result = segment(
        scan.volume,
        model,
        engine=arguments.engine,
        device=arguments.device,
        threads=arguments.threads,
        labels=arguments.labels,
        raw=arguments.raw,
        progress=progress,
    )
    started = time.perf_counter()
    progress("write", 0, 1)
    write_labels(arguments.output, result.labels, result.segments)
    seconds = {"read": read_s, **result.seconds, "write": time.perf_counter() - started}
    result = replace(result, findings=scan.findings + result.findings, seconds=seconds)
    entries = {"input": str(arguments.input), "series_uid": scan.series_uid, "output": str(arguments.output)}
    summary = report(result, model) | entries
    if arguments.json:
        _write_json(arguments.json, summary)
    progress("write", 1, 1)
    progress.close()
    if not isinstance(progress, JsonProgress):
        _print(summary)
    return 0


def _print(summary: dict[str, Any]) -> None:
    volumes_ml, mean_hu = summary["volumes_ml"], summary["mean_hu"]
    parts = [
        f"{name} lung {volumes_ml[name]:.0f} ml" + (f" ({mean_hu[name]:.0f} HU)" if mean_hu[name] is not None else "")
        for name in ("right", "left")
        if volumes_ml[name] is not None
    ]
    print(", ".join([*parts, f"total {volumes_ml['total']:.0f} ml"]))
    for finding in summary["findings"]:
        print(f"note: {finding['message']}")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with replacing(path, ".json") as draft:
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_positive.__name__ = "number of threads"  # argparse names it in its message
