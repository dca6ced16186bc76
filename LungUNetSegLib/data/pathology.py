"""Synthetic pathology: disease laid into healthy lungs whose outline is known.

The best-known lung network owes its strength to the variety of its training cases (Hofmanninger 2020,
doi:10.1186/s41747-020-00173-2). Few cases are at hand here, so disease is painted into them. Consolidation, ground
glass, masses, emphysema and whole-lung opacity stay lung; effusion and pneumothorax take their region from it, as
the outlining rules of RTOG 1106 say.

Lesions are sampled apart from applied: a list of `Lesion` replays exactly.
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
from LungUNetSegLib.preprocessing import nearest_step

Kind = Literal["consolidation", "ground_glass", "opacity", "mass", "emphysema", "effusion", "pneumothorax"]

# For each kind: HU range of the diseased tissue, and how much of it replaces the lung there. Only HU tell fluid from
# solid tissue of the same shape.
_APPEARANCE: dict[Kind, tuple[tuple[float, float], tuple[float, float]]] = {
    "consolidation": ((30.0, 100.0), (0.9, 1.0)),
    "ground_glass": ((-100.0, 50.0), (0.2, 0.65)),
    "opacity": ((30.0, 100.0), (0.95, 1.0)),
    "mass": ((20.0, 100.0), (0.95, 1.0)),
    "emphysema": ((-1000.0, -950.0), (0.7, 1.0)),
    "effusion": ((-10.0, 20.0), (1.0, 1.0)),
    "pneumothorax": ((-1010.0, -980.0), (1.0, 1.0)),
}
GOES_ON = 0.85
"""Probability with which a lesion is also seen in the neighbouring slice. Whole-lung opacity always is; what looks like
an organ's dome does not begin below a slice without it."""

LIKE_ORGANS: frozenset[Kind] = frozenset(("consolidation", "mass"))
"""What looks like the dome of an organ in a slice that is seen alone."""

SOLID: frozenset[Kind] = LIKE_ORGANS | {"opacity"}
_NOT_LUNG: frozenset[Kind] = frozenset(("effusion", "pneumothorax"))
_AIRLESS: frozenset[Kind] = SOLID | {"effusion"}
_HAS_BRONCHI: frozenset[Kind] = frozenset(("consolidation", "opacity", "ground_glass"))

LEAST_PIXELS = 50
"""Of a lung that is diseased."""

LEAST_MM2_FILLED = 2250.0
"""Of a lung that is filled: solid tissue in its tip would teach that shoulder and flank are lung."""

NEIGHBOUR_MM = 7.0
NARROWED = 0.9
"""A lung that has less than this share of its area that far above when that far below has the diaphragm rising into
it: soft tissue there is liver or stomach, and painted lung would teach that they are lung."""

_HALF_AIR_HU = -150.0


@dataclass(frozen=True, kw_only=True)
class PathologyConfig:
    """How often each kind is laid into each lung of a slice, solid tissue where there is `room_for_solid`.

    The rest of the lungs stay as they are.
    """

    consolidation: float = 0.10
    ground_glass: float = 0.07
    opacity: float = 0.06
    mass: float = 0.05
    emphysema: float = 0.03
    effusion: float = 0.1
    pneumothorax: float = 0.04

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0 or sum(vars(self).values()) > 1:
            raise ConfigError(f"Pathology probabilities must be at least 0 and sum to at most 1, got {vars(self)}.")


@dataclass(frozen=True)
class Lesion:
    """One diseased region in one lung of one slice of a batch.

    Attributes:
        sample: Index in the batch.
        channel: 0 for the right lung, 1 for the left.
        kind: What it is.
        hu: Mean HU of the diseased tissue.
        density: Share of the lung that it replaces, 0 to 1.
        direction_deg: Where in the lung it lies, seen from the lung's middle; 90 is the patient's back.
        extent: Share of the lung's width along that direction that it reaches, 0 to 1; a mass's radius instead.
        bronchi: How open bronchi are in it, 0 to 1.
        seed: Of its outline and texture.
        goes_on: Whether it is also seen in the neighbouring slice, towards the feet and towards the head.
    """

    sample: int
    channel: int
    kind: Kind
    hu: float
    density: float
    direction_deg: float
    extent: float
    bronchi: float
    seed: int
    goes_on: tuple[bool, bool] = (True, True)


