#!/bin/sh
# fast-cindex 0.1.0 gives the concordance index upside down: its docstring and its README ask for "risk scores (higher
# value = higher predicted risk)", but a pair counts as right where the patient with the higher score lives longer. A
# model whose risk orders six patients without an error has 0.0 instead of 1.0, and the same risk with the other sign
# 1.0. A model with 10 of 12 pairs right has 0.167, and compare_cindex finds the worse of two models better. The
# README's example has the negative of a hazard, with the remark "higher = higher predicted risk"; lifelines, with which
# it compares itself, takes survival times for scores and says so. Nothing warns. Expected: 1.0. cindex(times, -scores,
# events) gives it. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fast-cindex==0.1.0 numba==0.61.2 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from fast_cindex import cindex, compare_cindex

print(f"fast-cindex {version('fast-cindex')}, numba {version('numba')}, numpy {np.__version__}")
TIMES = np.array([2.0, 5, 7, 11, 13, 17])
EVENTS = np.array([1, 1, 0, 1, 1, 0])
perfect = np.array([6.0, 5, 4, 3, 2, 1])  # the first to die has the highest risk
poor = np.array([5.0, 6, 4, 2, 3, 1])  # two neighbours exchanged, twice


def by_hand(scores):
    """The share of pairs, of which one is known to die first, in which that one has the higher risk."""
    pairs = [(i, j) for i in range(6) for j in range(6) if EVENTS[i] and TIMES[i] < TIMES[j]]
    return sum(scores[i] > scores[j] for i, j in pairs) / len(pairs)


found = []
for name, scores in (("perfect risk", perfect), ("poorer risk", poor)):
    found.append(round(cindex(TIMES, scores, EVENTS), 3))
    turned = round(cindex(TIMES, -scores, EVENTS), 3)
    print(f"{name}: by hand {by_hand(scores):.3f}, cindex {found[-1]}, cindex of -scores {turned}")
    found.append(turned == round(by_hand(scores), 3))
first, second = compare_cindex(TIMES, EVENTS, perfect, poor, n_bootstraps=100)
print(f"compare_cindex: perfect risk {first.mean():.3f}, poorer risk {second.mean():.3f}")
inverted = found[::2] == [0.0, round(1 - by_hand(poor), 3)] and all(found[1::2])
sys.exit(0 if inverted and first.mean() < second.mean() else 1)
PYTHON
