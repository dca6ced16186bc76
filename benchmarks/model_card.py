"""The figures of docs/model_card.md: cross-validated accuracy by patient and lung, and what perturbations cost.

    python benchmarks/model_card.py --data DATA --runs docs/model_card/folds/coarse_view --out docs/model_card

`--runs` holds one folder a fold: those that are kept (held_out.py), or trainings (`lungunetseg train --folds K --fold I
--out runs/cv/foldI`). Every case is segmented by the network that did not see its patient, which its own split says,
from the last checkpoint, so that nothing is chosen by the test, and exported as a shipped network is, so that the
default engine runs it. Results go to results.json and the tables to tables.md. `--model NAME` scores one model on the
same cases instead, whatever it has seen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from crops import CROPS, cut
from held_out import HeldOut
from painted_disease import DISEASE
from perturbations import INVARIANCE, Perturbation
from scipy import ndimage

from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.metrics import count
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume

SEED = 20_26
FAR_MM = 10.0
LEAST_SHARE = 0.05
"""A crop that holds less of a lung is not of that lung."""

WHOLE_CHEST_MM = 180.0
"""Lungs that are this long are whole, or nearly: those of partial views have at most 150 mm."""

PARTS = ("volumes", "slices", "empty", "crops", "invariance", "disease")
Row = dict[str, object]


def volume_rows(held_out: HeldOut) -> list[Row]:
    """Every score of each lung of each volume."""
    rows: list[Row] = []
    for case, pair in held_out.volumes():
        result = held_out.segment(case, pair.ct)
        for region in compare(result.labels, pair.labels).regions[:2]:
            scores = {name: getattr(region, name) for name in ("dsc", "hd95_mm", "mean_surface_mm", "surface_dsc_2mm")}
            far = {"far_ml": far_ml(result.labels, pair.labels)}
            rows.append({"case": case.case_id, "lung": region.name, **scores, **far, **record(result)})
        print(rows[-2:], flush=True)
    return rows


def far_ml(found: Volume, reference: Volume) -> float:
    """Volume of the largest part of what was found that lies more than FAR_MM from any reference lung; all if none."""
    if not (reference.array > 0).any():
        far = found.array > 0
    else:
        distance = ndimage.distance_transform_edt(reference.array == 0, sampling=reference.geometry.spacing_mm)
        far = (found.array > 0) & (distance > FAR_MM)
    parts, count = ndimage.label(far)
    return float(np.bincount(parts[parts > 0]).max() * found.geometry.voxel_volume_ml) if count else 0.0


def empty_rows(held_out: HeldOut) -> list[Row]:
    """For each volume, its slices without any reference lung, and what is found in them."""
    rows: list[Row] = []
    for case, pair in held_out.volumes():
        reference = pair.labels.canonical().array
        found = held_out.segment(case, pair.ct).labels.canonical().array
        empty = ~(reference > 0).any(axis=(1, 2))
        ml = (found[empty] > 0).sum(axis=(1, 2)) * pair.ct.geometry.voxel_volume_ml
        values = {"slices": int(empty.sum()), "found_in": int((ml > 0).sum()), "most_ml": float(ml.max(initial=0.0))}
        rows.append({"case": case.case_id, **values})
    return rows


def crop_rows(held_out: HeldOut) -> list[Row]:
    """What each crop of each whole-chest volume costs each lung of it, and whether sides were exchanged."""
    rows: list[Row] = []
    for case, pair in held_out.volumes():
        scan, reference = pair.ct.canonical(), pair.labels.canonical()
        if not is_whole_chest(reference):
            continue
        whole = held_out.segment(case, scan).labels
        for name, crop in CROPS.items():
            box = crop(reference)
            truth, before = cut(reference, box).array, cut(whole, box).array
            result = held_out.segment(case, cut(scan, box))
            found = result.labels.array
            for lung, other in zip(LUNGS, reversed(LUNGS), strict=True):
                mine = truth == lung.label
                if mine.sum() < LEAST_SHARE * (reference.array == lung.label).sum():
                    continue  # a sliver of the other lung at the edge of a rectangle
                dsc, plain = (float(count(each == lung.label, mine).dsc) for each in (found, before))
                swapped = int((found[mine] == other.label).sum()) > int((found[mine] == lung.label).sum())
                row = {"perturbation": name, "case": case.case_id, "lung": lung.name, "dsc": dsc, "plain": plain}
                row |= {"ml": float(mine.sum() * scan.geometry.voxel_volume_ml), "swapped": swapped}
                rows.append({**row, **record(result)})
        print(rows[-2:], flush=True)
    return rows


def is_whole_chest(reference: Volume) -> bool:
    """Whether both lungs end within a canonical reference, but for a slice at either end."""
    at = np.flatnonzero((reference.array > 0).any(axis=(1, 2)))
    if not len(at) or min(np.count_nonzero(reference.array == lung.label) for lung in LUNGS) == 0:
        return False
    length_mm = (at[-1] - at[0]) * reference.geometry.spacing_mm[0]
    return bool(length_mm > WHOLE_CHEST_MM)


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
                row: Row = {"perturbation": name, "case": case.case_id, "lung": lung.name, "dsc": dsc, "plain": old}
                false = (result.labels.array == lung.label) & (reference.array == 0)
                row["false_ml"] = float(false.sum() * scan.geometry.voxel_volume_ml)
                rows.append(row | record(result))
            print(rows[-2:], flush=True)
    return rows


def record(result: Segmentation) -> Row:
    """What the result says of itself."""
    names = ("confidence", "coarse_dsc", "coarse_far_ml", "coarse_side_ml")
    numbers = {name: result.quality.get(name) for name in names}
    return {**numbers, "findings": [finding.code for finding in result.findings]}


def table(rows: list[list[str]]) -> str:
    """Return a Markdown table; the first row is the head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body]) + "\n"


