"""The figures of docs/model_card.md: cross-validated accuracy by patient and lung, and what perturbations cost.

    python benchmarks/model_card.py --data DATA --runs runs/cv --out docs/model_card

`runs/cv` holds one training a fold (`lungunetseg train --folds K --fold I --out runs/cv/foldI`). Every case is
segmented by the network that did not see its patient, from the last checkpoint, so that nothing is chosen by the
test, and exported as a shipped network is, so that the default engine runs it. Results go to results.json and the
tables to tables.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from perturbations import DISEASE, INVARIANCE, Perturbation

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.metrics import count
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.volume import Volume

SEED = 20_26
Row = dict[str, object]


class HeldOut:
    """Each case with the network of the fold that did not see it."""

    def __init__(self, data: Path, runs: Path) -> None:
        folds = sorted(runs.glob("fold*/last.pt"))
        if not folds:
            raise SystemExit(f"{runs} holds no fold*/last.pt; train the folds first.")
        cases = {case.case_id: case for case in find_cases(data)}
        fold_of = {name: fold for fold in folds for name in load_checkpoint(fold).split.test}
        self.cases = [cases[name] for name in sorted(fold_of)]
        models = {fold: export(fold, fold.parent / "model", fold.parent.name) for fold in folds}
        segmenters = {fold: Segmenter(model, "onnxruntime", "cpu") for fold, model in models.items()}
        self._segmenter_of = {name: segmenters[fold] for name, fold in fold_of.items()}

    def volumes(self) -> Iterator[tuple[Case, LabelledScan]]:
        """Cases of more than one slice."""
        for case in self.cases:
            pair = read_pair(case)
            if min(pair.ct.canonical().array.shape[:1]) > 1:
                yield case, pair

    def slices(self) -> Iterator[tuple[Case, LabelledScan]]:
        """Cases of a single slice."""
        for case in self.cases:
            pair = read_pair(case)
            if pair.ct.canonical().array.shape[0] == 1:
                yield case, pair

    def segment(self, case: Case, scan: Volume) -> Segmentation:
        """Segment with the network that did not see the case's patient."""
        return self._segmenter_of[case.case_id].segment(scan)


def volume_rows(held_out: HeldOut) -> list[Row]:
    """Every score of each lung of each volume."""
    rows: list[Row] = []
    for case, pair in held_out.volumes():
        result = held_out.segment(case, pair.ct)
        for region in compare(result.labels, pair.labels).regions[:2]:
            scores = {name: getattr(region, name) for name in ("dsc", "hd95_mm", "mean_surface_mm", "surface_dsc_2mm")}
            rows.append({"case": case.case_id, "lung": region.name, **scores, **record(result)})
        print(rows[-2:], flush=True)
    return rows


def slice_rows(held_out: HeldOut) -> list[Row]:
    """DSC of both lungs together and of each, and what is found where there is none, for each single slice."""
    rows: list[Row] = []
    for case, pair in held_out.slices():
        result = held_out.segment(case, pair.ct)
        known = np.ones(pair.ct.array.shape, bool) if pair.ignore is None else ~pair.ignore.array
        found, truth = result.labels.array[known], pair.labels.array[known]
        row: Row = {"case": case.case_id, "dsc": float(count(found > 0, truth > 0).dsc)}
        row |= {lung.name: float(count(found == lung.label, truth == lung.label).dsc) for lung in LUNGS}
        row["found_ml"] = float((found > 0).sum() * pair.ct.geometry.voxel_volume_ml)
        row["reference_ml"] = float((truth > 0).sum() * pair.ct.geometry.voxel_volume_ml)
        rows.append(row | record(result))
    return rows


def perturbation_rows(held_out: HeldOut, perturbations: dict[str, Perturbation]) -> list[Row]:
    """What each perturbation costs each lung of each volume, in DSC against the unperturbed scan's."""
    rows: list[Row] = []
    for case, pair in held_out.volumes():
        plain = held_out.segment(case, pair.ct).labels.array
        before = [float(count(plain == lung.label, pair.labels.array == lung.label).dsc) for lung in LUNGS]
        for name, perturb in perturbations.items():
            scan, reference = perturb(pair.ct, pair.labels, np.random.default_rng(SEED))
            result = held_out.segment(case, Volume(np.ascontiguousarray(scan.array), scan.geometry))
            for lung, old in zip(LUNGS, before, strict=True):
                dsc = float(count(result.labels.array == lung.label, reference.array == lung.label).dsc)
                rows.append({"perturbation": name, "case": case.case_id, "lung": lung.name, "dsc": dsc, "plain": old})
            print(rows[-2:], flush=True)
    return rows


