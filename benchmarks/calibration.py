"""How well `low-confidence` finds the poor slices of patients that its threshold was not chosen by.

    python benchmarks/calibration.py docs/model_card/results.json

For each patient in turn the threshold is chosen by the other patients' single slices (the one that finds the largest
share of the poor ones less the share of the good ones that it names too), and tried on the patient's own. The
networks, by cross-validation, had not seen the patient either.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LungUNetSegLib.segmentation.quality import LOW_CONFIDENCE

POOR_DSC = 0.95
THRESHOLDS = np.round(np.arange(0.9, 1.0, 0.005), 3).tolist()


@dataclass(frozen=True)
class Judged:
    """A slice with lung, whether its result is poor, and what the network thought of it."""

    patient: str
    is_poor: bool
    confidence: float


def judged_slices(rows: Iterable[dict[str, Any]]) -> list[Judged]:
    """Rows of results.json; slices without lung have no DSC, a slice where nothing is found has confidence 0."""
    return [
        Judged(str(row["case"]).rpartition("_")[0], row["dsc"] < POOR_DSC, row["confidence"] or 0.0)
        for row in rows
        if row["reference_ml"]
    ]


def warned(slices: Sequence[Judged], threshold: float) -> tuple[int, int]:
    """How many of the poor and of the good ones lie below a threshold."""
    below = [each for each in slices if each.confidence < threshold]
    poor = sum(each.is_poor for each in below)
    return poor, len(below) - poor


def choose_threshold(slices: Sequence[Judged]) -> float:
    """The threshold that tells poor from good best; the lowest of those that do so equally well."""
    poor = sum(each.is_poor for each in slices)
    good = len(slices) - poor

    def gain(threshold: float) -> float:
        of_poor, of_good = warned(slices, threshold)
        return of_poor / max(poor, 1) - of_good / max(good, 1)

    return float(max(THRESHOLDS, key=gain))


def leave_one_patient_out(slices: Sequence[Judged]) -> tuple[list[float], int, int]:
    """The threshold chosen without each patient, and how many poor and good slices are then warned of."""
    chosen, of_poor, of_good = [], 0, 0
    for patient in sorted({each.patient for each in slices}):
        threshold = choose_threshold([each for each in slices if each.patient != patient])
        poor, good = warned([each for each in slices if each.patient == patient], threshold)
        chosen.append(threshold)
        of_poor, of_good = of_poor + poor, of_good + good
    return chosen, of_poor, of_good


def poor_below_good(slices: Sequence[Judged]) -> float:
    """How often a poor slice has the lower confidence of a poor and a good one (area under the ROC curve)."""
    poor, good = (np.array([each.confidence for each in slices if each.is_poor == wanted]) for wanted in (True, False))
    below, same = poor[:, None] < good, poor[:, None] == good
    return float((below + 0.5 * same).mean())


def main() -> None:
    """Print the shipped threshold's and the left-out patients' figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    slices = judged_slices(json.loads(parser.parse_args().results.read_text(encoding="utf-8"))["slices"])
    poor, good = warned(slices, np.inf)
    of_poor, of_good = warned(slices, LOW_CONFIDENCE)
    print(f"shipped threshold, {LOW_CONFIDENCE}: {of_poor} of {poor} poor slices, {of_good} of {good} good ones")
    chosen, of_poor, of_good = leave_one_patient_out(slices)
    print(
        f"chosen without the patient, {min(chosen)} to {max(chosen)}: "
        f"{of_poor} of {poor} poor slices, {of_good} of {good} good ones"
    )
    print(f"a poor slice has the lower confidence of a pair of poor and good: {poor_below_good(slices):.2f}")


if __name__ == "__main__":
    main()
