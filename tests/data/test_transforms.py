"""Augmentation: each change does what its name says, to image and target alike, and can be replayed."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from LungUNetSegLib.data.transforms import (
    AugmentConfig,
    apply_parameters,
    gaussian_blur,
    identity_parameters,
    sample_parameters,
)
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.volume import AIR_HU

SIZE = (40, 56)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Two slices: a bright block on the image's left, which is right lung (channel 0), all decided but a corner."""
    hu = torch.full((2, 1, *SIZE), -500.0)
    hu[..., 10:20, 8:16] = 100.0
    target = torch.zeros(2, 3, *SIZE)
    target[:, 0, 10:20, 8:16] = 1
    target[:, 2] = 1
    target[:, 2, 30:, 50:] = 0
    return hu, target


def parameters(**changes: object):
    values = {name: torch.as_tensor(value).expand(2).clone() for name, value in changes.items()}
    return dataclasses.replace(identity_parameters(2), **values)


def test_neutral_parameters_change_nothing(batch) -> None:
    hu, target = apply_parameters(*batch, identity_parameters(2))
    assert torch.equal(hu, batch[0])
    assert torch.equal(target, batch[1])


def test_a_flip_exchanges_the_sides(batch) -> None:
    hu, target = apply_parameters(*batch, parameters(flip=True))
    assert torch.equal(hu, batch[0].flip(-1))
    assert torch.equal(target[:, 1], batch[1][:, 0].flip(-1))
    assert not target[:, 0].any()
    assert torch.equal(target[:, 2], batch[1][:, 2].flip(-1))


def test_a_rotation_by_90_degrees_lands_on_pixels(batch) -> None:
    """On a square, where the turned grid meets the old one; pixels are square on any size, as the next test shows."""
    hu, target = (each[..., :40, :40] for each in batch)
    turned, turned_target = apply_parameters(hu, target, parameters(rotation=math.pi / 2))
    turn = 1 if torch.allclose(turned, hu.rot90(1, (-2, -1)), atol=0.1) else -1
    torch.testing.assert_close(turned, hu.rot90(turn, (-2, -1)), atol=0.1, rtol=0)
    torch.testing.assert_close(turned_target[:, 0], target[:, 0].rot90(turn, (-2, -1)), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("change", "factor"), [({"rotation": 0.3}, 1.0), ({"scale": 1.2}, 1.44), ({"scale": 0.8}, 0.64)]
)
def test_areas_follow_the_scale_alone(batch, change: dict[str, float], factor: float) -> None:
    """A rotation that forgot the aspect ratio would shear, and change areas or shapes."""
    hu, target = batch
    target = torch.zeros_like(target)
    target[:, 0, 12:28, 20:36] = 1
    target[:, 2] = 1
    _, moved = apply_parameters(hu, target, parameters(**change))
    assert moved[0, 0].sum() == pytest.approx(256 * factor, rel=0.02)


def test_a_shift_moves_by_its_share_of_the_size(batch) -> None:
    shifted = dataclasses.replace(identity_parameters(2), shift=torch.tensor([[0.25, 0.0], [0.0, -0.125]]))
    hu, target = apply_parameters(*batch, shifted)
    assert torch.argwhere(target[0, 0] > 0.5).min(0).values.tolist() == [20, 8]
    assert torch.argwhere(target[1, 0] > 0.5).min(0).values.tolist() == [10, 1]
    assert (hu[0, 0, :9] == AIR_HU).all()  # what comes from outside is air, no lung, and decided
    assert (target[0, 2, :9] == 1).all()


def test_image_and_target_bend_together(batch) -> None:
    bend = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(1)) * 2
    hu, target = apply_parameters(*batch, dataclasses.replace(identity_parameters(2), elastic=bend))
    assert not torch.equal(target[:, :2], batch[1][:, :2])
    bright = (hu[:, 0] + 500) / 600
    inside = torch.nn.functional.max_pool2d((hu == AIR_HU).float(), 3, 1, 1)[:, 0] == 0
    torch.testing.assert_close(bright[inside].clamp(0, 1), target[:, 0][inside], atol=2e-3, rtol=0)


def test_undecided_pixels_stay_undecided_wherever_they_leak(batch) -> None:
    _, target = apply_parameters(*batch, parameters(rotation=0.1))
    assert set(target[:, 2].unique().tolist()) == {0.0, 1.0}
    assert (target[:, 2] == 0).sum() >= (batch[1][:, 2] == 0).sum() * 0.5


