"""Trains the coarse network, and computes its probabilities for every view, as input of the slice network.

It is trained on views of whole scans, drawn anew for every step. Its output for a training case is better than for a
new scan, and a slice network trained on that output would rely on it too much. So the patients are divided into parts,
and each case's views are predicted by a network that was not trained on its patient.
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
from LungUNetSegLib.data.dataset import CoarseOutput, SeenViews
from LungUNetSegLib.data.overview import Overview, overview
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.views import View, ViewConfig, sample_view, show, whole_view
from LungUNetSegLib.losses import bce_dice_loss
from LungUNetSegLib.networks import UNet3d, UNet3dConfig, Weights
from LungUNetSegLib.preprocessing import PreprocessConfig, normalise
from LungUNetSegLib.preprocessing.coarse import UNKNOWN, bring_to_slices, coarsen_slices, has_coarse_view, pad_depth
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.device import choose_precision
from LungUNetSegLib.volume import AIR_HU

logger = logging.getLogger(__name__)

TURN_DEGREES = 12.0
STRETCH = 1.25
MOVE_SHARE = 0.12
"""Largest rotation, scaling and shift of coarse views in training."""

REPORTED_STEPS = 100

NOISE_HU, SHIFT_HU = 40.0, 70.0
"""Largest noise of coarse voxels, each of which is the mean of many voxels of the scan."""


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


@dataclass(frozen=True, eq=False)
class Scans:
    """The cases with a coarse view, as overviews, with the settings for drawing their views."""

    cases: list[CachedCase]
    overviews: list[Overview]
    preprocess: PreprocessConfig
    views: ViewConfig
    pathology: PathologyConfig | None

    @classmethod
    def of(
        cls,
        cases: Sequence[CachedCase],
        preprocess: PreprocessConfig,
        views: ViewConfig | None,
        pathology: PathologyConfig | None,
    ) -> Scans:
        """Read the overviews of all `cases`."""
        return cls(
            list(cases), [overview(case, preprocess) for case in cases], preprocess, views or ViewConfig(), pathology
        )

    def has_coarse_view(self, number: int) -> bool:
        """Whether a case has a coarse view."""
        case = self.cases[number]
        return has_coarse_view(len(case.hu), case.slice_mm, self.preprocess)

    def sample(self, number: int, rng: np.random.Generator) -> View:
        """Draw a view of a case."""
        sees_whole = bool(self.preprocess.coarse_mm)
        return sample_view(self.overviews[number], self.views, self.pathology, rng, sees_whole=sees_whole)

    def see(self, number: int, view: View) -> tuple[Tensor, Tensor]:
        """Return (d, a, b) HU and (2, d, a, b) lung fractions of a view of a case."""
        scan, seen = self.overviews[number], slice(*view.slices)
        numbers = np.arange(*view.slices)
        hu, lungs = show(view, scan.hu[seen], scan.lungs[seen], numbers, scan.slice_mm, scan.pixel_mm, scan.factor)
        coarse = [coarsen_slices(each.numpy(), scan.slice_mm, self.preprocess) for each in (hu, lungs)]
        return torch.from_numpy(coarse[0]), torch.from_numpy(coarse[1]).transpose(0, 1)


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
        _follow(average, network, min(config.average_decay, (1 + step) / (10 + step)))
        progress("coarse", step + 1, steps)
        losses.append(loss.item())
        if len(losses) == REPORTED_STEPS:
            logger.info("Coarse network, step %d of %d: loss %.4f.", step + 1, steps, sum(losses) / len(losses))
            losses.clear()
    return {name: value.detach().contiguous().clone() for name, value in average.state_dict().items()}


def predict_views(
    scans: Scans, network_of: Sequence[nn.Module | None], seed: int, *, whole: bool = False
) -> list[SeenViews]:
    """Draw the views of every case, and compute the coarse network's probabilities for each.

    Args:
        scans: The cases.
        network_of: The network for each case; None without a coarse network.
        seed: Seed of the views.
        whole: Only use the whole unchanged scan, for validation.
    """
    seen = []
    for number, (case, network) in enumerate(zip(scans.cases, network_of, strict=True)):
        size = (case.hu.shape[1], case.hu.shape[2])
        views = [whole_view(len(case.hu), size)]
        rngs = [np.random.default_rng((seed, 5, number, index)) for index in range(1 + scans.views.per_case)]
        if not whole:
            views += [scans.sample(number, rng) for rng in rngs[1:]]
        coarse = None
        if network is not None and scans.has_coarse_view(number):
            coarse = tuple(
                predict_view(
                    network,
                    _spoil(scans.see(number, view)[0], rng) if index else scans.see(number, view)[0],
                    scans.preprocess,
                )
                for index, (view, rng) in enumerate(zip(views, rngs, strict=False))
            )
        seen.append(SeenViews(tuple(views), coarse))
    return seen


@torch.inference_mode()
def predict_view(network: nn.Module, hu: Tensor, preprocess: PreprocessConfig) -> CoarseOutput:
    """Return a coarse network's (2, d, a, b) probabilities, 0 to 255, for a (d, a, b) view in HU."""
    image = torch.from_numpy(normalise(pad_depth(hu.numpy()), preprocess))
    probabilities = network(image[None, None]).sigmoid()[0, :, : len(hu)]
    scaled: CoarseOutput = (probabilities * 255).round().to(torch.uint8).numpy()
    return scaled


def coarse_of_slices(network: nn.Module, case: CachedCase, preprocess: PreprocessConfig) -> npt.NDArray[np.float32]:
    """Return the coarse network's (D, 2, h, w) probabilities for the slices of a whole case."""
    depth = len(case.hu)
    if not has_coarse_view(depth, case.slice_mm, preprocess):
        return np.full((depth, 2, *preprocess.size), UNKNOWN, np.float32)
    scans = Scans.of([case], preprocess, None, None)
    predicted = predict_view(network, scans.see(0, whole_view(depth, preprocess.size))[0], preprocess)
    shares = predicted.astype(np.float32) / np.float32(255)
    return bring_to_slices(shares, np.arange(depth), depth, case.slice_mm, preprocess)


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
    image = torch.from_numpy(normalise(pad_depth(_spoil(hu, rng).numpy()), scans.preprocess))[None, None]
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


def _spoil(hu: Tensor, rng: np.random.Generator) -> Tensor:
    """Augment the intensities of a coarse view."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    strength = [float(each) for each in rng.uniform(0, 1, 4)]
    if strength[0] < 0.4:
        hu = hu + torch.randn(hu.shape, generator=generator) * NOISE_HU * strength[1]
    if strength[2] < 0.4:
        hu = hu + SHIFT_HU * (2 * strength[3] - 1)
    return hu.clamp(min=AIR_HU)


def _case_weights(cases: Sequence[CachedCase]) -> npt.NDArray[np.float64]:
    """Return the probability of each case: patients have equal weight, except for the scanned length."""
    patients = [case.case.patient for case in cases]
    values = np.array([math.sqrt(len(case.hu) * case.slice_mm) / patients.count(case.case.patient) for case in cases])
    return np.asarray(values / values.sum(), np.float64)


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    for ours, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if ours.is_floating_point():
            ours.lerp_(theirs, 1 - decay)
        else:
            ours.copy_(theirs)
