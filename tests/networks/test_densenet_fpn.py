"""The DenseNet121-FPN: its size, its resolutions, its normalisation of the slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import DenseNetFpnConfig, build_network
from LungUNetSegLib.networks.densenet_fpn import DenseNet, standardised
from LungUNetSegLib.preprocessing import PreprocessConfig, normalise


def test_weights_are_the_published_file_s() -> None:
    """9,911,745 of them, the batch normalisations' statistics included; 7,037,504 in the DenseNet121."""
    with torch.device("meta"):  # shapes without numbers
        network = DenseNetFpnConfig().build()

    def count(module: torch.nn.Module) -> int:
        return sum(value.numel() for value in module.state_dict().values() if value.is_floating_point())

    assert count(network) == 9_911_745
    assert count(network.encoder) == 7_037_504


def test_the_encoder_s_taps_are_those_of_the_paper() -> None:
    """64, 128, 256, 512 and 1024 channels at strides 2, 4, 8, 16 and 32."""
    encoder = DenseNet(3, (6, 12, 24, 16), 32).eval()
    with torch.inference_mode():
        taps = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(each.shape[1:]) for each in taps] == [
        (64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6), (1024, 2, 3)
    ]  # fmt: skip


def test_each_slice_is_brought_to_mean_0_and_deviation_1() -> None:
    """From HU, as the paper says it: less the mean, over the standard deviation plus 1e-6; a uniform slice gives 0."""
    hu = np.random.default_rng(0).normal(-400, 500, (2, 3, 20, 30)).astype(np.float32)
    hu[1, 2] = -1000
    mean, deviation = hu.mean(axis=(2, 3), keepdims=True), hu.std(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(standardised(torch.from_numpy(hu)), (hu - mean) / (deviation + 1e-6), atol=1e-4)


def test_the_window_does_not_matter_as_long_as_nothing_is_clipped() -> None:
    """What preprocessing makes of HU gives the network the paper's input, whatever the window's ends."""
    hu = np.random.default_rng(0).uniform(-1024, 1500, (1, 3, 64, 64))
    network = DenseNetFpnConfig(blocks=(1, 1, 1, 1), growth=4, pyramid_features=8).build().eval()
    with torch.inference_mode():
        narrow, wide = (
            network(torch.from_numpy(normalise(hu, PreprocessConfig(window_hu=(-1024.0, high)))))
            for high in (1500.0, 3071.0)
        )
    torch.testing.assert_close(narrow, wide, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("setting", [{"blocks": [6, 12, 24]}, {"blocks": [6, 12, 24, 0]}, {"pyramid_features": 3}])
def test_nonsense_is_refused(setting: dict[str, object]) -> None:
    """A setting that this network cannot have must be named."""
    with pytest.raises(ConfigError, match=next(iter(setting))):
        build_network({"name": "densenet_fpn"} | setting)
