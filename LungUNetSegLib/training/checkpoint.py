"""Reads and writes checkpoints, with everything needed to resume a training or to use its weights."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

import LungUNetSegLib
from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.config import from_json, to_json
from LungUNetSegLib.errors import ModelError, WriteError
from LungUNetSegLib.models.checkpoint import load_tensors, write_tensors
from LungUNetSegLib.networks import Weights
from LungUNetSegLib.training.config import TrainingConfig

FORMAT = "lungunetseg-checkpoint-1"


_KINDS: dict[str, type | tuple[type, ...]] = {
    "epoch": int,
    "network": dict,
    "average": (dict, type(None)),
    "optimiser": dict,
    "scaler": dict,
    "history": list,
    "data_digest": str,
    "versions": dict,
    "coarse": (dict, type(None)),
}
"""Types of a file's parts; `config` and `split` check themselves."""


@dataclass(kw_only=True, eq=False)
class Checkpoint:
    """A training's state after an epoch.

    Attributes:
        config: Settings of the training.
        epoch: Number of finished epochs.
        network: The network's parameters and buffers.
        average: Their moving average, if there is one.
        optimiser: The optimiser's state.
        scaler: The loss scaler's state, for float16 training.
        history: One row for each epoch.
        split: Training and test cases.
        data_digest: Hash of all files and the preprocessing of the cases in `split`.
        versions: Versions of the software that wrote this.
        coarse: The coarse network's parameters and buffers, if there is one.
    """

    config: TrainingConfig
    epoch: int
    network: Weights
    average: Weights | None
    optimiser: dict[str, Any]
    scaler: dict[str, Any]
    history: list[dict[str, float]]
    split: Split
    data_digest: str
    versions: dict[str, str] = field(
        default_factory=lambda: {"lungunetseg": LungUNetSegLib.__version__, "torch": str(torch.__version__)}
    )
    coarse: Weights | None = None

    @property
    def weights(self) -> Weights:
        """The weights to use: the average if there is one."""
        return self.network if self.average is None else self.average


def state_on_cpu(module: nn.Module) -> Weights:
    """Return a copy of a network's parameters and buffers, as checkpoints hold them."""
    state: Weights = module.state_dict()
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in state.items()}


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint atomically; `path` holds a complete one at all times, also after a power failure.

    Raises:
        WriteError: No space, or no permission.
    """
    values = vars(checkpoint) | {
        "format": FORMAT,
        "config": to_json(checkpoint.config),
        "split": to_json(checkpoint.split),
    }
    write_tensors(values, path)


def check_space(folder: Path, size: int) -> None:
    """Refuse to start without enough disk space for checkpoints, instead of failing after the first epoch.

    Args:
        folder: Folder of `last.pt` and `best.pt`.
        size: Size of a checkpoint, in bytes.

    Raises:
        WriteError: Too little space for both and a temporary file.
    """
    files = 1 + sum(not (folder / name).exists() for name in ("last.pt", "best.pt"))
    free = shutil.disk_usage(folder).free
    if free < files * size:
        raise WriteError(
            f"{folder}: checkpoints need {files * size / 1e6:.1f} MB, and {free / 1e6:.1f} MB are free; free some "
            "space or choose another folder."
        )


def check_settings(checkpoint: Checkpoint, config: TrainingConfig) -> None:
    """Refuse to resume from a checkpoint with other settings.

    Only the end of the training may change: more epochs, or another patience. Finished epochs are not affected.

    Raises:
        ModelError: Names the first setting that differs.
    """
    theirs, ours = to_json(checkpoint.config), to_json(config)
    for name in theirs:
        may_differ = name == "patience" or (name == "epochs" and theirs[name] < ours[name])
        if theirs[name] != ours[name] and not may_differ:
            raise ModelError(
                f"The checkpoint was made with other settings ({name} was {theirs[name]}, not {ours[name]}); "
                "use its own, or train into a new folder."
            )


def save_weights(weights: Weights, path: Path) -> None:
    """Write a network's parameters alone, as the paper's `trained_model.pt` (section 2.4.3).

    Raises:
        WriteError: No space, or no permission.
    """
    write_tensors(weights, path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, on the CPU, running no code from it.

    Raises:
        ModelError: Missing, corrupt, holding more than tensors and plain values, or of another kind.
    """
    values = load_tensors(path)
    if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
        raise ModelError(f"{path} is not a checkpoint of a training ({FORMAT}); give a last.pt or best.pt.")
    values.setdefault("coarse", None)  # older checkpoints have no coarse network
    _check_parts(values, path)
    values["config"] = from_json(TrainingConfig, values["config"], f"{path}: config")
    values["split"] = from_json(Split, values["split"], f"{path}: split")
    return Checkpoint(**values)


def _check_parts(values: dict[Any, Any], path: Path) -> None:
    known = {each.name for each in fields(Checkpoint)}
    if missing := known - set(values):
        raise ModelError(f"The checkpoint {path} lacks {', '.join(sorted(missing))}; use another one.")
    if unknown := set(values) - known:
        names = ", ".join(sorted(map(str, unknown)))
        raise ModelError(f"The checkpoint {path} holds {names}, which this version does not support; use another one.")
    for name, kind in _KINDS.items():
        if not isinstance(values[name], kind):
            raise ModelError(f"The checkpoint {path} is corrupt ({name} cannot be {values[name]!r:.40}); use another.")
