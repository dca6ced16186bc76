"""Comparisons: predictions and references that do not belong together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from corpus.bench import Bench, Trial, codes_of
from corpus.kinds import Section

from LungUNetSegLib.cases.compared import pair_cases
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.evaluation.evaluate import evaluate_pair
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.volume import Volume

pairs = Section("Comparisons")


def compared(
    change: Callable[[np.ndarray], np.ndarray], dsc: float | None = 1.0, **names: str
) -> Callable[[Bench], Trial]:
    """The clean reference against a changed prediction; both lungs' DSC at least as given."""

    def attempt(b: Bench) -> Trial:
        write_labels(b.folder / "a.nii.gz", Volume(np.ascontiguousarray(change(b.labels.array)), b.labels.geometry))
        write_labels(b.folder / "b.nii.gz", b.labels)
        (each,), _ = pair_cases(b.folder / "a.nii.gz", b.folder / "b.nii.gz")
        found = evaluate_pair(each)
        worst = min(region.dsc for region in found.regions)
        return b.holds(dsc is None or worst >= dsc, f"the lowest DSC is {worst:.3f}", codes_of(found.findings))

    return attempt


pairs.right("the same twice", compared(lambda a: a))
pairs.said("sides exchanged", "sides-swapped", compared(lambda a: np.choose(a, (0, 2, 1)).astype("u1"), None))
pairs.said(
    "one label for both in the prediction", "prediction-one-label", compared(lambda a: (a > 0).astype("u1"), None)
)
pairs.said("an empty prediction", "not-predicted", compared(lambda a: a * 0, None))
pairs.said("one lung missing", "not-predicted", compared(lambda a: np.where(a == 1, a, 0), None))
pairs.said("a finer grid for the prediction", "prediction-resampled", lambda b: _finer(b))
pairs.refused(
    "no case of the same name in both folders",
    "has the name",
    lambda b: b.holds(bool(pair_cases(_masks(b, "a", "x"), _masks(b, "b", "y"))), ""),
    DataError,
)
pairs.refused(
    "a file against a folder",
    "two folders",
    lambda b: b.holds(bool(pair_cases(_masks(b, "a", "x") / "x.nii.gz", b.folder / "a")), ""),
    DataError,
)
pairs.refused(
    "two predictions of one case",
    "keep one",
    lambda b: b.holds(bool(pair_cases(_masks(b, "a", "x_mask", "x_seg"), _masks(b, "b", "x"))), ""),
    DataError,
)
pairs.refused("a reference without a prediction", "no prediction", lambda b: _lacking(b), DataError)
pairs.refused("contours on both sides and no scan", "give the CT", lambda b: _no_grid(b), DataError)


def _finer(b: Bench) -> Trial:
    from LungUNetSegLib.volume.resample import resample

    spacing = b.labels.geometry.spacing_mm
    x, y, z = b.labels.geometry.affine_lps[:3, 3]
    grid = type(b.labels.geometry).axial((13, 96, 112), (spacing[0], 3.0, 3.0), (x - 1.5, y - 1.5, z))
    write_labels(b.folder / "a.nii.gz", resample(b.labels, grid, "nearest"))
    write_labels(b.folder / "b.nii.gz", b.labels)
    (each,), _ = pair_cases(b.folder / "a.nii.gz", b.folder / "b.nii.gz")
    found = evaluate_pair(each)
    worst = min(region.dsc for region in found.regions)
    return b.holds(worst > 0.998, f"the lowest DSC is {worst:.3f}", codes_of(found.findings))


def _masks(b: Bench, folder: str, *names: str) -> Path:
    (b.folder / folder).mkdir()
    for name in names:
        write_labels(b.folder / folder / f"{name}.nii.gz", b.labels)
    return b.folder / folder


def _lacking(b: Bench) -> Trial:
    found, _ = pair_cases(_masks(b, "a", "x"), _masks(b, "b", "x", "y"))
    return b.holds(bool(evaluate_pair(found[1])), "")


def _no_grid(b: Bench) -> Trial:
    from dicom_mask_files import outlines, structure_set

    paths = [structure_set(b.folder / f"{name}.dcm", outlines(b.labels)) for name in "ab"]
    (each,), _ = pair_cases(*paths)
    return b.holds(bool(evaluate_pair(each)), "")
