"""Augments batches on the network's grid; parameters are sampled first and applied later, so they can be replayed.

Geometry (rotation, scale, shift, elastic) is one composed resampling; intensities are changed in HU, before
normalisation. Targets follow every geometric change, and a flip also swaps right and left lung.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from LungUNetSegLib.config import check_at_least, check_shares
from LungUNetSegLib.data.covers import gaussian_blur, lay_cover
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.volume import AIR_HU

ELASTIC_GRID = 5
"""Default number of control points of the elastic deformation along each axis."""


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Strength of each change; each is applied to a slice with `probability`, and an extent of 0 switches it off.

    Attributes:
        probability: Probability of each kind of change in each slice.
        flip: Probability of a left-right flip, with right and left lung exchanged.
        rotation_degrees: Largest rotation either way.
        scale: Smallest and largest magnification.
        shift: Largest shift, as a fraction of the slice's size.
        elastic_pixels: Standard deviation of the control points' displacement.
        elastic_grid: Control points along each axis; those at the ends lie on the slice's border.
        noise_hu: Largest standard deviation of the noise, white or as coarse as a soft kernel leaves it.
        kernel: Largest blur (sigma in pixels) and largest sharpening (amount of unsharp masking).
        gamma: Largest exponent of the contrast between air and bone; its inverse is the smallest.
        shift_hu: Largest shift of all HU.
        resolution: Largest factor by which pixels are coarsened.
        field_of_view: Smallest radius of a round field of view, as a fraction of half the slice's diagonal.
        cover_pixels: Largest distance of a blanket from the skin, with air under it.
    """

    probability: float = 0.35
    flip: float = 0.2
    rotation_degrees: float = 20.0
    scale: tuple[float, float] = (0.75, 1.3)
    shift: float = 0.12
    elastic_pixels: float = 4.0
    elastic_grid: int = ELASTIC_GRID
    noise_hu: float = 60.0
    kernel: tuple[float, float] = (1.2, 1.5)
    gamma: float = 1.3
    shift_hu: float = 70.0
    resolution: float = 3.0
    field_of_view: float = 0.34
    cover_pixels: float = 40.0

    def __post_init__(self) -> None:
        check_shares(self, "probability", "flip")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ConfigError(f"scale must rise from above 0, got {self.scale}.")
        check_at_least(self, elastic_grid=2, gamma=1, resolution=1)


@dataclass(frozen=True, eq=False)
class AugmentParameters:
    """The changes of each of B slices; neutral values leave a slice unchanged.

    Attributes:
        flip: (B,) bool.
        rotation: (B,) radians.
        scale: (B,) magnification.
        shift: (B, 2) along (row, column), as a fraction of the size.
        elastic: (B, 2, n, n) displacement of n x n control points in pixels along (column, row).
        noise_hu: (B,) standard deviation.
        noise_smooth: (B,) bool; coarse noise.
        seed: (B,) int64; of the noise and of the cover's folds.
        blur: (B,) sigma in pixels.
        sharpen: (B,) amount.
        gamma: (B,) exponent.
        shift_hu: (B,).
        resolution: (B,) factor of coarsening.
        field_of_view: (B,) radius as a fraction of half the diagonal; infinite without.
        cover: (B,) distance of a blanket from the skin in pixels; 0 without.
    """

    flip: Tensor
    rotation: Tensor
    scale: Tensor
    shift: Tensor
    elastic: Tensor
    noise_hu: Tensor
    noise_smooth: Tensor
    seed: Tensor
    blur: Tensor
    sharpen: Tensor
    gamma: Tensor
    shift_hu: Tensor
    resolution: Tensor
    field_of_view: Tensor
    cover: Tensor

    def __getitem__(self, index: slice | list[int]) -> AugmentParameters:
        """Return the parameters of some of the slices."""
        return AugmentParameters(**{field.name: getattr(self, field.name)[index] for field in dataclasses.fields(self)})


