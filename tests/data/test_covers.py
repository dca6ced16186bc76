"""Blankets lie around the body and leave it as it is."""

from __future__ import annotations

import pytest
import torch

from LungUNetSegLib.data.covers import lay_cover

Disc = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def disc() -> Disc:
    """A round body of 60 pixels with a round lung of 25 in air; distances from the middle and HU, (160, 160)."""
    y, x = torch.meshgrid(torch.arange(160) - 80, torch.arange(160) - 80, indexing="ij")
    radius = torch.hypot(y.float(), x.float())
    hu = torch.where(radius < 25, -850.0, torch.where(radius < 60, 40.0, -1000.0))
    return radius, hu


def test_a_blanket_lies_at_its_distance_from_the_skin_with_air_under_it(
    disc: Disc,
) -> None:
    """12 pixels outside of 60; the blur that places it bends with the skin, so within 4."""
    radius, hu = disc
    covered = lay_cover(hu[None], (radius < 25).float(), 12.0, torch.Generator().manual_seed(1))[0]
    changed = covered != hu
    assert changed.sum() > 100
    assert radius[changed].min() >= 68
    assert radius[changed].max() <= 76
    assert torch.equal(covered[radius < 68], hu[radius < 68])
    assert covered[changed].max() <= 50


def test_gas_within_the_body_gets_no_blanket(disc: Disc) -> None:
    """The bowel's, wider than the blur that places the blanket."""
    radius, hu = disc
    gassy = torch.where(radius < 40, -950.0, hu)
    covered = lay_cover(gassy[None], torch.zeros_like(hu), 12.0, torch.Generator().manual_seed(1))[0]
    assert (covered != gassy).any()
    assert torch.equal(covered[radius < 60], gassy[radius < 60])


def test_neighbouring_slices_get_the_same_blanket(disc: Disc) -> None:
    """Else it would tell the network which slice is which."""
    radius, hu = disc
    thin = torch.where(radius < 50, 40.0, -1000.0)
    covered = lay_cover(torch.stack((thin, hu, thin)), (radius < 25).float(), 12.0, torch.Generator().manual_seed(1))
    around = radius >= 60
    assert torch.equal(covered[0][around], covered[1][around]) and torch.equal(covered[2][around], covered[1][around])
    assert not torch.equal(covered[1], hu)
    assert torch.equal(covered[0][~around], thin[~around])


def test_a_lung_at_the_skin_gets_no_blanket_within(disc: Disc) -> None:
    """Lung is air, but belongs to the body: here it is all of it."""
    radius, _ = disc
    hu = torch.where(radius < 60, -850.0, -1000.0)
    covered = lay_cover(hu[None], (radius < 60).float(), 12.0, torch.Generator().manual_seed(1))[0]
    assert (covered != hu).any()
    assert torch.equal(covered[radius < 68], hu[radius < 68])
