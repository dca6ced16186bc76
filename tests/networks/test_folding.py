"""Batch normalisation is folded into convolutions for use, and given back for another training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.networks import NetworkConfig, build_network, read_network_config
from LungUNetSegLib.networks.folding import fold_batch_norm, is_folded, unfold_batch_norm, with_normalisation

SETTINGS: dict[str, dict[str, Any]] = {
    "unet": {"features_per_stage": [4, 8, 8], "stem_stride": 2},
    "dilated_unet": {"features_per_stage": [4, 8, 8]},
    "vgg_segnet": {"first_features": 4},
    "densenet_fpn": {"blocks": [1, 2, 2, 1], "growth": 4, "pyramid_features": 16},
}
"""Of each network with the setting `normalisation`; in vgg_segnet a convolution before a normalisation has a bias."""

every_network = pytest.mark.parametrize("name", SETTINGS)


def settings_of(name: str, **others: Any) -> NetworkConfig:
    return read_network_config({"name": name, "in_channels": 3, "out_channels": 2} | SETTINGS[name] | others)


def folded(config: NetworkConfig) -> nn.Module:
    """Return a network that has learnt, its weights no longer in scale, without its normalisations."""
    torch.manual_seed(0)
    network = build_network(config).train()
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.3 * weight.abs().mean() * torch.randn_like(weight)
        for _ in range(2):
            network(torch.randn(2, 3, 64, 96))
    return fold_batch_norm(network, vars(config))[0]


def unfolded(weights: dict[str, Tensor], config: NetworkConfig, *images: Tensor) -> nn.Module:
    network = build_network(config)
    network.load_state_dict(unfold_batch_norm(weights, config, images or [torch.randn(2, 3, 64, 96)]))
    return network.eval()


def normalised(network: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Yield each convolution and its normalisation, found by the order of computation."""
    order: list[nn.Module] = []
    hooks = [each.register_forward_hook(lambda layer, *_: order.append(layer)) for each in network.modules()]
    with torch.inference_mode():
        network(torch.zeros(1, 3, 64, 96))
    for hook in hooks:
        hook.remove()
    for layer, following in pairwise(order):
        if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            yield layer, following


def test_a_case_computed_by_hand() -> None:
    """Two 1 x 1 steps, 2 x + 1 and 3 x - 4; of four slices three are 0 and one is 2, in batches of 3 and 1.

    The first gives 1, 1, 1, 5: mean 2, variance 3. The second gives -1, -1, -1, 11: mean 2, variance 27.
    """
    config = read_network_config({"features_per_stage": [1], "dropout": 0.0})
    weights = {
        name: torch.zeros_like(value)
        for name, value in build_network(with_normalisation(config, "none")).state_dict().items()
    }
    for name, factor, shift in (("middle.0", 2.0, 1.0), ("middle.3", 3.0, -4.0)):
        weights[f"{name}.weight"][0, 0, 1, 1], weights[f"{name}.bias"][0] = factor, shift
    state = unfold_batch_norm(weights, config, [torch.zeros(3, 1, 4, 4), torch.full((1, 1, 4, 4), 2.0)])
    assert "middle.0.bias" not in state and state["middle.0.weight"].sum() == 2
    for norm, mean, variance, without_bias in (("middle.1", 2.0, 3.0, 1.0), ("middle.4", 2.0, 27.0, 6.0)):
        assert state[f"{norm}.running_mean"].item() == pytest.approx(without_bias)
        assert state[f"{norm}.running_var"].item() == pytest.approx(variance)
        assert state[f"{norm}.weight"].item() == pytest.approx((variance + 1e-5) ** 0.5)
        assert state[f"{norm}.bias"].item() == pytest.approx(mean)


@every_network
def test_an_unfolded_network_computes_the_same(name: str) -> None:
    """Protects who goes on from a shipped model: its first step starts where the model ends."""
    config = settings_of(name)
    before = folded(config)
    after = unfolded(before.state_dict(), config)
    image = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        torch.testing.assert_close(after(image), before.eval()(image), atol=1e-4, rtol=1e-4)


@every_network
def test_folding_undoes_unfolding(name: str) -> None:
    """Protects a model from a training that changed nothing: its weights are the old ones."""
    config = settings_of(name)
    before = folded(config).state_dict()
    again = fold_batch_norm(unfolded(before, config), vars(config))[0].state_dict()
    assert again.keys() == before.keys()
    for key, value in before.items():
        torch.testing.assert_close(again[key], value, atol=1e-5, rtol=1e-5, msg=key)


@every_network
def test_every_normalisation_begins_with_the_images_statistics(name: str) -> None:
    """Protects the scale in which the training goes on: after each normalisation's statistics mean 0, variance 1."""
    config = settings_of(name)
    images = torch.randn(6, 3, 64, 96) * torch.linspace(0.5, 2, 6)[:, None, None, None]
    after = unfolded(folded(config).state_dict(), config, images[:4], images[4:])
    given: dict[nn.Module, Tensor] = {}
    pairs = list(normalised(after))
    assert len(pairs) == sum(isinstance(each, nn.BatchNorm2d) for each in after.modules()) - (
        sum(isinstance(each, nn.BatchNorm2d) for each in folded(config).modules())
    )
    for convolution, _ in pairs:
        convolution.register_forward_hook(lambda layer, _, output: given.update({layer: output}))
    with torch.inference_mode():
        after(images)
    for convolution, norm in pairs:
        variance, mean = torch.var_mean(given[convolution], dim=(0, 2, 3), correction=0)
        torch.testing.assert_close(norm.running_mean, mean, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(norm.running_var, variance, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["unet", "dilated_unet", "vgg_segnet"])
def test_the_first_step_sees_nearly_what_the_model_computes(name: str) -> None:
    """Protects the first steps, in which a batch's own statistics are used: those of the same images give the same.

    densenet_fpn keeps the statistics of its other normalisations, which are those of its former training.
    """
    config = settings_of(name, **({} if name == "vgg_segnet" else {"dropout": 0.0}))
    images = torch.randn(4, 3, 64, 96)
    network = unfolded(folded(config).state_dict(), config, images)
    with torch.no_grad():
        expected = network(images)
        difference = (network.train()(images) - expected).abs().mean()
    assert difference < 1e-3 * expected.std()


@every_network
def test_folded_weights_are_told_from_others(name: str) -> None:
    config = settings_of(name)
    network = build_network(config)
    plain = folded(config)
    assert is_folded(plain.state_dict(), network)
    assert not is_folded(network.state_dict(), network)
    assert not is_folded(plain.state_dict(), plain)


@pytest.mark.parametrize("normalisation", ["instance", "group", "none"])
def test_networks_without_batch_normalisation_are_left_as_they_are(normalisation: str) -> None:
    """Protects the other normalisations, which depend on the slice and cannot be folded."""
    network = build_network({"normalisation": normalisation, "features_per_stage": (4, 8)})
    same, config = fold_batch_norm(network, {"normalisation": normalisation})
    assert same is network and (config["name"], config["normalisation"]) == ("unet", normalisation)
    assert not is_folded(network.state_dict(), network)


def test_weights_of_another_network_are_refused() -> None:
    narrow, wide = settings_of("unet"), settings_of("unet", features_per_stage=[8, 16, 16])
    with pytest.raises(ModelError, match=r"of another network: .*\n.*size mismatch for encoder"):
        unfold_batch_norm(folded(narrow).state_dict(), wide, [torch.zeros(1, 3, 64, 96)])
