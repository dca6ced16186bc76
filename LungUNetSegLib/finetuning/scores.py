"""Scores a model on scans with masks, by its results as a user gets them: cleaned, on the scan's own grid."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.segments import LabelKind
from LungUNetSegLib.volume import Volume


@dataclasses.dataclass(frozen=True, kw_only=True)
class LungScore:
    """The scores of one lung of one case.

    Attributes:
        case: The case's id.
        lung: As `RegionScores.name`, such as "Right lung".
        dsc: Dice similarity coefficient; NaN if neither mask has a voxel.
        mean_surface_mm: Mean distance between the surfaces.
    """

    case: str
    lung: str
    dsc: float
    mean_surface_mm: float


def score(segmenter: Segmenter, cases: Sequence[Case], progress: Progress = silent) -> list[LungScore]:
    """Segment every case and compare the result with its mask; undecided voxels do not count.

    Args:
        segmenter: Segments with the model to score.
        cases: Cases with masks.
        progress: Called as ``("score", done, total)``.
    """
    rows: list[LungScore] = []
    for number, case in enumerate(cases):
        progress("score", number, len(cases))
        pair = read_pair(case)
        kind: LabelKind = "lr" if pair.has_sides and segmenter.model.channels > 1 else "binary"
        found = segmenter.segment(pair.ct, labels=kind).labels
        regions = compare(_decided(found, pair), _decided(pair.labels, pair), kind).regions
        for region in regions[:2] if kind == "lr" else regions:
            rows.append(
                LungScore(case=case.case_id, lung=region.name, dsc=region.dsc, mean_surface_mm=region.mean_surface_mm)
            )
    progress("score", len(cases), len(cases))
    return rows


def mean_dsc(rows: Sequence[LungScore]) -> float:
    """Return the mean over all lungs that have a DSC; NaN if none has."""
    known = [row.dsc for row in rows if not math.isnan(row.dsc)]
    return sum(known) / len(known) if known else math.nan


def _decided(labels: Volume, pair: LabelledScan) -> Volume:
    if pair.ignore is None:
        return labels
    return Volume(np.where(pair.ignore.array, np.uint8(0), labels.array), labels.geometry)
