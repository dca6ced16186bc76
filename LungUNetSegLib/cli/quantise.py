"""`lungunetseg quantise`: adds a graph of 8-bit numbers to an exported model."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungUNetSegLib.cases.reading import tell
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.engines.quantise import quantise
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter

SLICES_PER_SCAN = 20
"""Evenly spaced; neighbouring slices would tell little more about the ranges of values."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("model", metavar="MODEL", help="the folder of an exported model")
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="SCAN",
        help="about ten scans the model was trained on, from head to abdomen: a DICOM folder or file, NIfTI, NRRD or "
        "MetaImage",
    )  # fmt: skip


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Calibrate with slices of the scans, write the graph, and compare it with the float32 one.

    Raises:
        LungUNetSegError: A model or scan cannot be used, or the graph differs too much.
    """
    segmenter = Segmenter(load_model(arguments.model), "onnxruntime", "cpu")
    slices = []
    for number, path in enumerate(arguments.inputs):
        progress("read", number, len(arguments.inputs))
        scan = read_scan(path)
        tell(str(path), scan.findings)
        slices += list(segmenter.network_input(scan.volume, SLICES_PER_SCAN))
    progress("quantise", 0, 1)
    model = quantise(segmenter.model, slices)
    progress.close()
    assert model.int8 is not None
    print(f"8-bit graph for {model.name!r}, calibrated on {len(slices)} slices: {model.int8.path}")
    return 0