def volume_table(rows: list[Row]) -> str:
    """One line a lung, then mean and worst."""
    keys = ("dsc", "hd95_mm", "mean_surface_mm", "surface_dsc_2mm", "far_ml")
    head = ["DSC", "HD95 mm", "mean distance mm", "surface DSC 2 mm", "largest part far off, ml"]
    lines = [["case", "lung", *head, "warnings"]]
    for row in rows:
        warnings = ", ".join(row["findings"])  # type: ignore[arg-type]
        lines.append([str(row["case"]), str(row["lung"]), *(f"{row[key]:.3f}" for key in keys), warnings])
    values = np.array([[row[key] for key in keys] for row in rows], float)
    values = values[np.isfinite(values[:, 0])]
    worst = [values[:, 0].min(), *values[:, 1:3].max(0), values[:, 3].min(), values[:, 4].max()]
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
    lines = [["", "mean DSC", "worst DSC", "mean cost", "worst cost", "mean false ml", "most false ml"]]
    for name in dict.fromkeys(row["perturbation"] for row in rows):
        mine = [row for row in rows if row["perturbation"] == name]
        dsc = np.array([row["dsc"] for row in mine], float)
        false = np.array([row.get("false_ml", np.nan) for row in mine], float)
        known = np.isfinite(dsc)  # no DSC where no lung is left and none was found
        cost = (np.array([row["plain"] for row in mine], float) - dsc)[known]
        values = (dsc[known].mean(), dsc[known].min(), cost.mean(), cost.max()) if known.any() else (np.nan,) * 4
        millilitres = (f"{value:.1f}" for value in (false.mean(), false.max()))
        lines.append([str(name), *(f"{value:.3f}" for value in values), *millilitres])
    return table(lines)


def crop_table(rows: list[Row]) -> str:
    """As for perturbations, and how often sides were exchanged."""
    swapped = sum(bool(row["swapped"]) for row in rows)
    return f"{perturbation_table(rows)}\n{len(rows)} lungs in crops; sides exchanged in {swapped}.\n"


def empty_table(rows: list[Row]) -> str:
    """One line a volume that has slices without lung."""
    lines = [["case", "slices without lung", "found in", "most ml in a slice"]]
    for row in rows:
        if row["slices"]:
            lines.append([str(row["case"]), str(row["slices"]), str(row["found_in"]), f"{row['most_ml']:.2f}"])
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
    parser.add_argument("--parts", nargs="+", default=[*PARTS])
    parser.add_argument("--model", default="", help="score this model instead of the folds' networks")
    parser.add_argument("--only", nargs="+", default=[""], metavar="TEXT", help="perturbations with this in their name")
    arguments = parser.parse_args()
    invariance, disease = (_named(each, arguments.only) for each in (INVARIANCE, DISEASE))
    scratch = tempfile.TemporaryDirectory()
    held_out = HeldOut(arguments.data, arguments.runs, Path(scratch.name), arguments.model)
    parts = {
        "volumes": (lambda: volume_rows(held_out), volume_table),
        "slices": (lambda: slice_rows(held_out), slice_table),
        "invariance": (lambda: perturbation_rows(held_out, invariance), perturbation_table),
        "disease": (lambda: perturbation_rows(held_out, disease), disease_table),
        "crops": (lambda: crop_rows(held_out), crop_table),
        "empty": (lambda: empty_rows(held_out), empty_table),
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
