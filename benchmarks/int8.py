"""What the 8-bit graph changes: its masks against float32's, and both against the references.

    python benchmarks/int8.py --data DATA [--model NAME|FOLDER] [--runs docs/model_card/folds/coarse_view]

Each scan is segmented twice by ONNX Runtime on the CPU, by the 8-bit and by the float32 graph, to final labels. With
`--runs`, each by the network of the fold that did not see it, whose 8-bit graph is made first, with slices of the
scans that it learnt from.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from held_out import open_fold, unseen_cases

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.cli.quantise import SLICES_PER_SCAN
from LungUNetSegLib.engines import EngineName
from LungUNetSegLib.engines.quantise import quantise
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segments import LUNGS

Row = dict[str, Any]

LEAST_SLICE_MM2 = 200.0
"""A lung's DSC in a slice counts from this area on."""


def models(arguments: argparse.Namespace, cases: dict[str, Case], scratch: Path) -> Iterator[tuple[Model, list[Case]]]:
    """Yield each model with the cases to judge it by."""
    if arguments.runs is None:
        yield load_model(arguments.model), list(cases.values())
        return
    for fold in sorted(path for path in arguments.runs.glob("fold*") if path.is_dir()):
        unseen = set(unseen_cases(fold))
        segmenter = Segmenter(open_fold(fold, scratch / fold.name), "onnxruntime", "cpu")
        scans = [read_pair(case).ct for name, case in cases.items() if name not in unseen]
        slices = [each for scan in scans for each in segmenter.network_input(scan, SLICES_PER_SCAN)]
        yield quantise(segmenter.model, slices), [cases[name] for name in sorted(unseen & set(cases))]


def compare(model: Model, case: Case) -> Iterator[Row]:
    """Yield a row for each lung that both graphs or the reference show."""
    pair = read_pair(case)
    known = np.ones(pair.ct.array.shape, bool) if pair.ignore is None else ~pair.ignore.array
    engines: tuple[EngineName, ...] = ("auto", "onnxruntime")
    fast, plain = (Segmenter(model, engine, "cpu").segment(pair.ct) for engine in engines)
    if not fast.engine.endswith("int8"):
        raise SystemExit(f"The 8-bit graph does not run here ({fast.engine}).")
    changed = {finding.code for finding in fast.findings} ^ {finding.code for finding in plain.findings}
    mm2 = pair.ct.canonical().geometry.voxel_volume_ml * 1000 / pair.ct.canonical().geometry.spacing_mm[0]
    for lung in LUNGS:
        masks = [each.canonical().array == lung.label for each in (fast.labels, plain.labels)]
        sizes = np.array([mask.sum(axis=(1, 2)) for mask in masks])
        shared = (masks[0] & masks[1]).sum(axis=(1, 2))
        large = sizes[1] * mm2 >= LEAST_SLICE_MM2
        worst = (2 * shared / np.maximum(sizes.sum(axis=0), 1))[large].min(initial=1.0)
        truth = (pair.labels.array == lung.label) & known
        scores = [float(count((each.labels.array == lung.label) & known, truth).dsc) for each in (fast, plain)]
        yield {
            "case": case.case_id, "lung": lung.name, "agree": float(2 * shared.sum() / max(sizes.sum(), 1)),
            "worst_slice": float(worst), "int8": scores[0], "float32": scores[1],
            "ml": float(truth.sum() * pair.ct.geometry.voxel_volume_ml), "findings": sorted(changed),
            "slices": len(large),
        }  # fmt: skip


def table(rows: list[Row]) -> str:
    """Return a Markdown table of the volumes, and a line on the single slices."""
    lines = [
        "| case | lung | agree | worst slice | DSC, int8 | DSC, float32 | findings that differ |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["slices"] != 1 and row["ml"]:
            numbers = f"{row['agree']:.4f} | {row['worst_slice']:.3f} | {row['int8']:.4f} | {row['float32']:.4f}"
            lines.append(f"| {row['case']} | {row['lung']} | {numbers} | {', '.join(row['findings'])} |")
    kinds = {
        "volumes": [row for row in rows if row["slices"] != 1],
        "slices": [row for row in rows if row["slices"] == 1],
    }
    for name, some in kinds.items():
        scores = np.array([[row["int8"], row["float32"]] for row in some if row["ml"]], float)
        if len(scores):
            int8, float32 = scores.mean(axis=0)
            agree, worst = np.mean([[row["agree"], row["worst_slice"]] for row in some if row["ml"]], axis=0)
            cost, changed = scores[:, 1] - scores[:, 0], sum(bool(row["findings"]) for row in some)
            lines.append(
                f"\n{name}: {len(scores)} lungs, mean DSC {int8:.4f} with int8 and {float32:.4f} in float32; cost "
                f"{cost.mean():.5f}, at most {cost.max():.4f}; mean agreement {agree:.4f}, worst slice {worst:.3f}; "
                f"findings differ in {changed} of {len(some)} lungs"
            )
    return "\n".join(lines)


def main() -> None:
    """Compare, keep the rows as JSON if asked, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="lungs")
    parser.add_argument("--runs", type=Path, help="kept folds, instead of one model")
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT", help="cases with this in their name")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the rows here")
    arguments = parser.parse_args()
    cases = {case.case_id: case for case in find_cases(arguments.data)}
    cases = {name: case for name, case in cases.items() if any(text in name for text in arguments.only)}
    with tempfile.TemporaryDirectory() as scratch:
        rows = [
            row
            for model, some in models(arguments, cases, Path(scratch))
            for case in some
            for row in compare(model, case)
        ]
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
