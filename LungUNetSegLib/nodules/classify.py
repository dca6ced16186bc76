"""Trains five classifiers of candidates, and scores them on patients that they were not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.packages import load_package

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

CLASSIFIERS = ("softmax", "decision tree", "random forest", "k-NN", "SVM-RBF")
NEIGHBOURS = 5
TREES = 200


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of a classifier; NaN if the denominator is 0.

    Attributes:
        accuracy: Share of candidates that are classified correctly.
        precision: Share of nodules among the candidates that are classified as nodules.
        sensitivity: Share of nodules that are classified as nodules.
        specificity: Share of other candidates that are not classified as nodules.
        f1: Harmonic mean of precision and sensitivity.
    """

    accuracy: float
    precision: float
    sensitivity: float
    specificity: float
    f1: float


def make_classifier(name: str, seed: int = 0) -> Any:
    """Return an untrained scikit-learn classifier with a standardisation, which is fitted to the training data too.

    Softmax is logistic regression; the SVM has C = 1 and gamma = 1 / (features x variance).
    """
    load_package("sklearn", "scikit-learn")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    made: dict[str, Callable[[], Any]] = {
        "softmax": lambda: LogisticRegression(max_iter=5000),
        "decision tree": lambda: DecisionTreeClassifier(random_state=seed),
        "random forest": lambda: RandomForestClassifier(TREES, random_state=seed),
        "k-NN": lambda: KNeighborsClassifier(NEIGHBOURS),
        "SVM-RBF": lambda: SVC(kernel="rbf", C=1.0, gamma="scale"),
    }
    return make_pipeline(StandardScaler(), made[name]())


def folds_by_patient(patients: Sequence[str], is_nodule: BoolArray, folds: int, seed: int) -> Iterator[IntArray]:
    """Yield the indices of the test candidates of each fold; each patient is in one fold.

    Raises:
        DataError: A class with fewer than two candidates, or with fewer patients than folds.
    """
    for value, name in ((True, "nodules"), (False, "candidates that are not nodules")):
        count = int(np.count_nonzero(is_nodule == value))
        if count < 2:
            raise DataError(f"There are {count} {name}; training and testing need at least 2 of each class.")
        having = {patient for patient, each in zip(patients, is_nodule, strict=True) if each == value}
        if len(having) < folds:
            raise DataError(f"Only {len(having)} patients have {name}; that is fewer than the {folds} folds.")
    names = sorted(set(patients))
    np.random.default_rng(seed).shuffle(names)
    fold_of = {patient: number % folds for number, patient in enumerate(names)}
    of_each = np.array([fold_of[patient] for patient in patients])
    for fold in range(folds):
        yield np.flatnonzero(of_each == fold)


def score(predicted: BoolArray, is_nodule: BoolArray) -> Scores:
    """Return the scores of predicted classes."""
    right = predicted == is_nodule
    tp, tn = int((right & is_nodule).sum()), int((right & ~is_nodule).sum())
    fp, fn = int((~right & ~is_nodule).sum()), int((~right & is_nodule).sum())
    return Scores(
        accuracy=_share(tp + tn, len(predicted)),
        precision=_share(tp, tp + fp),
        sensitivity=_share(tp, tp + fn),
        specificity=_share(tn, tn + fp),
        f1=_share(2 * tp, 2 * tp + fp + fn),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
