"""Loads pretrained encoder weights from files in torchvision's format.

None are shipped or downloaded: the network's settings may name a file of the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.networks.architecture import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(NetworkConfig):
    """Settings of a network whose encoder may be initialised with weights from a file.

    Attributes:
        encoder_weights: Path of a state dict in torchvision's layout (such as trained on ImageNet), read when a
            training starts; "" for random weights.
    """

    encoder_weights: str = ""


@runtime_checkable
class HasEncoder(Protocol):
    """A network with an encoder that accepts pretrained weights."""

    def encoder_state(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename a file's tensors from torchvision's names to the network's own names."""
        ...


def load_encoder(network: nn.Module, config: NetworkConfig) -> None:
    """Load the weights that `config.encoder_weights` names, if any, into a network's encoder.

    Raises:
        ModelError: The file is missing, damaged, or has another layout.
    """
    path = config.encoder_weights if isinstance(config, EncoderConfig) else ""
    if not path:
        return
    assert isinstance(network, HasEncoder)
    try:
        weights = torch.load(Path(path), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"The encoder's weights {path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # torch passes on any exception of its unpickler
        # Without torch's message, which advises to load it unsafely.
        raise ModelError(
            f"{path} is refused: it is damaged, not a PyTorch file, or holds more than weights. Give a state dict in "
            "torchvision's format."
        ) from error
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ModelError(f"{path} is not a state dict of tensors by name; give a file in torchvision's format.")
    found, own = network.encoder_state(weights), network.state_dict()
    wrong = [key for key, value in found.items() if key not in own or own[key].shape != value.shape]
    convolutions = [key for key, value in own.items() if key.startswith("encoder.") and value.dim() == 4]
    missing = [key for key in convolutions if key not in found]
    if wrong or missing:
        raise ModelError(
            f"The weights in {path} are of another encoder than that of {config.name!r}: {(wrong or missing)[0]} "
            f"{'does not fit' if wrong else 'is missing'}. Give a state dict in torchvision's layout, of the same "
            "layers and widths."
        )
    network.load_state_dict(own | found)
