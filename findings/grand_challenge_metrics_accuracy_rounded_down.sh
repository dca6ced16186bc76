#!/bin/sh
# grand-challenge-metrics 0.6.0's accuracies_from_confusion_matrix ("1d ndarray containing accuracy scores for all N
# classes") gives 0 for each class that is not perfect: it divides by // and so rounds down. Of 100 voxels, 50 of lung,
# all but one are right: the accuracy is (50 + 49) / 100 = 0.99 for lung and for background, and it says 0 and 0; a
# third class, without an error, has 1. The functions beside it, for Jaccard and Dice, are right. Nothing warns.
# cm.trace() / cm.sum() gives the accuracy of two classes. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grand-challenge-metrics==0.6.0 scikit-learn==1.7.2 \
    scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from grand_challenge_metrics.stats import (
    accuracies_from_confusion_matrix,
    calculate_confusion_matrix,
    dice_from_confusion_matrix,
)

print(f"grand-challenge-metrics {version('grand-challenge-metrics')}, numpy {np.__version__}")
truth = np.array([0] * 40 + [1] * 50 + [2] * 10)
found = truth.copy()
found[40] = 0  # one voxel of lung is background
matrix = calculate_confusion_matrix(truth, found, [0, 1, 2])
accuracies = accuracies_from_confusion_matrix(matrix)
expected = [float(((truth == label) == (found == label)).mean()) for label in (0, 1, 2)]
dice = dice_from_confusion_matrix(matrix)
print(f"accuracies {accuracies.tolist()}, expected {expected}; Dice {np.round(dice, 3).tolist()}")
right = np.allclose(dice, [2 * 40 / 81, 2 * 49 / 99, 1]) and expected == [0.99, 0.99, 1.0]
sys.exit(0 if right and accuracies.tolist() == [0, 0, 1] else 1)
PYTHON
