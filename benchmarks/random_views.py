"""What a model makes of scans as they come: parts of patients, cropped anywhere, with raised arms and metal.

    python benchmarks/random_views.py --data DATA --out views.json [--model lungs]
    python benchmarks/random_views.py --data DATA --out views.json --runs docs/model_card/folds/coarse_view

Views are those of training (data/sampled_views.py), drawn anew by a seed of each case, without disease: a scan that
begins and ends anywhere, a rectangle around a lung or anywhere in the body, a round field of view, arms, metal and its
streaks. A rectangle is all there is of such a scan. Prints the lungs that are wrong, then the summary. The shipped
network has learnt from some of these patients, though not from these views: the figures compare postprocessing. With
--runs the networks of folds are scored instead, each on the volumes of patients that it did not see (held_out.py).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from held_out import HeldOut
from model_card import far_ml

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.network_slices import preprocess
from LungUNetSegLib.data.overview import overview
from LungUNetSegLib.data.sampled_views import ViewConfig, sample_view
from LungUNetSegLib.data.views import View, show
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.probabilities import hard_labels
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.training.presets import LUNGS as PRESET
from LungUNetSegLib.volume import Geometry, Volume

VIEWS = ViewConfig(shorter=0.6, narrower=0.3, rounded=0.15, arms=0.4, metal=0.4)
LEAST_SLICES = 8
LEAST_ML = 30.0
"""The DSC of a smaller lung is not counted."""

WRONG_DSC, WRONG_FAR_ML = 0.95, 0.5
BAD_DSC, BAD_EXCHANGED_ML, BAD_FAR_ML = 0.9, 20.0, 5.0
"""A view is bad if a lung's DSC is lower, or more is called the other lung, or lies far from any."""

Row = dict[str, Any]


def random_views(case: Case, pair: LabelledScan, number: int) -> Iterator[tuple[str, Volume, Volume]]:
    """Yield what each view shows, in words, its scan, and its lungs."""
    config = PRESET.preprocess
    hu, target = preprocess(pair, config)
    slice_mm = pair.ct.canonical().geometry.spacing_mm[0]
    scan = overview(CachedCase(case, "", hu, target, slice_mm), config)
    rng = np.random.default_rng([ord(letter) for letter in case.case_id])
    for _ in range(number):
        view = sample_view(scan, VIEWS, None, rng)
        slices = np.arange(*view.slices)
        parts = hu[slices].astype(np.float32), target[slices] / np.float32(255)
        images = show(view, *map(torch.from_numpy, parts), slices, slice_mm, config.spacing_mm, 1)
        shown, lungs = (each.numpy() for each in images)
        rows, columns = _scanned(view, shown.shape[1:])
        array = np.ascontiguousarray(shown[:, rows, columns]).round().astype(np.int16)
        labels = hard_labels(lungs[:, :2, rows, columns], 0.5)
        grid = Geometry.axial(array.shape, (slice_mm, config.spacing_mm, config.spacing_mm))
        yield _described(view, hu.shape[1:], slice_mm), Volume(array, grid), Volume(labels, grid)