def sample_lesions(batch_size: int, config: PathologyConfig, generator: torch.Generator) -> list[Lesion]:
    """Draw at most one lesion for each lung of each slice of a batch."""
    kinds: list[Kind] = list(_APPEARANCE)
    probabilities = torch.tensor([getattr(config, kind) for kind in kinds], dtype=torch.float64)
    bounds = probabilities.cumsum(0)
    lesions = []
    for sample in range(batch_size):
        for channel in (0, 1):
            draw = torch.rand(8, generator=generator, dtype=torch.float64).tolist()
            seed = int(torch.randint(2**31, (1,), generator=generator))
            index = int(torch.searchsorted(bounds, draw[0], right=True))
            if index == len(kinds):
                continue
            kind = kinds[index]
            hu, density = (low + draw[1 + i] * (high - low) for i, (low, high) in enumerate(_APPEARANCE[kind]))
            direction_deg, extent = _place(kind, draw[3], draw[4])
            bronchi = max(0.0, 2 * draw[7] - 1) if kind in _HAS_BRONCHI else 0.0  # none open in half of them
            down, up = (kind == "opacity" or each < GOES_ON for each in draw[5:7])
            goes_on = (down, up or (down and kind in SOLID))
            lesions.append(Lesion(sample, channel, kind, hu, density, direction_deg, extent, bronchi, seed, goes_on))
    return lesions


