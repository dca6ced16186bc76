"""What an epoch reached: the means that go into the history."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from LungUNetSegLib.metrics import Counts, count


@dataclass
class Scores:
    """What an epoch's batches gave, each slice and lung by itself."""

    loss: list[Tensor] = field(default_factory=list)
    accuracy: list[Tensor] = field(default_factory=list)
    dsc: list[Tensor] = field(default_factory=list)
    has_lung: list[Tensor] = field(default_factory=list)

    def add(self, loss: Tensor, logits: Tensor, target: Tensor, valid: Tensor) -> None:
        """Add a batch; a pixel counts as lung from one half on, in target and prediction."""
        counts: Counts = count(logits > 0, target >= 0.5, axis=(2, 3), ignore=valid < 0.5)
        self.loss.append(loss.detach().expand(len(target)))
        self.accuracy.append(counts.accuracy)
        self.dsc.append(counts.dsc)
        self.has_lung.append(counts.tp + counts.fn > 0)

    def row(self, prefix: str) -> dict[str, float]:
        """Mean loss, binary accuracy, DSC where there is lung, and the share of the rest where some is found.

        Slices without lung are counted apart: one pixel found there would weigh as much as a whole lung missed.
        """
        dsc, has_lung = torch.cat(self.dsc), torch.cat(self.has_lung)
        means = {
            "loss": torch.cat(self.loss).mean(),
            "accuracy": torch.cat(self.accuracy).mean(),
            "dsc": dsc[has_lung].mean(),
            "false_alarms": (dsc[~has_lung] == 0).double().mean(),
        }
        return {f"{prefix}_{name}": float(value) for name, value in means.items()}
