"""Adds synthetic disease to the lungs of a scan with known lung masks.

Lung segmentation profits most from the variety of training cases (Hofmanninger 2020, doi:10.1186/s41747-020-00173-2).
Few cases are available here, so synthetic disease is added. Consolidation, ground glass, masses, emphysema and
whole-lung opacity remain lung; effusion, pneumothorax and the fluid after a pneumonectomy are removed from the mask,
following the contouring rules of RTOG 1106.

A lesion is defined in the patient, in mm, so that all slices and the coarse view of a scan show the same disease.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from LungUNetSegLib.errors import ConfigError

Kind = Literal[
    "consolidation", "ground_glass", "opacity", "mass", "emphysema", "effusion", "pneumothorax", "pneumonectomy"
]

# For each kind: HU range of the diseased tissue, and how much of the lung it replaces. Only HU distinguish fluid from
# solid tissue of the same shape: where their ranges overlapped, networks found less of consolidated lungs (ADR 0023).
_APPEARANCE: dict[Kind, tuple[tuple[float, float], tuple[float, float]]] = {
    "consolidation": ((30.0, 100.0), (0.85, 1.0)),
    "ground_glass": ((-100.0, 50.0), (0.2, 0.65)),
    "opacity": ((30.0, 100.0), (0.9, 1.0)),
    "mass": ((25.0, 100.0), (0.95, 1.0)),
    "emphysema": ((-1000.0, -950.0), (0.7, 1.0)),
    "effusion": ((-10.0, 20.0), (1.0, 1.0)),
    "pneumothorax": ((-1010.0, -980.0), (1.0, 1.0)),
    "pneumonectomy": ((-10.0, 20.0), (1.0, 1.0)),
}

LIKE_DOMES: frozenset[Kind] = frozenset(("consolidation", "mass"))
"""Kinds that look like the dome of an organ in a slice that is seen alone."""

SOLID: frozenset[Kind] = LIKE_DOMES | {"opacity"}
"""Kinds that look like an organ if the rest of the lung is not visible."""

NOT_LUNG: frozenset[Kind] = frozenset(("effusion", "pneumothorax", "pneumonectomy"))
_WHOLE: frozenset[Kind] = frozenset(("opacity", "pneumonectomy"))
_AIRLESS: frozenset[Kind] = SOLID | {"effusion", "pneumonectomy"}
_HAS_BRONCHI: frozenset[Kind] = frozenset(("consolidation", "opacity", "ground_glass"))

WOBBLE_MM = 36.0
"""Length scale of the variation of a lesion's outline."""

_HALF_AIR_HU = -150.0


@dataclass(frozen=True, kw_only=True)
class PathologyConfig:
    """Probability of each kind for each lung of a view; solid tissue only where it does not look like an organ.

    The other lungs stay unchanged.
    """

    consolidation: float = 0.10
    ground_glass: float = 0.07
    opacity: float = 0.04
    mass: float = 0.05
    emphysema: float = 0.03
    effusion: float = 0.12
    pneumothorax: float = 0.04
    pneumonectomy: float = 0.03

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0 or sum(vars(self).values()) > 1:
            raise ConfigError(f"Pathology probabilities must be at least 0 and sum to at most 1, got {vars(self)}.")


@dataclass(frozen=True)
class Lesion:
    """A diseased region of one lung, in mm from the first voxel of the case's grid along (slice, row, column).

    Attributes:
        channel: 0 for the right lung, 1 for the left.
        kind: Kind of disease.
        hu: Mean HU of the diseased tissue.
        density: Share of the lung tissue that it replaces, 0 to 1.
        direction: Unit vector from the healthy lung to the diseased one; of a mass, its centre.
        reach_mm: Position along `direction` beyond which the lung is diseased; of a mass, its radius.
        bronchi: How visible open bronchi are in it, 0 to 1.
        seed: Seed of its outline and texture.
    """

    channel: int
    kind: Kind
    hu: float
    density: float
    direction: tuple[float, float, float]
    reach_mm: float
    bronchi: float
    seed: int


