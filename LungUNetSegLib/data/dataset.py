"""Makes batches of slices from cached cases: selects the slices of an epoch, and augments them.

All random numbers depend on (seed, epoch, step) only. So a resumed training sees the same batches as an uninterrupted
one, and several processes share a batch without communicating.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.pathology import Lesion, PathologyConfig
from LungUNetSegLib.data.sampling import SamplingConfig, balance
from LungUNetSegLib.data.slice_disease import SliceDisease
from LungUNetSegLib.data.solid_disease import SolidRule
from LungUNetSegLib.data.transforms import AugmentConfig, apply_parameters, sample_parameters
from LungUNetSegLib.data.views import View, show, whole_view
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.preprocessing import PreprocessConfig, neighbour_step, seen_with
from LungUNetSegLib.preprocessing.coarse import UNKNOWN, bring_to_slices

CoarseOutput = npt.NDArray[np.uint8]
"""(2, d, a, b) probabilities of the coarse network for a view, 0 to 255."""


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch of training slices.

    Attributes:
        hu: (B, k, h, w) float32 HU, from the feet to the head; the slice to segment in the middle.
        target: (B, 2, h, w) float32 in [0, 1]; right lung, left lung.
        valid: (B, 1, h, w) float32; 1 where the target is known.
        coarse: (B, 0 or 2, h, w) float32 in [0, 1]; the coarse network's probabilities of right and left lung.
    """

    hu: Tensor
    target: Tensor
    valid: Tensor
    coarse: Tensor

    def halved(self) -> Batch:
        """Return the batch with half its height and width: the means of 2 x 2 pixels, known where all four are."""
        tensors = (self.hu, self.target, self.valid, self.coarse)
        means = avg_pool2d(torch.cat(tensors, dim=1), 2)
        hu, target, valid, coarse = torch.split(means, [each.shape[1] for each in tensors], dim=1)
        return Batch(hu=hu, target=target, valid=(valid == 1).float(), coarse=coarse)


