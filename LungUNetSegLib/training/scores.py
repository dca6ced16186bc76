"""Computes an epoch's mean scores for the history."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from LungUNetSegLib.metrics import Counts, count


@dataclass
class Scores:
    """Collects the scores of an epoch's batches, for each slice and lung."""

    loss: list[Tensor] = field(default_factory=list)
    accuracy: list[Tensor] = field(default_factory=list)
    dsc: list[Tensor] = field(default_factory=list)
    has_lung: list[Tensor] = field(default_factory=list)

    def add(self, loss: Tensor, logits: Tensor, target: Tensor, valid: Tensor) -> None:
        """Add a batch; a pixel counts as lung if at least one half, in target and prediction."""
        counts: Counts = count(logits > 0, target >= 0.5, axis=(2, 3), ignore=valid < 0.5)
        self.loss.append(loss.detach().expand(len(target)))
        self.accuracy.append(counts.accuracy)
        self.dsc.append(counts.dsc)
        self.has_lung.append(counts.tp + counts.fn > 0)

    def row(self, prefix: str) -> dict[str, float]:
        """Return mean loss, binary accuracy, DSC of slices with lung, and the share of false alarms in the others.

        Slices without lung are counted separately: one false positive pixel would weigh as much as a missed lung.
        """
        dsc, has_lung = torch.cat(self.dsc), torch.cat(self.has_lung)
        means = {
            "loss": torch.cat(self.loss).mean(),
            "accuracy": torch.cat(self.accuracy).mean(),
            "dsc": dsc[has_lung].mean(),
            "false_alarms": (dsc[~has_lung] == 0).double().mean(),
        }
        return {f"{prefix}_{name}": float(value) for name, value in means.items()}
