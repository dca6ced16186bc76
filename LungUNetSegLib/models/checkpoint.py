"""Reads the part of a training's checkpoint that inference needs."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import ConfigError, ModelError, WriteError
from LungUNetSegLib.files import replacing
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.preprocessing import PreprocessConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkState:
    """A network with its weights, as a training saved them.

    Attributes:
        preprocess: The grid and intensities that the network expects.
        network: The architecture's name and settings, as JSON; a U-Net's where there is no name.
        weights: The state dict; the moving average where the training kept one.
        coarse_network: The coarse network's configuration, as JSON; None without one.
        coarse_weights: Its state dict.
        learnt: Ids of the cases that it was trained on, as far as they are text.
    """

    preprocess: PreprocessConfig
    network: dict[str, Any]
    weights: dict[str, Any]
    coarse_network: dict[str, Any] | None = None
    coarse_weights: dict[str, Any] | None = None
    learnt: tuple[str, ...] = ()


def read_checkpoint(path: Path) -> NetworkState:
    """Read the part of a training's checkpoint that inference needs; no code in it is executed.

    Raises:
        ModelError: It is damaged, or no checkpoint of this project.
        MissingDependencyError: torch is not installed.
    """
    content = load_tensors(path)
    try:
        config, average = content["config"], content["average"]
        coarse = config.get("coarse")  # older checkpoints have neither this nor its weights
        return NetworkState(
            preprocess=from_json(PreprocessConfig, config["preprocess"], str(path)),
            network=dict(config["network"]),
            weights=content["network"] if average is None else average,
            coarse_network=dict(coarse["network"]) if coarse else None,
            coarse_weights=content["coarse"] if coarse else None,
            learnt=_learnt(content.get("split")),
        )
    except (LookupError, TypeError, ValueError, ConfigError) as error:
        raise ModelError(
            f"{path} is not a checkpoint of `lungunetseg train` (missing or wrong: {error}); give its last.pt or"
            " best.pt."
        ) from error


def _learnt(split: object) -> tuple[str, ...]:
    cases = split.get("training", ()) if isinstance(split, dict) else ()
    return tuple(each for each in cases if isinstance(each, str)) if isinstance(cases, (list, tuple)) else ()


def load_tensors(path: Path) -> Any:
    """Load a file of `torch.save` to the CPU: tensors and plain values only, no code.

    Raises:
        ModelError: It cannot be read, is damaged, or holds anything else.
        MissingDependencyError: torch is not installed.
    """
    torch = import_package("torch", "PyTorch")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except pickle.UnpicklingError:
        # Without torch's message, which advises to load it unsafely.
        raise ModelError(
            f"{path} is refused: it is damaged, not a PyTorch file, or holds code rather than weights. Get it again "
            "from a source you trust."
        ) from None
    except Exception as error:  # torch may raise anything on damaged data
        raise ModelError(f"{path} is damaged, or not a PyTorch checkpoint ({type(error).__name__}).") from error


def write_tensors(values: Any, path: Path) -> None:
    """Write tensors and plain values by `torch.save`; an old file is replaced when the new one is whole.

    Raises:
        WriteError: The folder is missing, read-only or full.
        MissingDependencyError: torch is not installed.
    """
    torch = import_package("torch", "PyTorch")
    try:
        with replacing(path, path.suffix) as draft:
            torch.save(values, draft)
    except RuntimeError as error:  # torch reports a full disk as RuntimeError with an unclear message
        raise WriteError(f"{path}: cannot be written; is the disk full? ({error}).") from error
