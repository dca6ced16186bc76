"""The part of a training's checkpoint that inference needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import from_json
from LungUNetSegLib.errors import ConfigError, ModelError
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.preprocessing import PreprocessConfig


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkState:
    """A network with its weights, as a training saved them.

    Attributes:
        preprocess: The grid and intensities that the network expects.
        network: The U-Net's configuration, as JSON.
        weights: The state dict; the moving average where the training kept one.
    """

    preprocess: PreprocessConfig
    network: dict[str, Any]
    weights: dict[str, Any]


def read_checkpoint(path: Path) -> NetworkState:
    """Read what inference needs of a training's checkpoint; nothing in it is executed.

    Raises:
        ModelError: It is damaged, or no checkpoint of this project.
        MissingDependencyError: torch is not installed.
    """
    torch = import_package("torch", "PyTorch")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the broken bytes lead to
        raise ModelError(f"{path} is damaged, or no PyTorch checkpoint: {' '.join(str(error).split())}") from error
    try:
        config, average = content["config"], content["average"]
        return NetworkState(
            preprocess=from_json(PreprocessConfig, config["preprocess"], str(path)),
            network=dict(config["network"]),
            weights=content["network"] if average is None else average,
        )
    except (LookupError, TypeError, ValueError, ConfigError) as error:
        raise ModelError(f"{path} is no checkpoint of `lungunetseg train` (it lacks or misnames {error}).") from error