@dataclass(frozen=True, eq=False)
class SeenViews:
    """The views of one case, with the coarse network's probabilities for each.

    Attributes:
        views: The first shows the whole scan unchanged.
        coarse: Probabilities for each view; None without a coarse view.
    """

    views: tuple[View, ...]
    coarse: tuple[CoarseOutput, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class _Draw:
    """A slice of a case, and how it is shown.

    Attributes:
        case: Index of the case.
        slice: Index of the slice in it.
        view: Index of one of the case's views, of which the first is unchanged.
        slab_mm: Thickness of the slab around it whose mean is shown.
        alone: Whether it is shown in place of its neighbours, too.
        disease: What it shows instead of its view's disease; None if it shows that.
    """

    case: int
    slice: int
    view: int = 0
    slab_mm: float = 0.0
    alone: bool = False
    disease: tuple[Lesion, ...] | None = None


class SliceDataset:
    """The slices of cached cases, in batches.

    Args:
        cases: Cases on the same grid.
        sampling: Which slices an epoch contains.
        augment: The augmentation; None for none.
        seed: Seed of all random numbers.
        preprocess: Defines the neighbours that are shown with a slice; none by default.
        seen: The views of each case; the whole scans if None.
        pathology: Probability of each disease that is drawn for a slice; None for none.

    Raises:
        DataError: No case, or no slice.
    """

    def __init__(
        self,
        cases: Sequence[CachedCase],
        sampling: SamplingConfig,
        augment: AugmentConfig | None = None,
        seed: int = 0,
        *,
        preprocess: PreprocessConfig | None = None,
        seen: Sequence[SeenViews] | None = None,
        pathology: PathologyConfig | None = None,
    ) -> None:
        self.cases, self.preprocess = list(cases), preprocess or PreprocessConfig()
        self.sampling, self.augment, self.seed = sampling, augment, seed
        self.index = np.array([(c, s) for c, case in enumerate(cases) for s in range(len(case.hu))], np.int64)
        if not len(self.index):
            raise DataError("There is no slice to train on; the data set is empty.")
        plain = [SeenViews((whole_view(len(case.hu), case.hu.shape[1:]),)) for case in self.cases]  # type: ignore[arg-type]
        self.seen = list(seen or plain)
        self._solid = SolidRule(self.cases, self.preprocess)
        self._own = SliceDisease(self.cases, pathology, self.preprocess.spacing_mm, self._solid) if pathology else None
        self._probabilities = balance(self.cases, sampling) if sampling.order == "balanced" else None

    def __len__(self) -> int:
        """Return the number of slices in an epoch."""
        return len(self.index) if self._probabilities is None else self.sampling.slices_per_epoch

    @property
    def digest(self) -> str:
        """Hash of the cases, in their order."""
        return hashlib.sha256("".join(case.digest for case in self.cases).encode()).hexdigest()[:32]

    def steps(self, batch_size: int) -> int:
        """Return the number of batches in an epoch; an incomplete last batch is left out, unless it is the only one."""
        return max(1, len(self) // batch_size)

    def batch(self, epoch: int, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> Batch:
        """Return the batch of one step; the same numbers give the same batch.

        Args:
            epoch: From 0.
            step: Within the epoch.
            batch_size: Number of slices in a step over all processes together.
            rank: Number of this process.
            world_size: Number of processes; each gets ``batch_size / world_size`` slices of every step.
        """
        chosen = self.index[self._draw(epoch)[step * batch_size : (step + 1) * batch_size]]
        share = batch_size // world_size
        return self._make(chosen, (self.seed, epoch, step), slice(rank * share, (rank + 1) * share))

    def epoch(self, epoch: int, batch_size: int) -> Iterator[Batch]:
        """Yield an epoch's whole batches; see `batch`."""
        for step in range(self.steps(batch_size)):
            yield self.batch(epoch, step, batch_size)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every slice once, in order and unchanged, for validation."""
        for start in range(0, len(self.index), batch_size):
            chosen = self.index[start : start + batch_size]
            yield _batch(*_stack([self._read(_Draw(case=case, slice=slice_)) for case, slice_ in chosen]))

    def _draw(self, epoch: int) -> npt.NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, epoch))
        if self._probabilities is None:
            return rng.permutation(len(self.index))
        return rng.choice(len(self.index), size=self.sampling.slices_per_epoch, p=self._probabilities)

    def _make(self, chosen: npt.NDArray[np.int64], seeds: tuple[int, int, int], mine: slice) -> Batch:
        """Make one process's part of a batch; a slice's augmentation does not depend on how the batch is shared."""
        generator = _generator(*seeds)
        slabs_mm = torch.rand(len(chosen), generator=generator) * self.sampling.slab_mm
        slabs_mm *= torch.rand(len(chosen), generator=generator) < self.sampling.slab_probability
        alone = torch.rand(len(chosen), generator=generator) < self.sampling.alone_probability
        untold = torch.rand(len(chosen), generator=generator) < self.sampling.untold_probability
        rng = np.random.default_rng(seeds)
        views = [
            self._choose_view(case, slice_, bool(each), rng) for (case, slice_), each in zip(chosen, alone, strict=True)
        ]
        rngs = [np.random.default_rng(each) for each in np.random.SeedSequence(seeds).spawn(len(chosen))]
        draws = [
            _Draw(
                case=case,
                slice=slice_,
                view=views[number],
                slab_mm=float(slabs_mm[number]),
                alone=bool(alone[number]),
                disease=self._own_disease(case, slice_, bool(alone[number]), rngs[number]),
            )
            for number, (case, slice_) in list(enumerate(chosen))[mine]
        ]
        hu, target = _stack([self._read(draw) for draw in draws])
        copies = (hu == middle(hu)[:, None]).flatten(2).all(dim=2)
        if self.augment is not None:
            parameters = sample_parameters(len(chosen), self.augment, generator)
            unknown = untold[mine] | (target[:, 3:] == UNKNOWN).flatten(1).all(dim=1)
            hu, target = apply_parameters(hu, target, parameters[mine])
            target[:, 3:][unknown] = UNKNOWN
        # A slice that replaces a neighbour is an exact copy, with the same noise and disease.
        hu = torch.where(copies[:, :, None, None], middle(hu)[:, None], hu)
        return _batch(hu, target)

    def _choose_view(self, case: int, slice_: int, alone: bool, rng: np.random.Generator) -> int:
        """Draw one of the case's views that show a slice, in which no disease looks like an organ."""
        views = self.seen[case].views
        is_plain, draw = rng.random() < self.sampling.plain_probability, rng.random()
        if is_plain:
            return 0
        fitting = [
            number
            for number, view in enumerate(views)
            if view.slices[0] <= slice_ < view.slices[1]
            and not any(self._solid.misleads(case, slice_, lesion, alone=alone) for lesion in view.solid)
        ]
        return fitting[int(draw * len(fitting))]

    def _own_disease(self, case: int, slice_: int, alone: bool, rng: np.random.Generator) -> tuple[Lesion, ...] | None:
        """Draw the disease that a slice shows instead of its view's; None if it shows that."""
        if self._own is None or rng.random() >= self.sampling.own_disease_probability:
            return None
        return self._own.draw(case, slice_, rng, alone=alone)

    def _read(self, draw: _Draw) -> tuple[Tensor, Tensor]:
        """Return (k, h, w) HU of a slice and its neighbours in a view, and the slice's (3 or 5, h, w) target."""
        cached, seen = self.cases[draw.case], self.seen[draw.case]
        view, pixel_mm = seen.views[draw.view], self.preprocess.spacing_mm
        if draw.disease is not None:
            view = replace(view, lesions=draw.disease, shift=None)
        start, stop = view.slices
        count = max(1, round(draw.slab_mm / cached.slice_mm))
        # The neighbours of a slab are slabs at the distance that a scan of that thickness has.
        step = 0 if draw.alone else count * neighbour_step(count * cached.slice_mm, self.preprocess)
        (places,) = seen_with(np.array([draw.slice - start]), stop - start, step, self.preprocess) + start
        numbers, order = np.unique(places, return_inverse=True)
        planes, targets = zip(*(_slab(cached, each, count, view.slices) for each in numbers.tolist()), strict=True)
        stacked = torch.from_numpy(np.stack(planes)), torch.from_numpy(np.stack(targets))
        hu, target = show(view, *stacked, numbers, cached.slice_mm, pixel_mm, 1)
        known = target[order[len(order) // 2]]
        if self.preprocess.coarse_mm:
            known = torch.cat((known, self._coarse_map(seen, draw, cached.slice_mm, step > 0)))
        return hu[torch.from_numpy(order)], known

    def _coarse_map(self, seen: SeenViews, draw: _Draw, slice_mm: float, has_neighbours: bool) -> Tensor:
        """Return (2, h, w) probabilities of the coarse network at a slice."""
        if seen.coarse is None or not has_neighbours:
            return torch.full((2, *self.preprocess.size), UNKNOWN)
        start, stop = seen.views[draw.view].slices
        place = np.array([draw.slice - start])
        (coarse,) = bring_to_slices(seen.coarse[draw.view], place, stop - start, slice_mm, self.preprocess)
        return torch.from_numpy(coarse) / 255


def _slab(
    case: CachedCase, number: int, count: int, seen: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return (h, w) HU and (3, h, w) target of the mean of `count` slices around one."""
    start = min(max(seen[0], number - count // 2), max(seen[0], seen[1] - count))
    planes = slice(start, min(start + count, seen[1]))
    target = case.target[planes].astype(np.float32) / 255
    mean = target.mean(axis=0)
    mean[2] = target[:, 2].min(axis=0)
    return case.hu[planes].astype(np.float32).mean(axis=0), mean


def _generator(*seeds: int) -> torch.Generator:
    state = np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)


def _stack(planes: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    hu, target = zip(*planes, strict=True)
    return torch.stack(hu), torch.stack(target)


def middle(seen: Tensor) -> Tensor:
    """Return (B, ...), the slice to segment, of (B, k, ...) slices."""
    return seen[:, seen.shape[1] // 2]


def _batch(hu: Tensor, target: Tensor) -> Batch:
    return Batch(hu=hu, target=target[:, :2], valid=target[:, 2:3], coarse=target[:, 3:])
