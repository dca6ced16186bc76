"""Shows views of whole scans as the coarse network sees them, and computes its probabilities for every view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.dataset import CoarseOutput, SeenViews
from LungUNetSegLib.data.overview import Overview, overview
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.sampled_views import ViewConfig, sample_view
from LungUNetSegLib.data.views import View, show, whole_view
from LungUNetSegLib.preprocessing import PreprocessConfig, normalise
from LungUNetSegLib.preprocessing.coarse import UNKNOWN, bring_to_slices, coarsen_slices, has_coarse_view, pad_depth
from LungUNetSegLib.volume import AIR_HU

NOISE_HU, SHIFT_HU = 40.0, 70.0
"""Largest noise of coarse voxels, each of which is the mean of many voxels of the scan."""


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
                    spoil(scans.see(number, view)[0], rng) if index else scans.see(number, view)[0],
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


def spoil(hu: Tensor, rng: np.random.Generator) -> Tensor:
    """Augment the intensities of a coarse view."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    strength = [float(each) for each in rng.uniform(0, 1, 4)]
    if strength[0] < 0.4:
        hu = hu + torch.randn(hu.shape, generator=generator) * NOISE_HU * strength[1]
    if strength[2] < 0.4:
        hu = hu + SHIFT_HU * (2 * strength[3] - 1)
    return hu.clamp(min=AIR_HU)