def record(result: Segmentation) -> Row:
    """What the result says of itself."""
    return {"confidence": result.quality["confidence"], "findings": [finding.code for finding in result.findings]}


def table(rows: list[list[str]]) -> str:
    """Return a Markdown table; the first row is the head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body]) + "\n"


def volume_table(rows: list[Row]) -> str:
    """One line a lung, then mean and worst."""
    keys = ("dsc", "hd95_mm", "mean_surface_mm", "surface_dsc_2mm")
    lines = [["case", "lung", "DSC", "HD95 mm", "mean distance mm", "surface DSC 2 mm", "warnings"]]
    for row in rows:
        warnings = ", ".join(row["findings"])  # type: ignore[arg-type]
        lines.append([str(row["case"]), str(row["lung"]), *(f"{row[key]:.3f}" for key in keys), warnings])
    values = np.array([[row[key] for key in keys] for row in rows], float)
    worst = [values[:, 0].min(), values[:, 1].max(), values[:, 2].max(), values[:, 3].min()]
    lines.append(["**mean**", "", *(f"**{value:.3f}**" for value in values.mean(0)), ""])
    lines.append(["**worst**", "", *(f"**{value:.3f}**" for value in worst), ""])
    return table(lines)


def slice_table(rows: list[Row]) -> str:
    """Summary of the single slices, then each under 0.95."""
    lung = [row for row in rows if row["reference_ml"]]
    empty = [row for row in rows if not row["reference_ml"]]
    scores = np.array([row["dsc"] for row in lung], float)
    found = np.array([row["found_ml"] for row in empty], float)
    text = (
        f"{len(lung)} slices with lung: mean DSC {scores.mean():.3f}, worst {scores.min():.3f}. "
        f"{len(empty)} without: nothing found in {(found == 0).sum()}, at most {found.max():.2f} ml.\n\n"
    )
    lines = [["slice", "DSC", "right", "left", "reference ml", "warnings"]]
    for row in sorted(lung, key=lambda each: float(str(each["dsc"]))):
        if float(str(row["dsc"])) < 0.95:
            values = [f"{row[key]:.3f}" for key in ("dsc", "Right lung", "Left lung")]
            lines.append([str(row["case"]), *values, f"{row['reference_ml']:.1f}", ", ".join(row["findings"])])  # type: ignore[arg-type]
    return text + table(lines)


def perturbation_table(rows: list[Row]) -> str:
    """One line a perturbation: mean and worst DSC over all lungs, and mean and worst cost."""
    lines = [["", "mean DSC", "worst DSC", "mean cost", "worst cost"]]
    for name in dict.fromkeys(row["perturbation"] for row in rows):
        mine = [row for row in rows if row["perturbation"] == name]
        dsc = np.array([row["dsc"] for row in mine], float)
        cost = np.array([row["plain"] for row in mine], float) - dsc
        lines.append([str(name), *(f"{value:.3f}" for value in (dsc.mean(), dsc.min(), cost.mean(), cost.max()))])
    return table(lines)


def disease_table(rows: list[Row]) -> str:
    """The same of the lung that is ill; the other one would hide what it costs."""
    ill = {name: LUNGS[disease.label - 1].name for name, disease in DISEASE.items()}
    return perturbation_table([row for row in rows if row["lung"] == ill[str(row["perturbation"])]])


def _named(perturbations: dict[str, Perturbation], texts: list[str]) -> dict[str, Perturbation]:
    """Those with one of `texts` in their name."""
    return {name: each for name, each in perturbations.items() if any(text in name for text in texts)}


def main() -> None:
    """Compute everything, or only the named parts, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["volumes", "slices", "invariance", "disease"])
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT", help="perturbations with this in their name")
    arguments = parser.parse_args()
    invariance, disease = (_named(each, arguments.only) for each in (INVARIANCE, DISEASE))
    held_out = HeldOut(arguments.data, arguments.runs)
    parts = {
        "volumes": (lambda: volume_rows(held_out), volume_table),
        "slices": (lambda: slice_rows(held_out), slice_table),
        "invariance": (lambda: perturbation_rows(held_out, invariance), perturbation_table),
        "disease": (lambda: perturbation_rows(held_out, disease), disease_table),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "results.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name in arguments.parts:
        results[name] = parts[name][0]()
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = "\n".join(f"## {name.capitalize()}\n\n{parts[name][1](rows)}" for name, rows in results.items())
    (arguments.out / "tables.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