def sample_lesion(
    channel: int, lung_mm: npt.NDArray[np.float64], config: PathologyConfig, rng: np.random.Generator
) -> Lesion | None:
    """Draw the lesion of one lung, or none.

    Args:
        channel: 0 for the right lung, 1 for the left.
        lung_mm: (n, 3) positions along (slice, row, column) of the lung's voxels; if empty, there is no lesion.
        config: Probability of each kind.
        rng: Random generator.
    """
    kinds: list[Kind] = list(_APPEARANCE)
    index = int(np.searchsorted(np.cumsum([getattr(config, kind) for kind in kinds]), rng.random(), side="right"))
    if index == len(kinds) or not len(lung_mm):
        return None
    kind = kinds[index]
    hu, density = (float(rng.uniform(*bounds)) for bounds in _APPEARANCE[kind])
    bronchi = max(0.0, float(rng.uniform(-1, 1))) if kind in _HAS_BRONCHI else 0.0  # none open in half of them
    seed = int(rng.integers(2**31))
    if kind == "mass":
        centre = lung_mm[rng.integers(len(lung_mm))]
        return Lesion(channel, kind, hu, density, _triple(centre), float(rng.uniform(8, 45)), bronchi, seed)
    direction = _direction(kind, rng)
    position = lung_mm @ direction
    low, high = position.min(), position.max()
    extent = 1.0 if kind in _WHOLE else _extent(kind, rng)
    reach_mm = float(high - extent * (high - low))
    return Lesion(channel, kind, hu, density, _triple(direction), reach_mm, bronchi, seed)


def lay_in(
    hu: Tensor, lungs: Tensor, lesion: Lesion, numbers: npt.NDArray[np.int64], slice_mm: float, pixel_mm: float
) -> tuple[Tensor, Tensor]:
    """Add a lesion to slices of its case.

    Args:
        hu: (n, H, W) in HU.
        lungs: (n, 2, H, W) fractions in [0, 1]; channel 0 right, 1 left.
        lesion: A lesion of this case.
        numbers: (n,) numbers of the slices.
        slice_mm: Distance of slices.
        pixel_mm: Size of pixels.

    Returns:
        New HU and fractions; the arguments are not changed.
    """
    hu, lungs = hu.clone(), lungs.clone()
    box = _box(lungs[:, lesion.channel])
    if box is None:
        return hu, lungs
    planes, inside = hu[:, box[0], box[1]], lungs[:, :, box[0], box[1]]
    region = _region(lesion, np.asarray(numbers * slice_mm, np.float64), box, pixel_mm)
    # Filling removes the thin dark line at the old lung border; without filling it looks like fat beside the lung.
    fills_edge = lesion.kind in _AIRLESS and lesion.seed % 2 == 0
    generator = torch.Generator().manual_seed(lesion.seed)
    for index, plane in enumerate(planes):
        lung, other = inside[index, lesion.channel], inside[index, 1 - lesion.channel]
        filled = _with_edge(plane, lung, other) if fills_edge else lung
        share = region[index] * filled * lesion.density
        plane.copy_(plane * (1 - share) + (lesion.hu + _texture(plane.shape, lesion, pixel_mm, generator)) * share)
        if lesion.kind in NOT_LUNG:
            lung.mul_(1 - region[index])
    return hu, lungs


def _box(lung: Tensor) -> tuple[slice, slice] | None:
    """Return rows and columns with lung in any of (n, H, W) slices, with a margin of one pixel; None without lung."""
    there = (lung > 0).any(dim=0)
    if not there.any():
        return None
    spans = []
    for axis in (1, 0):
        at = torch.nonzero(there.any(dim=axis))[:, 0]
        spans.append(slice(max(0, int(at[0]) - 1), min(there.shape[1 - axis], int(at[-1]) + 2)))
    return spans[0], spans[1]


