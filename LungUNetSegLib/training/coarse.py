"""Trains the coarse network on views of whole scans, drawn anew for every step.

Its output for a training case is better than for a new scan, and a slice network trained on that output would rely on
it too much. So the patients are divided into parts, and each case's views are predicted by a network that was not
trained on its patient.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.config import check_at_least
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.losses import bce_dice_loss
from LungUNetSegLib.networks import UNet3d, UNet3dConfig, Weights
from LungUNetSegLib.preprocessing import normalise
from LungUNetSegLib.preprocessing.coarse import pad_depth
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.averaging import move_average
from LungUNetSegLib.training.coarse_views import Scans, spoil
from LungUNetSegLib.training.device import choose_precision
from LungUNetSegLib.volume import AIR_HU

logger = logging.getLogger(__name__)

TURN_DEGREES = 12.0
STRETCH = 1.25
MOVE_SHARE = 0.12
"""Largest rotation, scaling and shift of coarse views in training."""

REPORTED_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class CoarseConfig:
    """How the coarse network is trained.

    Attributes:
        network: A 3D U-Net from one channel to right and left lung.
        steps: Number of optimiser steps for the final network.
        part_steps: Number of optimiser steps for the network of each part.
        batch_size: Number of views in a step.
        learning_rate: The largest learning rate; it falls to zero as a cosine.
        average_decay: Decay of the moving average of the weights; the average is used.
        parts: Number of parts into which the patients are divided, so that each view is predicted by a network that
            was not trained on its patient; 1 to predict all views with the one network.
    """

    network: UNet3dConfig = field(default_factory=UNet3dConfig)
    steps: int = 1200
    part_steps: int = 800
    batch_size: int = 2
    learning_rate: float = 2e-3
    average_decay: float = 0.99
    parts: int = 1

    def __post_init__(self) -> None:
        check_at_least(self, steps=1, part_steps=1, batch_size=1, parts=1)


def train_coarse(
    scans: Scans, chosen: Sequence[int], config: CoarseConfig, steps: int, seed: int, progress: Progress = silent
) -> Weights:
    """Train a coarse network on some of the cases for a number of steps, and return its averaged weights."""
    torch.manual_seed(seed)
    rng = np.random.default_rng((seed, 3))
    dtype = choose_precision("bfloat16", torch.device("cpu"))
    network = UNet3d(config.network).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=0.01)
    weights = _case_weights([scans.cases[number] for number in chosen])
    network.train()
    losses: list[float] = []
    for step in range(steps):
        rate = 0.5 * (1 + math.cos(math.pi * step / steps)) * min(1.0, (step + 1) / 25)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * rate
        optimiser.zero_grad(set_to_none=True)
        for number in rng.choice(chosen, size=config.batch_size, p=weights).tolist():
            image, target = _draw(scans, number, rng)  # one by one, as their sizes differ
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                logits = network(image)
            loss = bce_dice_loss(logits, target, dice_over="slice")
            (loss / config.batch_size).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        move_average(average, network, config.average_decay, step)
        progress("coarse", step + 1, steps)
        losses.append(loss.item())
        if len(losses) == REPORTED_STEPS:
            logger.info("Coarse network, step %d of %d: loss %.4f.", step + 1, steps, sum(losses) / len(losses))
            losses.clear()
    return {name: value.detach().contiguous().clone() for name, value in average.state_dict().items()}


def build_coarse(config: CoarseConfig, weights: Weights) -> nn.Module:
    """Return the coarse network with its weights, ready for inference."""
    network = UNet3d(config.network)
    network.load_state_dict(weights)
    return network.eval()


def parts_of(cases: Sequence[CachedCase], count: int) -> list[int]:
    """Return the part of each case; a patient's cases are in one part, and the longest scans are spread evenly."""
    lengths: dict[str, float] = {}
    for case in cases:
        lengths[case.case.patient] = lengths.get(case.case.patient, 0.0) + len(case.hu) * case.slice_mm
    order = sorted(lengths, key=lambda patient: (-lengths[patient], patient))
    return [order.index(case.case.patient) % count for case in cases]


def _draw(scans: Scans, number: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw a new view of a case; return its (1, 1, d, a, b) image and (1, 2, d, a, b) target."""
    view = scans.sample(number, rng)
    hu, lungs = _move(*scans.see(number, view), rng)
    image = torch.from_numpy(normalise(pad_depth(spoil(hu, rng).numpy()), scans.preprocess))[None, None]
    target = F.pad(lungs, (0, 0, 0, 0, 0, image.shape[2] - len(hu)))
    return image.contiguous(memory_format=torch.channels_last_3d), target[None]


def _move(hu: Tensor, lungs: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Rotate, scale and shift a coarse view; right and left are never swapped."""
    if rng.random() < 0.3:
        return hu, lungs
    sizes = np.array(hu.shape[::-1], float)  # (x, y, z), as in grid_sample
    angles = np.radians(rng.uniform(-TURN_DEGREES, TURN_DEGREES, 3))
    turn = np.eye(3)
    for (a, b), angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        one = np.eye(3)
        one[a, a] = one[b, b] = math.cos(angle)
        one[a, b], one[b, a] = -math.sin(angle), math.sin(angle)
        turn = turn @ one
    stretch = np.exp(rng.uniform(-1, 1) * math.log(STRETCH) * np.ones(3) + rng.uniform(-0.1, 0.1, 3))
    matrix = (turn / stretch) * sizes[None, :] / sizes[:, None]  # voxels are cubes, normalised coordinates are not
    move = rng.uniform(-MOVE_SHARE, MOVE_SHARE, 3) * 2 * np.array((1, 1, 0.3))
    theta = torch.from_numpy(np.concatenate((matrix, move[:, None]), axis=1).astype(np.float32))[None]
    grid = F.affine_grid(theta, [1, 3, *hu.shape], align_corners=False)
    stacked = torch.cat((hu[None] - AIR_HU, lungs))[None]
    (moved,) = F.grid_sample(stacked, grid, padding_mode="zeros", align_corners=False)
    return moved[0] + AIR_HU, moved[1:]


def _case_weights(cases: Sequence[CachedCase]) -> npt.NDArray[np.float64]:
    """Return the probability of each case: patients have equal weight, except for the scanned length."""
    patients = [case.case.patient for case in cases]
    values = np.array([math.sqrt(len(case.hu) * case.slice_mm) / patients.count(case.case.patient) for case in cases])
    return np.asarray(values / values.sum(), np.float64)