def identity_parameters(batch_size: int) -> AugmentParameters:
    """Return parameters that leave every slice unchanged."""
    zeros, ones = torch.zeros(batch_size), torch.ones(batch_size)
    return AugmentParameters(
        flip=zeros.bool(),
        rotation=zeros,
        scale=ones,
        shift=torch.zeros(batch_size, 2),
        elastic=torch.zeros(batch_size, 2, ELASTIC_GRID, ELASTIC_GRID),
        noise_hu=zeros,
        noise_smooth=zeros.bool(),
        seed=zeros.long(),
        blur=zeros,
        sharpen=zeros,
        gamma=ones,
        shift_hu=zeros,
        resolution=ones,
        field_of_view=torch.full((batch_size,), math.inf),
        cover=zeros,
    )


def sample_parameters(batch_size: int, config: AugmentConfig, generator: torch.Generator) -> AugmentParameters:
    """Draw the changes of each slice of a batch."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(batch_size, *shape, generator=generator)

    def sometimes(value: Tensor, neutral: float = 0.0) -> Tensor:
        chosen = torch.rand(batch_size, generator=generator) < config.probability
        return torch.where(chosen.view(-1, *[1] * (value.dim() - 1)), value, torch.full_like(value, neutral))

    def log_uniform(largest: float) -> Tensor:
        return uniform(-math.log(largest), math.log(largest)).exp()

    low, high = (math.log(each) for each in config.scale)
    points = (config.elastic_grid, config.elastic_grid)
    elastic = torch.randn(batch_size, 2, *points, generator=generator) * config.elastic_pixels
    kernel = sometimes(uniform(-1, 1))
    return AugmentParameters(
        flip=uniform(0, 1) < config.flip,
        rotation=sometimes(uniform(-1, 1) * math.radians(config.rotation_degrees)),
        scale=sometimes(uniform(low, high).exp(), 1.0),
        shift=sometimes(uniform(-1, 1, 2) * config.shift),
        elastic=sometimes(elastic),
        noise_hu=sometimes(uniform(0, config.noise_hu)),
        noise_smooth=uniform(0, 1) < 0.5,
        seed=torch.randint(2**62, (batch_size,), generator=generator),
        blur=kernel.clamp(min=0) * config.kernel[0],
        sharpen=(-kernel).clamp(min=0) * config.kernel[1],
        gamma=sometimes(log_uniform(config.gamma), 1.0),
        shift_hu=sometimes(uniform(-1, 1) * config.shift_hu),
        resolution=sometimes(uniform(1, config.resolution), 1.0),
        field_of_view=sometimes(uniform(config.field_of_view, 1.0), math.inf),
        cover=sometimes(uniform(0, 1).round() * uniform(4, max(4.0, config.cover_pixels)) * bool(config.cover_pixels)),
    )


def apply_parameters(hu: Tensor, target: Tensor, parameters: AugmentParameters) -> tuple[Tensor, Tensor]:
    """Apply `parameters` to a batch.

    Args:
        hu: (B, C, h, w) float HU; C neighbouring slices.
        target: (B, 3 or 5, h, w) float in [0, 1]: right lung, left lung, valid, and, with a coarse view, its
            probabilities of right and left lung.
        parameters: Parameters of B slices.

    Returns:
        New `hu` and `target`. Pixels from outside the slice are air, not lung, and valid.
    """
    hu = _cover(hu, target, parameters)
    hu, target = _flip(hu, target, parameters.flip)
    hu, target = _move(hu, target, parameters)
    hu, target = _crop_field_of_view(hu, target, parameters.field_of_view)
    return _change_intensities(hu, parameters), target


def _cover(hu: Tensor, target: Tensor, p: AugmentParameters) -> Tensor:
    covered = p.cover.nonzero()[:, 0].tolist()
    if covered:
        hu = hu.clone()
    for index in covered:
        generator = torch.Generator().manual_seed(int(p.seed[index]) + 1)
        hu[index] = lay_cover(hu[index], target[index, :2].sum(0), float(p.cover[index]), generator)
    return hu


def _flip(hu: Tensor, target: Tensor, flip: Tensor) -> tuple[Tensor, Tensor]:
    if not flip.any():
        return hu, target
    chosen = flip.view(-1, 1, 1, 1)
    sides_exchanged = target[:, [1, 0, 2, 4, 3][: target.shape[1]]].flip(-1)
    return torch.where(chosen, hu.flip(-1), hu), torch.where(chosen, sides_exchanged, target)


def _move(hu: Tensor, target: Tensor, p: AugmentParameters) -> tuple[Tensor, Tensor]:
    """Rotate, scale, shift and deform the slices that need it, in one bilinear resampling."""
    moved = (p.rotation != 0) | (p.scale != 1) | (p.shift != 0).any(1) | (p.elastic != 0).flatten(1).any(1)
    index = moved.nonzero()[:, 0]
    if index.numel() == 0:
        return hu, target
    grid = _sampling_grid(p[index.tolist()], hu.shape[-2], hu.shape[-1])
    channels = hu.shape[1]
    # Outside, `grid_sample` gives 0, so air must be 0, and undecided instead of valid pixels are sampled.
    undecided = 1 - target[index, 2:3]
    stacked = torch.cat((hu[index] - AIR_HU, target[index, :2], undecided, target[index, 3:]), dim=1)
    stacked = F.grid_sample(stacked, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    hu, target = hu.clone(), target.clone()
    hu[index] = stacked[:, :channels] + AIR_HU
    target[index] = stacked[:, channels:]
    target[index, 2] = (stacked[:, channels + 2] == 0).float()
    return hu, target


def _sampling_grid(p: AugmentParameters, height: int, width: int) -> Tensor:
    """Return (B, h, w, 2) positions (x, y) in [-1, 1] from which each pixel is sampled."""
    cos, sin = p.rotation.cos() / p.scale, p.rotation.sin() / p.scale
    aspect = height / width  # pixels are square, normalised coordinates are not
    matrix = torch.zeros(len(p.scale), 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 0, 2] = cos, sin * aspect, -2 * p.shift[:, 1]
    matrix[:, 1, 0], matrix[:, 1, 1], matrix[:, 1, 2] = -sin / aspect, cos, -2 * p.shift[:, 0]
    grid = F.affine_grid(matrix, [len(p.scale), 1, height, width], align_corners=False)
    bend = F.interpolate(p.elastic, size=(height, width), mode="bicubic", align_corners=True)
    return grid + (bend * torch.tensor([2 / width, 2 / height]).view(1, 2, 1, 1)).permute(0, 2, 3, 1)


def _crop_field_of_view(hu: Tensor, target: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    if not torch.isfinite(radius).any():
        return hu, target
    height, width = hu.shape[-2:]
    rows = torch.arange(height).view(-1, 1) - (height - 1) / 2
    columns = torch.arange(width).view(1, -1) - (width - 1) / 2
    inside = torch.hypot(rows, columns) <= radius.view(-1, 1, 1, 1) * math.hypot(height, width) / 2
    cropped = torch.cat((target[:, :2] * inside, target[:, 2:3], target[:, 3:] * inside), dim=1)
    return torch.where(inside, hu, float(AIR_HU)), cropped


def _change_intensities(hu: Tensor, p: AugmentParameters) -> Tensor:
    result = []
    for index, image in enumerate(hu):  # kernels and sizes differ from slice to slice
        image = _coarsen(image, float(p.resolution[index]))
        sigma, amount = float(p.blur[index]), float(p.sharpen[index])
        if sigma > 0.2:
            image = gaussian_blur(image, sigma)
        elif amount > 0:
            image = image + amount * (image - gaussian_blur(image, 1.0))
        if p.gamma[index] != 1:
            share = ((image - AIR_HU) / 1500).clamp(min=0)
            image = share ** p.gamma[index] * 1500 + AIR_HU
        image = image + p.shift_hu[index]
        if p.noise_hu[index] > 0:
            image = image + _noise(image.shape, p, index)
        result.append(image)
    return torch.stack(result)


def _coarsen(image: Tensor, factor: float) -> Tensor:
    if factor <= 1.05:
        return image
    height, width = image.shape[-2:]
    size = (max(2, round(height / factor)), max(2, round(width / factor)))
    small = F.interpolate(image[None], size=size, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)[0]


def _noise(shape: torch.Size, p: AugmentParameters, index: int) -> Tensor:
    generator = torch.Generator().manual_seed(int(p.seed[index]))
    noise = torch.randn(shape, generator=generator)
    if p.noise_smooth[index]:
        noise = gaussian_blur(noise, 1.0)
        noise = noise / noise.std()
    return noise * p.noise_hu[index]