def _scanned(view: View, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the rows and columns that a view's rectangle has on the grid."""
    spans = zip((view.rows, view.columns), view.move, size, strict=True)
    rows, columns = (slice(max(0, start + by), min(length, stop + by)) for (start, stop), by, length in spans)
    return rows, columns


def _described(view: View, size: tuple[int, ...], slice_mm: float) -> str:
    kinds = {
        "arms": view.arms,
        "metal": view.metal,
        "rectangle": (view.rows, view.columns) != ((0, size[0]), (0, size[1])),
        "round": np.isfinite(view.radius_mm),
    }
    length_mm = (view.slices[1] - view.slices[0]) * slice_mm
    return " ".join([*(kind for kind, there in kinds.items() if there), f"{length_mm:.0f} mm"])


def score(found: Volume, truth: Volume) -> list[Row]:
    """Return each lung's scores in one view."""
    ml, far = truth.geometry.voxel_volume_ml, far_ml(found, truth)
    rows: list[Row] = []
    for lung, other in zip(LUNGS, reversed(LUNGS), strict=True):
        mine = truth.array == lung.label
        dsc = float(count(found.array == lung.label, mine).dsc) if mine.sum() * ml >= LEAST_ML else None
        exchanged = float((mine & (found.array == other.label)).sum() * ml)
        values = {"ml": float(mine.sum() * ml), "found_ml": float((found.array == lung.label).sum() * ml)}
        rows.append({"lung": lung.name, "dsc": dsc, **values, "exchanged_ml": exchanged, "far_ml": far})
    return rows


def main() -> None:
    """Score every view, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=Path, help="folder of fold*, whose networks are scored instead")
    parser.add_argument("--model", default="", help="with --runs, one model for the same volumes; lungs without")
    parser.add_argument("--views", type=int, default=14, help="of each volume")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for case, pair, segment in _volumes(arguments.data, arguments.runs, arguments.model):
        if len(pair.ct.canonical().array) < LEAST_SLICES:
            continue
        for number, (kinds, scan, truth) in enumerate(random_views(case, pair, arguments.views)):
            result = segment(scan)
            about = {"case": case.case_id, "view": number, "kinds": kinds}
            findings = [finding.code for finding in result.findings]
            rows += [about | row | {"findings": findings} for row in score(result.labels.canonical(), truth)]
            for row in rows[-2:]:
                if (row["dsc"] is not None and row["dsc"] < WRONG_DSC) or row["far_ml"] > WRONG_FAR_ML:
                    print(row, flush=True)
    arguments.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(summary(rows))
    print(marked(rows))


def _volumes(
    data: Path, runs: Path | None, model: str
) -> Iterator[tuple[Case, LabelledScan, Callable[[Volume], Segmentation]]]:
    """Yield each volume with what segments its views."""
    if runs is None:
        segmenter = Segmenter(load_model(model or "lungs"))
        for case in find_cases(data, PRESET.exclude):
            yield case, read_pair(case), segmenter.segment
        return
    with tempfile.TemporaryDirectory() as scratch:
        held_out = HeldOut(data, runs, Path(scratch), model)
        for case, pair in held_out.volumes():
            yield case, pair, partial(held_out.segment, case)


def summary(rows: list[Row]) -> str:
    """Return one sentence of all views."""
    dsc = np.array([row["dsc"] for row in rows if row["dsc"] is not None])
    far = np.array([row["far_ml"] for row in rows[::2]])
    return (
        f"{len(dsc)} lungs of {LEAST_ML:.0f} ml and more in {len(far)} views: mean DSC {dsc.mean():.4f}, median "
        f"{np.median(dsc):.4f}, {(dsc < WRONG_DSC).sum()} below {WRONG_DSC}, {(dsc < 0.5).sum()} below 0.5; "
        f"parts of more than {WRONG_FAR_ML} ml far from any lung in {(far > WRONG_FAR_ML).sum()} views, "
        f"{far.sum():.0f} ml in all; {sum(row['exchanged_ml'] for row in rows):.0f} ml of the other side."
    )


def marked(rows: list[Row]) -> str:
    """Return how many of the bad and of the other views have each finding."""
    views = list(zip(rows[::2], rows[1::2], strict=True))
    bad = [is_bad(view) for view in views]
    lines = [f"| | of {sum(bad)} bad views | of {len(views) - sum(bad)} others |", "|---|---|---|"]
    for code in sorted({code for row in rows for code in row["findings"]}):
        has = [code in view[0]["findings"] for view in views]
        counts = [sum(each and worse is of for each, worse in zip(has, bad, strict=True)) for of in (True, False)]
        lines.append(f"| {code} | {counts[0]} | {counts[1]} |")
    return "\n".join(lines)


def is_bad(view: tuple[Row, Row]) -> bool:
    """Whether a view's result would mislead."""
    scores = [row["dsc"] for row in view if row["dsc"] is not None]
    exchanged = max(row["exchanged_ml"] for row in view)
    return min(scores, default=1.0) < BAD_DSC or exchanged > BAD_EXCHANGED_ML or view[0]["far_ml"] > BAD_FAR_ML


if __name__ == "__main__":
    main()
