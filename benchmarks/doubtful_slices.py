"""How many of a lung's worst slices the list of doubtful ones holds, and the weights that the list is made with.

    python benchmarks/doubtful_slices.py --data DATA --runs docs/model_card/folds/coarse_view

Every volume is segmented by the network of the fold that did not see its patient (held_out.py). The error of a slice is
the area that is wrong and lies more than 2 mm from the reference's outline: closer to it careful readers differ, too.
A lung's worst slices are the five with the largest error, of those with at least 20 mm2; lungs without such a slice
have no error to find. For each patient in turn the weights of segmentation/doubt.py are fitted to the others.

How many can be found at all is shown by lists that know the errors: those by the mean error of both neighbours, by the
wrong area without the tolerance, and by the errors against the same reference as another reader may have drawn it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from held_out import HeldOut
from scipy import ndimage, optimize

from LungUNetSegLib.arrays import FloatArray, Mask
from LungUNetSegLib.segmentation.doubt import CAUSES, LISTED, WEIGHTS
from LungUNetSegLib.segments import LUNGS

TOLERANCE_MM = 2.0
LEAST_MM2 = 20.0


@dataclass(frozen=True, eq=False, kw_only=True)
class JudgedLung:
    """A lung of a result whose errors are known.

    Attributes:
        patient, case, lung: Whose it is.
        areas_mm2: (D, causes) of `Doubts.areas_mm2`.
        error_mm2: (D,) wrong area of each slice beyond the tolerance.
        slice_mm: Distance of the slices.
        informed: (D,) errors of each slice as others would measure them, by their name; see `informed_errors`.
    """

    patient: str
    case: str
    lung: str
    areas_mm2: FloatArray
    error_mm2: FloatArray
    slice_mm: float = 1.0
    informed: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def worst(self) -> list[int]:
        """The slices that a list should hold."""
        order = np.argsort(-self.error_mm2, kind="stable")[:LISTED]
        return [int(each) for each in order if self.error_mm2[each] >= LEAST_MM2]

    def listed(self, weights: FloatArray | str) -> list[int]:
        """The slices that a list by the weighted areas holds, or one by `informed` errors of that name."""
        doubt = self.informed[weights] if isinstance(weights, str) else self.areas_mm2 @ weights
        return [int(each) for each in np.argsort(-doubt, kind="stable")[:LISTED]]


def error_mm2(found: Mask, reference: Mask, spacing_mm: Sequence[float]) -> FloatArray:
    """Return the wrong area of each of (D, H, W) slices that lies more than `TOLERANCE_MM` from the reference's edge.

    Args:
        found: A lung of a result.
        reference: The same lung of a reference.
        spacing_mm: (slice, row, column).
    """
    errors = np.zeros(len(found))
    for number, (mine, true) in enumerate(zip(found, reference, strict=True)):
        wrong = mine != true
        if wrong.any() and true.any():
            # To the nearest pixel on the other side of the outline, which lies half a pixel nearer.
            to_edge_mm = sum(ndimage.distance_transform_edt(side, sampling=spacing_mm[1:]) for side in (true, ~true))
            wrong &= to_edge_mm - min(spacing_mm[1:]) / 2 > TOLERANCE_MM
        errors[number] = np.count_nonzero(wrong) * spacing_mm[1] * spacing_mm[2]
    return errors


def informed_errors(
    found: Mask, reference: Mask, hu: npt.NDArray[np.int16], spacing_mm: Sequence[float]
) -> dict[str, FloatArray]:
    """Return (D,) errors of each slice by measures that know the reference, but are not `error_mm2` itself.

    Args:
        found: A lung of a result.
        reference: The same lung of a reference.
        hu: (D, H, W) of the scan.
        spacing_mm: (slice, row, column).
    """
    error = error_mm2(found, reference, spacing_mm)
    ends = np.pad(error, 1, mode="edge")
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    # Signed distances to the outline in each slice, positive within the lung.
    signed_mm = np.stack([_signed_mm(plane, spacing_mm[1:]) for plane in reference])
    coarse = reference.copy()
    coarse[1:-1:2] = (signed_mm[:-2:2] + signed_mm[2::2])[: len(coarse[1:-1:2])] > 0
    return {
        "mean error of both neighbours": (ends[:-2] + ends[2:]) / 2,
        "wrong area without tolerance": np.count_nonzero(found != reference, axis=(1, 2)) * pixel_mm2,
        "reference with its edge at -500 HU": error_mm2(
            found, reference & ~((signed_mm <= TOLERANCE_MM) & (hu >= -500)), spacing_mm
        ),
        "reference drawn in every second slice": error_mm2(found, coarse, spacing_mm),
    }


def _signed_mm(mask: Mask, spacing_mm: Sequence[float]) -> FloatArray:
    """Return each pixel's distance to the other side of the outline, negative outside; all far if there is none."""
    if mask.any():
        inside, outside = (ndimage.distance_transform_edt(side, sampling=spacing_mm) for side in (mask, ~mask))
        signed: FloatArray = inside - outside
        return signed
    return np.full(mask.shape, -np.hypot(*np.multiply(mask.shape, spacing_mm)))


