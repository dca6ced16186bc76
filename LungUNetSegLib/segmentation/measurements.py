"""Measures the lungs' volumes and mean densities."""

from __future__ import annotations

import numpy as np

from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG, LabelKind
from LungUNetSegLib.volume import Volume


def measure(labels: Volume, scan: Volume, kind: LabelKind = "lr") -> tuple[dict[str, float], dict[str, float]]:
    """Return volumes in ml and mean HU of the right and left lung and of both; no mean without lung.

    Args:
        labels: 1 right and 2 left lung, or 1 both.
        scan: HU, on the same grid.
        kind: What the labels mean.
    """
    counts, sums = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for plane, hu in zip(labels.array, scan.array, strict=True):
        for label in (RIGHT_LUNG, LEFT_LUNG):
            values = hu[plane == label]
            counts[label] += values.size
            sums[label] += values.sum(dtype=np.int64)
    counts[0], sums[0] = counts.sum(), sums.sum()
    named = {"right": RIGHT_LUNG, "left": LEFT_LUNG, "total": 0} if kind == "lr" else {"total": 0}
    volumes_ml = {name: float(counts[label] * labels.geometry.voxel_volume_ml) for name, label in named.items()}
    mean_hu = {name: float(sums[label] / counts[label]) for name, label in named.items() if counts[label]}
    return volumes_ml, mean_hu
