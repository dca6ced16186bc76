"""Folds batch normalisations into the convolutions before them, and gives them back.

In use a batch normalisation is a fixed scale and shift, so that a convolution that includes them computes the same. But
such a network learns badly, as nothing keeps its activations in scale. So before it is trained further, every
convolution gets a normalisation again, whose statistics are those of the training's slices, and whose scale and shift
undo them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from LungUNetSegLib.config import to_json
from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.networks.architecture import NetworkConfig, Weights, build_network, read_network_config


def fold_batch_norm(network: nn.Module, config: Mapping[str, Any]) -> tuple[nn.Module, dict[str, Any]]:
    """Return an equivalent network without batch normalisation after convolutions, and its settings as JSON.

    Networks without the setting `normalisation`, and those with another one, are returned as they are. Layers must be
    registered in the order in which they compute.
    """
    settings = read_network_config(config)
    if getattr(settings, "normalisation", None) != "batch":
        return network, to_json(settings)
    settings = with_normalisation(settings, "none")
    folded = build_network(settings).eval()
    state = dict(network.state_dict())
    for name, _, convolution, norm in _pairs(network):
        fused = fuse_conv_bn_eval(convolution.eval(), norm.eval())
        state |= {f"{name}.{key}": value for key, value in fused.state_dict().items()}
    folded.load_state_dict({key: state[key] for key in folded.state_dict()})
    return folded, to_json(settings)


def is_folded(weights: Weights, network: nn.Module) -> bool:
    """Whether weights lack each of the batch normalisations that a network has after its convolutions."""
    norms = [norm for _, norm, *_ in _pairs(network)]
    return bool(norms) and not any(f"{norm}.running_mean" in weights for norm in norms)


@torch.inference_mode()
def unfold_batch_norm(weights: Weights, config: NetworkConfig, images: Iterable[Tensor]) -> Weights:
    """Return weights with batch normalisation that compute the same as folded ones.

    Args:
        weights: Of a network as `config`, but with ``normalisation="none"``.
        config: Of the returned weights, with ``normalisation="batch"``.
        images: (B, C, H, W) inputs, at least one, whose statistics the normalisations begin with; they are computed on
            the device of the images.

    Returns:
        Parameters and buffers, on the CPU.

    Raises:
        ModelError: The weights are of another network.
    """
    folded, network = build_network(with_normalisation(config, "none")).eval(), build_network(config)
    try:
        folded.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"The weights to start from are of another network: {error}.") from error
    pairs = list(_pairs(network))
    moments = {name: _Moments() for name, *_ in pairs}
    for name, seen in moments.items():
        folded.get_submodule(name).register_forward_hook(seen.add)
    for image in images:
        folded.to(image.device)(image)
    state: Weights = network.state_dict()
    state |= {name: value for name, value in weights.items() if name in state}
    for name, following, _, norm in pairs:
        mean, variance, bias = moments[name].mean, moments[name].variance, weights[f"{name}.bias"]
        if f"{name}.bias" in state:  # of no effect before a normalisation
            state[f"{name}.bias"] = torch.zeros_like(bias)
        state[f"{following}.running_mean"] = (mean - bias).float()
        state[f"{following}.running_var"] = variance.float()
        state[f"{following}.weight"] = (variance + norm.eps).sqrt().float()
        state[f"{following}.bias"] = mean.float()
    return state


def with_normalisation(config: NetworkConfig, kind: str) -> NetworkConfig:
    """Return settings with another kind of normalisation after convolutions; they must have that setting."""
    return dataclasses.replace(config, normalisation=kind)  # type: ignore[call-arg]  # not all networks have it


def _pairs(network: nn.Module) -> Iterator[tuple[str, str, nn.Conv2d, nn.BatchNorm2d]]:
    """Yield the names of each convolution and of the batch normalisation after it, and both layers."""
    for prefix, block in network.named_modules():
        for (name, layer), (following, norm) in pairwise(block.named_children()):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                start = f"{prefix}." if prefix else ""
                yield start + name, start + following, layer, norm


class _Moments:
    """Mean and variance of each channel of a layer's outputs, in float64."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, layer: nn.Module, inputs: Any, output: Tensor) -> None:
        """Add a batch; has the form of a forward hook."""
        # Not on the device: Apple's has no float64.
        variance, mean = (each.cpu().double() for each in torch.var_mean(output, dim=(0, 2, 3), correction=0))
        count = output[:, 0].numel()
        self._count += count
        self._sum = self._sum + count * mean
        self._squares = self._squares + count * (variance + mean.square())

    @property
    def mean(self) -> Tensor:
        """(channels,) mean over batches and pixels."""
        return self._sum / self._count

    @property
    def variance(self) -> Tensor:
        """(channels,) variance over batches and pixels."""
        return (self._squares / self._count - self.mean.square()).clamp(min=0)