def judged_lungs(held_out: HeldOut) -> list[JudgedLung]:
    """Segment every volume and compare each lung with its reference."""
    judged = []
    for case, pair in held_out.volumes():
        result = held_out.segment(case, pair.ct)
        found, reference, ct = result.labels.canonical(), pair.labels.canonical(), pair.ct.canonical()
        spacing_mm = found.geometry.spacing_mm
        for index, lung in enumerate(LUNGS):
            mine, true = (each.array == lung.label for each in (found, reference))
            judged.append(
                JudgedLung(
                    patient=case.patient,
                    case=case.case_id,
                    lung=lung.name,
                    areas_mm2=result.doubts.areas_mm2[index],
                    error_mm2=error_mm2(mine, true, spacing_mm),
                    slice_mm=spacing_mm[0],
                    informed=informed_errors(mine, true, ct.array, spacing_mm),
                )
            )
        print(case.case_id, [len(each.worst) for each in judged[-2:]], flush=True)
    return judged


def fit_weights(lungs: Sequence[JudgedLung]) -> FloatArray:
    """Return the weights, none below 0 and the first 1, whose sums best follow the errors along each lung.

    Each lung counts alike, however many slices and errors it has.
    """
    causes, errors = [], []
    for each in lungs:
        if each.worst:
            root = np.sqrt(each.error_mm2)
            scale = root.std() * np.sqrt(len(root))
            causes.append((each.areas_mm2 - each.areas_mm2.mean(axis=0)) / scale)
            errors.append((root - root.mean()) / scale)
    weights, _ = optimize.nnls(np.concatenate(causes), np.concatenate(errors))
    scaled: FloatArray = weights / (weights[0] or 1.0)
    return scaled


def held(lungs: Sequence[JudgedLung], weights: FloatArray | str, within: int = 0) -> tuple[int, int]:
    """Return how many of the worst slices lie at most `within` slices from a listed one, and their number."""
    found = total = 0
    for each in lungs:
        listed = np.array(each.listed(weights))
        found += sum(bool((np.abs(listed - slice_) <= within).any()) for slice_ in each.worst)
        total += len(each.worst)
    return found, total


def held_error(lungs: Sequence[JudgedLung], weights: FloatArray | str) -> float:
    """Return the error of the listed slices as a share of the most that as many can hold: the mean over lungs."""
    shares = [
        each.error_mm2[each.listed(weights)].sum() / np.sort(each.error_mm2)[-LISTED:].sum()
        for each in lungs
        if each.worst
    ]
    return float(np.mean(shares))


def listed_ml(lungs: Sequence[JudgedLung], weights: FloatArray) -> tuple[float, float, float]:
    """Return the errors in the listed slices, in the worst five of each lung, and in all, in ml."""
    listed = best = total = 0.0
    for each in lungs:
        slice_ml = each.slice_mm / 1000
        listed += each.error_mm2[each.listed(weights)].sum() * slice_ml
        best += np.sort(each.error_mm2)[-LISTED:].sum() * slice_ml
        total += each.error_mm2.sum() * slice_ml
    return listed, best, total


def print_left_out(lungs: Sequence[JudgedLung]) -> list[FloatArray]:
    """Print a line for each patient, left out of the fit, and the sums; return the fitted weights."""
    print("| patient | worst slices | listed | within a slice | ml of error in them | in listed slices | share |")
    print("|---|---|---|---|---|---|---|")
    fitted, rows = [], []
    for patient in sorted({each.patient for each in lungs if each.worst}):
        own = [each for each in lungs if each.patient == patient]
        weights = fit_weights([each for each in lungs if each.patient != patient])
        (listed, total), (near, _) = held(own, weights), held(own, weights, within=1)
        own_ml, best_ml, _ = listed_ml(own, weights)
        share, count = held_error(own, weights), sum(bool(each.worst) for each in own)
        print(f"| {patient} | {total} | {listed} | {near} | {best_ml:.1f} | {own_ml:.1f} | {share:.0%} |")
        rows.append((total, listed, near, best_ml, own_ml, share * count, count))
        fitted.append(weights)
    total, listed, near, best_ml, own_ml, shares, count = (sum(column) for column in zip(*rows, strict=True))
    print(
        f"| **all** | {total} | {listed} ({listed / total:.0%}) | {near} ({near / total:.0%}) "
        f"| {best_ml:.1f} | {own_ml:.1f} ({own_ml / best_ml:.1%}) | {shares / count:.0%} |"
    )
    return fitted


def main() -> None:
    """Print what the list holds by patient left out and with the shipped weights, and what can be found at all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lungs = judged_lungs(HeldOut(arguments.data, arguments.runs, Path(scratch)))
    left_out = print_left_out(lungs)
    (listed, total), (near, _) = held(lungs, WEIGHTS), held(lungs, WEIGHTS, within=1)
    print(f"shipped weights {WEIGHTS}: {listed} of {total}, {near} within a slice, {held_error(lungs, WEIGHTS):.0%}")
    own_ml, best_ml, total_ml = listed_ml(lungs, WEIGHTS)
    print(f"{own_ml:.0f} ml of error in the listed slices, {best_ml:.0f} in the worst five, {total_ml:.0f} in all")
    for name in lungs[0].informed:
        (listed, total), (near, _) = held(lungs, name), held(lungs, name, within=1)
        print(f"by the {name}: {listed} of {total}, {near} within a slice, {held_error(lungs, name):.0%}")
    print("fitted to all:", dict(zip(CAUSES, fit_weights(lungs).round(3).tolist(), strict=True)))
    spread = np.array(left_out)
    print("without one patient, from", spread.min(axis=0).round(3), "to", spread.max(axis=0).round(3))


if __name__ == "__main__":
    main()