def test_outside_the_field_of_view_is_air_and_no_lung(batch) -> None:
    hu, target = apply_parameters(*batch, parameters(field_of_view=0.5))
    assert hu[0, 0, 0, 0] == AIR_HU
    assert hu[0, 0, 20, 28] == -500
    rows, columns = torch.meshgrid(torch.arange(40) - 19.5, torch.arange(56) - 27.5, indexing="ij")
    outside = torch.hypot(rows, columns) > 0.5 * math.hypot(*SIZE) / 2
    assert not target[:, :2, outside].any()
    assert (hu[:, 0, outside] == AIR_HU).all()
    assert torch.equal(target[:, 2], batch[1][:, 2])


def test_intensities_by_hand(batch) -> None:
    hu, target = batch
    assert torch.equal(apply_parameters(hu, target, parameters(shift_hu=30.0))[0], hu + 30)
    stronger = apply_parameters(hu, target, parameters(gamma=2.0))[0]
    # Block at 100 HU: share 1124 / 1500 of the range above air, squared.
    assert stronger[0, 0, 15, 12].item() == pytest.approx((1124 / 1500) ** 2 * 1500 - 1024, abs=0.01)


def test_intensities_leave_the_target_alone(batch) -> None:
    changed = parameters(shift_hu=30.0, gamma=1.2, noise_hu=20.0, blur=1.0, resolution=2.0, seed=5)
    hu, target = apply_parameters(*batch, changed)
    assert torch.equal(target, batch[1])
    assert not torch.equal(hu, batch[0])


@pytest.mark.parametrize("smooth", [False, True])
def test_noise_has_the_standard_deviation_asked_for_and_its_own_seed(batch, smooth: bool) -> None:
    noisy = dataclasses.replace(parameters(noise_hu=25.0, noise_smooth=smooth), seed=torch.tensor([1, 2]))
    hu, _ = apply_parameters(*batch, noisy)
    noise = hu - batch[0]
    assert noise[0].std() == pytest.approx(25, rel=0.05)
    assert not torch.equal(noise[0], noise[1])
    assert torch.equal(apply_parameters(*batch, noisy)[0], hu)


def test_blurring_keeps_the_mean_and_softens_sharpening_does_the_contrary(batch) -> None:
    blurred = apply_parameters(*batch, parameters(blur=1.0))[0]
    sharpened = apply_parameters(*batch, parameters(sharpen=1.0))[0]
    coarse = apply_parameters(*batch, parameters(resolution=3.0))[0]
    spread = batch[0].std()
    assert blurred.std() < spread < sharpened.std()
    assert coarse.std() < spread
    for each in (blurred, sharpened, coarse):
        assert each.mean() == pytest.approx(float(batch[0].mean()), abs=5)


def test_a_gaussian_keeps_a_constant_and_has_its_width() -> None:
    torch.testing.assert_close(gaussian_blur(torch.full((1, 9, 9), 7.0), 2.0), torch.full((1, 9, 9), 7.0))
    point = torch.zeros(1, 31, 31)
    point[0, 15, 15] = 1
    profile = gaussian_blur(point, 2.0)[0].sum(0)
    variance = (profile * (torch.arange(31) - 15.0) ** 2).sum()
    assert variance.sqrt() == pytest.approx(2.0, rel=0.05)


def test_the_seed_decides_the_parameters_and_each_lies_in_its_range() -> None:
    config = AugmentConfig(probability=0.5)
    draws = [sample_parameters(400, config, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    for field in dataclasses.fields(draws[0]):
        first, same, other = (getattr(draw, field.name) for draw in draws)
        assert torch.equal(first, same)
        assert not torch.equal(first, other), f"{field.name} is never used"
    drawn = draws[0]
    assert drawn.rotation.abs().max() <= math.radians(config.rotation_degrees)
    assert config.scale[0] - 1e-6 <= drawn.scale.min() <= drawn.scale.max() <= config.scale[1] + 1e-6
    assert 1 / config.gamma - 1e-6 <= drawn.gamma.min() <= drawn.gamma.max() <= config.gamma + 1e-6
    assert not ((drawn.blur > 0) & (drawn.sharpen > 0)).any()
    assert 0.4 < (drawn.shift_hu == 0).float().mean() < 0.6


def test_a_part_of_a_batch_is_changed_as_in_the_whole(batch) -> None:
    """What lets several processes share a batch."""
    drawn = sample_parameters(2, AugmentConfig(probability=1.0, flip=0.5), torch.Generator().manual_seed(0))
    hu, target = apply_parameters(*batch, drawn)
    half = apply_parameters(batch[0][1:], batch[1][1:], drawn[1:])
    torch.testing.assert_close(half[0], hu[1:])
    torch.testing.assert_close(half[1], target[1:])


@pytest.mark.parametrize(
    ("setting", "value"),
    [("probability", 1.5), ("flip", -0.1), ("scale", (1.2, 0.8)), ("gamma", 0.5), ("resolution", 0)],
)
def test_settings_out_of_range_are_named(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=setting):
        AugmentConfig(**{setting: value})
