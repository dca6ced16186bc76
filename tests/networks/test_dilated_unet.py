"""The dilated U-Net: what its middle sees."""

from __future__ import annotations

import pytest
import torch

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import DilatedUNetConfig, build_network
from LungUNetSegLib.networks.dilated_unet import DilatedChain, offsets_seen


def pixels_seen(rates: tuple[int, ...], joined: str) -> torch.Tensor:
    """Return by how much each of 41 x 41 pixels changes the middle one of a chain, counted by the gradient."""
    chain = DilatedChain(1, 1, rates, normalisation="none", joined=joined)
    for weight in chain.parameters():
        torch.nn.init.constant_(weight, 1.0)  # positive, so that no ReLU hides a path and none cancels another
    image = torch.ones(1, 1, 41, 41, requires_grad=True)
    chain(image)[0, 0, 20, 20].backward()
    assert image.grad is not None
    return image.grad[0, 0]


@pytest.mark.parametrize("joined", ["sum", "chain"])
@pytest.mark.parametrize("rates", [(1, 2, 4), (1, 2, 5), (1, 1), (1, 3), (1, 2, 7)])
def test_the_receptive_field_has_no_holes(rates: tuple[int, ...], joined: str) -> None:
    """Every pixel of the square that the rates span must count: 15 x 15 for 1, 2, 4 and 17 x 17 for 1, 2, 5."""
    DilatedUNetConfig(rates=rates)
    seen = pixels_seen(rates, joined) > 0
    reach = sum(rates)
    assert seen[20 - reach : 21 + reach, 20 - reach : 21 + reach].all()
    assert int(seen.sum()) == (2 * reach + 1) ** 2


@pytest.mark.parametrize(("rates", "seen"), [((2, 2), 5), ((1, 2, 9), 21), ((2, 4, 8), 15), ((1, 2, 8), 21)])
def test_rates_that_leave_pixels_unseen_are_refused(rates: tuple[int, ...], seen: int) -> None:
    """2, 2 sees 5 of the 9 pixels in a row that it spans, 1, 2, 9 sees 21 of 25; the gradient says the same."""
    assert len(offsets_seen(rates)) == seen == int((pixels_seen(rates, "chain")[20] > 0).sum())
    with pytest.raises(ConfigError, match=f"see {seen} of the {2 * sum(rates) + 1} pixels"):
        DilatedUNetConfig(rates=rates)


def test_the_middle_alone_differs_from_the_plain_u_net() -> None:
    """A fair comparison changes one thing: outside of the middle the weights are those of the plain U-Net."""
    plain, dilated = (
        build_network({"name": name, "features_per_stage": [4, 8, 16]}).state_dict()
        for name in ("unet", "dilated_unet")
    )
    shapes = [
        {key: value.shape for key, value in state.items() if not key.startswith("middle.")}
        for state in (plain, dilated)
    ]
    assert shapes[0] == shapes[1]
    assert len([key for key in dilated if key.startswith("middle.") and key.endswith("0.weight")]) == 3


def test_all_rates_reach_the_sum() -> None:
    """With "sum" the middle gives what its convolutions give, added: at a weight of 1 in the centre, three times x."""
    chain = DilatedChain(1, 1, (1, 2, 4), normalisation="none", joined="sum")
    for layer in chain.layers:
        torch.nn.init.zeros_(layer[0].bias)
        torch.nn.init.zeros_(layer[0].weight)
        layer[0].weight.data[0, 0, 1, 1] = 1.0
    image = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(chain(image), 3 * image)
