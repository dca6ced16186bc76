"""Runs the whole experiment: candidates of all cases, features, classifiers, cross-validation by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import read_pair, tell
from LungUNetSegLib.config import check_at_least, to_json
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.files import csv_text, write_csv, write_json
from LungUNetSegLib.nodules.candidates import PIXELS, Candidate, hand_made_features
from LungUNetSegLib.nodules.classify import CLASSIFIERS, BoolArray, Scores, folds_by_patient, make_classifier, score
from LungUNetSegLib.nodules.deep import DeepConfig, deep_features, train_features
from LungUNetSegLib.nodules.masks import MaskScores, predicted_masks, score_masks, train_segnet
from LungUNetSegLib.nodules.paint import candidates_of
from LungUNetSegLib.progress import Progress, silent

FEATURES = ("GLCM", "LBP", "PHOG", "deep", "fused")
"""The paper's features, and all of them concatenated: deep, GLCM, LBP, PHOG."""


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """The settings of the experiment.

    Attributes:
        slices: Largest number of slices of a case.
        folds: Number of folds of the cross-validation.
        seed: Seed of the candidates, the folds and the classifiers.
        deep: The network for deep features; the VGG-SegNet that cuts nodules out has its width and training.
    """

    slices: int = 6
    folds: int = 5
    seed: int = 0
    deep: DeepConfig = field(default_factory=DeepConfig)

    def __post_init__(self) -> None:
        check_at_least(self, slices=1, folds=2, seed=0)


@dataclass(frozen=True, kw_only=True)
class Result:
    """The result of one classifier with one kind of features, over the test candidates of all folds.

    Attributes:
        features: One of `FEATURES`.
        classifier: One of `classify.CLASSIFIERS`.
        scores: Scores over all candidates.
        spread: Standard deviation of the folds' accuracies.
        rightly: Share of each kind of candidate that is classified correctly.
    """

    features: str
    classifier: str
    scores: Scores
    spread: float
    rightly: dict[str, float]


def paint_candidates(cases: Sequence[Case], config: StudyConfig, progress: Progress = silent) -> list[Candidate]:
    """Return the candidates of all cases, and log what is odd about these.

    Raises:
        DataError: A case cannot be used, or there is no candidate in any.
    """
    found: list[Candidate] = []
    for done, case in enumerate(cases, start=1):
        rng = np.random.default_rng((config.seed, done))
        pair = read_pair(case)
        tell(case.case_id, pair.findings)
        found += candidates_of(case, pair, config.slices, rng)
        progress("paint", done, len(cases))
    if not found:
        raise DataError("No slice has enough lung for a candidate; give scans of the chest.")
    return found


def cross_validate(candidates: Sequence[Candidate], config: StudyConfig, progress: Progress = silent) -> list[Result]:
    """Train and score every classifier with every kind of features, on the same folds.

    The network for deep features, the standardisation and the classifiers are trained on the training folds only.

    Raises:
        DataError: A class has too few candidates or patients.
    """
    is_nodule = np.array([each.is_nodule for each in candidates])
    patients = [each.patient for each in candidates]
    folds = list(folds_by_patient(patients, is_nodule, config.folds, config.seed))
    by_name = [hand_made_features(each) for each in candidates]
    made = {name: np.stack([each[name] for each in by_name]) for name in ("GLCM", "LBP", "PHOG")}
    predicted: dict[tuple[str, str], BoolArray] = {
        (features, classifier): np.zeros(len(candidates), bool) for features in FEATURES for classifier in CLASSIFIERS
    }
    for number, test in enumerate(folds):
        training = np.setdiff1d(np.arange(len(candidates)), test)
        network = train_features([candidates[index] for index in training], config.deep)
        deep = deep_features(network, candidates)
        every = {**made, "deep": deep, "fused": np.hstack([deep, made["GLCM"], made["LBP"], made["PHOG"]])}
        for (features, classifier), answers in predicted.items():
            fitted = make_classifier(classifier, config.seed).fit(every[features][training], is_nodule[training])
            answers[test] = fitted.predict(every[features][test])
        progress("classify", number + 1, len(folds))
    kinds = np.array([each.kind for each in candidates])
    return [_result(*key, answers, is_nodule, kinds, folds) for key, answers in predicted.items()]


def cross_validate_masks(
    candidates: Sequence[Candidate], config: StudyConfig, progress: Progress = silent
) -> list[MaskScores]:
    """Train a VGG-SegNet on the training candidates of each fold, and score its masks of the test candidates.

    Raises:
        DataError: A class has too few candidates or patients.
    """
    is_nodule = np.array([each.is_nodule for each in candidates])
    folds = list(folds_by_patient([each.patient for each in candidates], is_nodule, config.folds, config.seed))
    predicted = np.zeros((len(candidates), PIXELS, PIXELS), bool)
    for number, test in enumerate(folds):
        training = np.setdiff1d(np.arange(len(candidates)), test)
        network = train_segnet([candidates[index] for index in training], config.deep)
        predicted[test] = predicted_masks(network, [candidates[index] for index in test])
        progress("cut out", number + 1, len(folds))
    return score_masks(predicted, candidates)


def _result(
    features: str,
    classifier: str,
    predicted: BoolArray,
    is_nodule: BoolArray,
    kinds: npt.NDArray[np.str_],
    folds: Sequence[npt.NDArray[np.int64]],
) -> Result:
    right = predicted == is_nodule
    return Result(
        features=features,
        classifier=classifier,
        scores=score(predicted, is_nodule),
        spread=float(np.std([right[test].mean() for test in folds], ddof=1)),
        rightly={str(kind): float(right[kinds == kind].mean()) for kind in sorted(set(kinds.tolist()))},
    )


def write_results(
    folder: Path,
    candidates: Sequence[Candidate],
    results: Sequence[Result],
    masks: Sequence[MaskScores],
    config: StudyConfig,
) -> None:
    """Write `results.csv`, `masks.csv`, `candidates.csv` and `config.json`.

    Raises:
        WriteError: The folder cannot be written.
    """
    kinds = sorted(results[0].rightly)
    header = ["features", "classifier", *asdict(results[0].scores), "accuracy_sd", *kinds]
    rows = []
    for each in results:
        numbers = [*asdict(each.scores).values(), each.spread, *(each.rightly[kind] for kind in kinds)]
        rows.append([each.features, each.classifier, *(f"{number:.4f}" for number in numbers)])
    write_csv(folder / "results.csv", header, rows)
    described = (
        [csv_text(each.case), csv_text(each.patient), each.kind, int(each.is_nodule), np.count_nonzero(each.mask)]
        for each in candidates
    )
    write_csv(folder / "candidates.csv", ["case", "patient", "kind", "is_nodule", "pixels"], described)
    scored = (
        [
            each.kind,
            each.candidates,
            f"{each.found:.4f}",
            *("" if np.isnan(n) else f"{n:.4f}" for n in (each.dsc, each.jaccard)),
        ]
        for each in masks
    )
    write_csv(folder / "masks.csv", ["kind", "candidates", "found", "dsc", "jaccard"], scored)
    write_json(folder / "config.json", to_json(config))