def _triple(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _direction(kind: Kind, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw a lesion's direction in the lung, as typical in patients; rows run to the back, slices to the head."""
    towards: npt.NDArray[np.float64] = rng.standard_normal(3)
    if kind == "effusion" and rng.random() < 0.9:  # fluid collects at the back and the bottom in a supine patient
        towards = np.array([-0.6 * rng.random(), 1.0, 0.3 * rng.standard_normal()])
    elif kind == "pneumothorax":  # air rises to the front
        towards = np.array([0.4 * rng.standard_normal(), -1.0, 0.4 * rng.standard_normal()])
    elif kind == "consolidation" and rng.random() < 0.6:  # collects at the back, or fills a lobe from below or above
        towards = np.array([rng.choice([-1.0, 0.0, 1.0], p=[0.5, 0.3, 0.2]), 0.2 + rng.random(), 0.0])
    return towards / np.linalg.norm(towards)


def _extent(kind: Kind, rng: np.random.Generator) -> float:
    """Draw the share of the lung's length along the direction that is diseased."""
    if kind == "effusion":
        return float(0.05 + 0.95 * rng.random())
    if kind == "pneumothorax":
        return float(0.05 + 0.6 * rng.random() ** 1.5)
    return float(0.15 + 0.8 * rng.random())


def _region(lesion: Lesion, slices_mm: npt.NDArray[np.float64], box: tuple[slice, slice], pixel_mm: float) -> Tensor:
    """Return (n, H, W) fractions of each pixel of a box that the lesion covers, 0 to 1."""
    z = torch.from_numpy(np.asarray(slices_mm, np.float32)).view(-1, 1, 1)
    y = ((torch.arange(box[0].start, box[0].stop) + 0.5) * pixel_mm).view(1, -1, 1)
    x = ((torch.arange(box[1].start, box[1].stop) + 0.5) * pixel_mm).view(1, 1, -1)
    if lesion.kind in _WHOLE:
        return torch.ones(len(z), y.numel(), x.numel())
    wobble = _wobble(lesion.seed, z.flatten(), y.flatten(), x.flatten())
    dz, dy, dx = lesion.direction
    if lesion.kind == "mass":
        distance = ((z - dz) ** 2 + (y - dy) ** 2 + (x - dx) ** 2).sqrt()
        return torch.sigmoid((lesion.reach_mm * (1 + 0.25 * wobble) - distance) / pixel_mm)
    position = z * dz + y * dy + x * dx - lesion.reach_mm
    # Fluid and free air have a smooth edge; consolidation follows lobules and is ragged.
    rough_mm, edge_mm = (6.0, 1.5) if lesion.kind in NOT_LUNG else (25.0, 5.0)
    return torch.sigmoid((position + rough_mm * wobble) / max(edge_mm, pixel_mm / 2))


def _wobble(seed: int, z_mm: Tensor, y_mm: Tensor, x_mm: Tensor) -> Tensor:
    """Return (n, H, W) smooth noise of mean 0 and standard deviation about 1, consistent in the patient's space."""
    grid = torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(seed))
    # The noise repeats, mirrored, after 15 * WOBBLE_MM, which is longer than most chests.
    axes = [2 * each / (15 * WOBBLE_MM) - 1 for each in (z_mm, y_mm, x_mm)]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    at = torch.stack((x, y, z), dim=-1)[None]
    noise: Tensor = F.grid_sample(grid, at, padding_mode="reflection", align_corners=True)[0, 0] * 1.8
    return noise


def _with_edge(plane: Tensor, lung: Tensor, other: Tensor) -> Tensor:
    """Return (H, W) lung fractions, set to 1 in bordering pixels that hold some of the lung's air."""
    beside = F.max_pool2d(lung[None], 3, stride=1, padding=1)[0] > 0.5
    return torch.where(beside & (plane < _HALF_AIR_HU) & (other < 0.5), 1.0, lung)


def _texture(shape: torch.Size, lesion: Lesion, pixel_mm: float, generator: torch.Generator) -> Tensor:
    """Return (H, W) HU deviations from the lesion's mean: coarse and fine texture, and open bronchi.

    The texture's strength is random, from smooth to mottled, so that texture does not reveal synthetic tissue.
    """
    if pixel_mm > 3:  # averaged away in a coarse pixel
        return torch.zeros(shape)
    strengths = torch.rand(2, generator=torch.Generator().manual_seed(lesion.seed)).tolist()
    texture: Tensor = strengths[0] * 15 * _smooth_noise(shape, 8, generator)
    texture = texture + strengths[1] * 25 * _smooth_noise(shape, 2, generator)
    if lesion.bronchi > 0:
        texture = texture - lesion.bronchi * 700 * torch.relu(_smooth_noise(shape, 4, generator) - 1.6)
    return texture


def _smooth_noise(shape: torch.Size, pixels: int, generator: torch.Generator) -> Tensor:
    """Return (H, W) noise of mean 0 and standard deviation about 1 that varies over about `pixels`."""
    grid = [max(2, math.ceil(size / pixels) + 2) for size in shape]
    noise = torch.randn(1, 1, *grid, generator=generator)
    return F.interpolate(noise, size=shape, mode="bicubic", align_corners=False)[0, 0] * 1.3