def apply_lesions(image: Tensor, target: Tensor, lesions: list[Lesion]) -> tuple[Tensor, Tensor]:
    """Lay lesions into a batch.

    Args:
        image: (N, k, H, W) in HU; the slice to segment, between its neighbours where k is 3.
        target: (N, k, 2, H, W) lung fractions in [0, 1]; channel 0 right, 1 left.
        lesions: From `sample_lesions`; those in lungs of fewer than `LEAST_PIXELS` are left out. A lesion has the place
            and outline that it has in the slice to segment, within each slice's own lung.

    Returns:
        New image and target; the arguments stay as they are.
    """
    image, target = image.clone(), target.clone()
    for lesion in lesions:
        planes, lungs = image[lesion.sample], target[lesion.sample, :, lesion.channel]
        others = target[lesion.sample, :, 1 - lesion.channel]
        middle = lungs[len(lungs) // 2]
        if float(middle.sum()) < LEAST_PIXELS:
            continue
        generator = torch.Generator().manual_seed(lesion.seed)
        region = _region(middle, lesion, generator)
        # Without it no thin dark line gives away where the lung was; with it, it looks like fat beside the lung.
        fills_edge = lesion.kind in _AIRLESS and float(torch.rand(1, generator=generator)) < 0.5
        there = (lesion.goes_on[0], True, lesion.goes_on[1]) if len(planes) == 3 else (True,)
        for plane, lung, other, is_there in zip(planes, lungs, others, there, strict=True):
            if not is_there:
                continue
            texture = _texture(lung.shape, lesion, generator)
            filled = _with_edge(plane, lung, other) if fills_edge else lung
            share = region * filled * lesion.density
            plane.copy_(plane * (1 - share) + (lesion.hu + texture) * share)
            if lesion.kind in _NOT_LUNG:
                lung.mul_(1 - region)
    return image, target


def room_for_solid(areas_mm2: npt.NDArray[np.float64], slice_mm: float) -> npt.NDArray[np.bool_]:
    """Say where solid tissue can be painted without teaching that organs are lung.

    Args:
        areas_mm2: (D, 2) of the right and the left lung in each slice of a volume, from the feet to the head.
        slice_mm: Distance between slices.

    Returns:
        (D, 2); nowhere in single slices and those that lie too far apart, which cannot tell.
    """
    step, last = nearest_step(NEIGHBOUR_MM, slice_mm), len(areas_mm2) - 1
    numbers = np.arange(len(areas_mm2))
    below, above = areas_mm2[np.maximum(numbers - step, 0)], areas_mm2[np.minimum(numbers + step, last)]
    room: npt.NDArray[np.bool_] = (areas_mm2 >= LEAST_MM2_FILLED) & (below >= NARROWED * above)
    return room & (0 < step <= last)


def _place(kind: Kind, first: float, second: float) -> tuple[float, float]:
    """Turn two uniform draws into a direction in degrees and an extent, as the kind is found in patients."""
    anywhere_deg = 360 * first
    if kind == "opacity":
        return anywhere_deg, 1.0
    if kind == "mass":
        return anywhere_deg, 0.08 + 0.4 * second
    if kind == "effusion":  # gathers behind in a patient on the back, now and then elsewhere
        return (90 + 60 * (first - 0.5) if first < 0.9 else anywhere_deg), 0.05 + 0.8 * second
    if kind == "pneumothorax":  # rises to the front
        return 270 + 90 * (first - 0.5), 0.05 + 0.6 * second**1.5
    return anywhere_deg, 0.2 + 0.8 * second


def _region(lung: Tensor, lesion: Lesion, generator: torch.Generator) -> Tensor:
    """(H, W) share of each pixel that the lesion takes, 0 to 1."""
    rows, columns = torch.nonzero(lung > 0.5, as_tuple=True)
    if rows.numel() == 0:
        return torch.zeros_like(lung)
    if lesion.kind == "opacity":
        return torch.ones_like(lung)
    y, x = torch.meshgrid(torch.arange(lung.shape[0]), torch.arange(lung.shape[1]), indexing="ij")
    wobble = _smooth_noise(lung.shape, 24, generator)
    if lesion.kind == "mass":
        centre = int(torch.randint(rows.numel(), (1,), generator=generator))
        radius = lesion.extent * math.sqrt(rows.numel())
        distance = torch.hypot((y - rows[centre]).float(), (x - columns[centre]).float())
        return torch.sigmoid(radius * (1 + 0.25 * wobble) - distance)
    angle = math.radians(lesion.direction_deg)
    position = y * math.sin(angle) + x * math.cos(angle)
    inside = rows * math.sin(angle) + columns * math.cos(angle)
    low, high = inside.min(), inside.max()
    # Fluid and free air have a smooth edge; consolidation follows lobules and is ragged.
    roughness = 0.06 if lesion.kind in _NOT_LUNG else 0.35
    height = (high - position) / (high - low).clamp(min=1) + roughness * wobble
    edge = 0.02 if lesion.kind in _NOT_LUNG else 0.08
    return torch.sigmoid((lesion.extent - height) / edge)


def _with_edge(plane: Tensor, lung: Tensor, other: Tensor) -> Tensor:
    """(H, W) lung fractions, and 1 where pixels beside the lung and not of the other lung hold some of its air."""
    beside = F.max_pool2d(lung[None], 3, stride=1, padding=1)[0] > 0.5
    return torch.where(beside & (plane < _HALF_AIR_HU) & (other < 0.5), 1.0, lung)


def _texture(shape: torch.Size, lesion: Lesion, generator: torch.Generator) -> Tensor:
    """(H, W) HU deviations from the lesion's mean: coarse and fine, with the bronchi that are left open.

    How much tissue varies is drawn, from smooth to mottled, so that texture does not tell painted tissue from other.
    """
    strengths: list[float] = torch.rand(2, generator=generator).tolist()
    coarse, fine = strengths
    texture = coarse * 15 * _smooth_noise(shape, 8, generator) + fine * 25 * _smooth_noise(shape, 2, generator)
    if lesion.bronchi > 0:
        texture = texture - lesion.bronchi * 700 * torch.relu(_smooth_noise(shape, 4, generator) - 1.6)
    return texture


def _smooth_noise(shape: torch.Size, pixels: int, generator: torch.Generator) -> Tensor:
    """(H, W) noise of mean 0 and standard deviation about 1 that varies over about `pixels`."""
    grid = [max(2, math.ceil(size / pixels) + 2) for size in shape]
    noise = torch.randn(1, 1, *grid, generator=generator)
    return F.interpolate(noise, size=shape, mode="bicubic", align_corners=False)[0, 0] * 1.3
