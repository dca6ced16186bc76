"""Batches of slices from cached cases: which slices an epoch holds, and how they are augmented.

Everything random is drawn from (seed, epoch, step), never from a running state. So a resumed training sees the same
batches as an uninterrupted one, and several processes share a batch without talking to each other.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.pathology import (
    LIKE_ORGANS,
    SOLID,
    Lesion,
    PathologyConfig,
    apply_lesions,
    room_for_solid,
    sample_lesions,
)
from LungUNetSegLib.data.transforms import AugmentConfig, apply_parameters, sample_parameters
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.preprocessing import PreprocessConfig, neighbour_step, seen_with

PATHOLOGY_STREAM = 1
"""Keeps the lesions' random numbers apart from the augmentation's: switching one off leaves the other's draws."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Which slices make an epoch.

    Attributes:
        order: "every" takes each slice once, in random order, as the paper does; "balanced" draws slices so that
            patients count alike.
        slices_per_epoch: With "balanced", how many are drawn.
        single_slice_share: With "balanced", the share of the draws that fall on cases of a single slice, which are
            many patients with much pathology in few slices.
        no_lung_share: With "balanced", the largest share of draws that fall on slices without lung.
        slab_probability: With which a slice of a volume is averaged with its neighbours into a thicker one.
        slab_mm: Largest thickness of such a slab.
        alone_probability: With which a slice is seen alone, where the network sees neighbours: what single slices
            can teach of that is little.
    """

    order: Literal["every", "balanced"] = "balanced"
    slices_per_epoch: int = 1000
    single_slice_share: float = 0.4
    no_lung_share: float = 0.15
    slab_probability: float = 0.3
    slab_mm: float = 10.0
    alone_probability: float = 0.25

    def __post_init__(self) -> None:
        for name in ("single_slice_share", "no_lung_share", "slab_probability", "alone_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must lie between 0 and 1, got {getattr(self, name)}.")
        if self.slices_per_epoch < 1:
            raise ConfigError(f"slices_per_epoch must be at least 1, got {self.slices_per_epoch}.")


@dataclass(frozen=True, eq=False)
class Batch:
    """Slices to learn from.

    Attributes:
        hu: (B, k, h, w) float32 HU, from the feet to the head; the slice to segment in the middle.
        target: (B, 2, h, w) float32 in [0, 1]; right lung, left lung.
        valid: (B, 1, h, w) float32; 1 where the target is known.
    """

    hu: Tensor
    target: Tensor
    valid: Tensor


class SliceDataset:
    """The slices of cached cases, as batches.

    Args:
        cases: On one grid.
        sampling: Which slices make an epoch.
        augment: How they are changed; None for not at all.
        pathology: What disease is laid in; None for none.
        seed: Of everything random.
        preprocess: Says which neighbours are seen with a slice; none by default.

    Raises:
        DataError: No case, or no slice.
    """

    def __init__(
        self,
        cases: Sequence[CachedCase],
        sampling: SamplingConfig,
        augment: AugmentConfig | None = None,
        pathology: PathologyConfig | None = None,
        seed: int = 0,
        *,
        preprocess: PreprocessConfig | None = None,
    ) -> None:
        self.cases, self.preprocess = list(cases), preprocess or PreprocessConfig()
        self.sampling, self.augment, self.pathology, self.seed = sampling, augment, pathology, seed
        self.index = np.array([(c, s) for c, case in enumerate(cases) for s in range(len(case.hu))], np.int64)
        if not len(self.index):
            raise DataError("There is no slice to learn from; the data set is empty.")
        self._room = [_room(case, self.preprocess) for case in self.cases] if pathology else []
        self._probabilities = _balance(self.cases, sampling) if sampling.order == "balanced" else None

    def __len__(self) -> int:
        """Slices in an epoch."""
        return len(self.index) if self._probabilities is None else self.sampling.slices_per_epoch

    @property
    def digest(self) -> str:
        """Of the cases, in their order."""
        return hashlib.sha256("".join(case.digest for case in self.cases).encode()).hexdigest()[:32]

    def steps(self, batch_size: int) -> int:
        """Batches in an epoch; the last, incomplete one is left out, unless it is the only one."""
        return max(1, len(self) // batch_size)

    def batch(self, epoch: int, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> Batch:
        """Return the batch of one step; the same numbers give the same batch.

        Args:
            epoch: From 0.
            step: Within the epoch.
            batch_size: Slices in a step over all processes together.
            rank: This process.
            world_size: Processes; each gets ``batch_size / world_size`` slices of every step.
        """
        chosen = self.index[self._draw(epoch)[step * batch_size : (step + 1) * batch_size]]
        share = batch_size // world_size
        return self._make(chosen, (self.seed, epoch, step), slice(rank * share, (rank + 1) * share))

    def epoch(self, epoch: int, batch_size: int, *, rank: int = 0, world_size: int = 1) -> Iterator[Batch]:
        """Yield an epoch's batches; see `batch`."""
        for step in range(self.steps(batch_size)):
            yield self.batch(epoch, step, batch_size, rank, world_size)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield every slice once, in order and unchanged, for validation."""
        for start in range(0, len(self.index), batch_size):
            chosen = self.index[start : start + batch_size]
            hu, target = _stack([self._read(case, slice_) for case, slice_ in chosen])
            yield _batch(hu, middle(target))

    def _draw(self, epoch: int) -> npt.NDArray[np.int64]:
        rng = np.random.default_rng((self.seed, epoch))
        if self._probabilities is None:
            return rng.permutation(len(self.index))
        return rng.choice(len(self.index), size=self.sampling.slices_per_epoch, p=self._probabilities)

    def _make(self, chosen: npt.NDArray[np.int64], seeds: tuple[int, int, int], mine: slice) -> Batch:
        """One process's part of a batch; what is done to a slice does not depend on how the batch is shared."""
        generator = _generator(*seeds)
        slabs_mm = torch.rand(len(chosen), generator=generator) * self.sampling.slab_mm
        slabs_mm *= torch.rand(len(chosen), generator=generator) < self.sampling.slab_probability
        alone = torch.rand(len(chosen), generator=generator) < self.sampling.alone_probability
        how = zip(chosen[mine], slabs_mm[mine].tolist(), alone[mine].tolist(), strict=True)
        hu, targets = _stack([self._read(case, slice_, slab, is_alone) for (case, slice_), slab, is_alone in how])
        copies = (hu == middle(hu)[:, None]).flatten(2).all(dim=2)
        if self.pathology is not None:
            lesions = sample_lesions(len(chosen), self.pathology, _generator(*seeds, PATHOLOGY_STREAM))
            here = range(*mine.indices(len(chosen)))
            kept = [lesion for lesion in lesions if lesion.sample in here and self._has_room(lesion, chosen)]
            kept = [_renumbered(lesion, here.start) for lesion in kept]
            # Seen alone, a disc of soft tissue with lung around it differs from the liver's dome by nothing but its
            # paint: it would teach that such discs are lung.
            is_alone = (copies.all(dim=1) & (copies.shape[1] > 1)).tolist()
            kept = [lesion for lesion in kept if not (is_alone[lesion.sample] and lesion.kind in LIKE_ORGANS)]
            hu, lungs = apply_lesions(hu, targets[:, :, :2], kept)
            targets = torch.cat((lungs, targets[:, :, 2:]), dim=2)
        target = middle(targets)
        if self.augment is not None:
            parameters = sample_parameters(len(chosen), self.augment, generator)
            hu, target = apply_parameters(hu, target, parameters[mine])
        # A slice repeated in a neighbour's place stays the same slice, with its noise and its disease.
        hu = torch.where(copies[:, :, None, None], middle(hu)[:, None], hu)
        return _batch(hu, target)

    def _has_room(self, lesion: Lesion, chosen: npt.NDArray[np.int64]) -> bool:
        """Whether the lung of the chosen slice can take such a lesion."""
        case, slice_ = chosen[lesion.sample]
        return lesion.kind not in SOLID or bool(self._room[case][slice_, lesion.channel])

    def _read(
        self, case: int, slice_: int, slab_mm: float = 0.0, alone: bool = False
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """(k, h, w) HU and (k, 3, h, w) target of what is seen with a slice."""
        cached = self.cases[case]
        count = max(1, round(slab_mm / cached.slice_mm))
        # The neighbours of a slab are slabs, as far away as in a scan of that thickness.
        step = 0 if alone else count * neighbour_step(count * cached.slice_mm, self.preprocess)
        (numbers,) = seen_with(np.array([slice_]), len(cached.hu), step, self.preprocess).tolist()
        slabs = {number: _slab(cached, number, count) for number in set(numbers)}
        hu, target = zip(*(slabs[number] for number in numbers), strict=True)
        return np.stack(hu), np.stack(target)


def _room(case: CachedCase, config: PreprocessConfig) -> npt.NDArray[np.bool_]:
    """(D, 2) where solid tissue can be painted."""
    pixels = np.array([case.target[number][:2].sum(axis=(1, 2)) / 255 for number in range(len(case.target))])
    return room_for_solid(pixels * config.spacing_mm**2, case.slice_mm)


def _slab(case: CachedCase, number: int, count: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(h, w) HU and (3, h, w) target of the mean of `count` slices around one."""
    start = min(max(0, number - count // 2), max(0, len(case.hu) - count))
    planes = slice(start, start + count)
    target = case.target[planes].astype(np.float32) / 255
    mean = target.mean(axis=0)
    mean[2] = target[:, 2].min(axis=0)
    return case.hu[planes].astype(np.float32).mean(axis=0), mean


def _balance(cases: Sequence[CachedCase], sampling: SamplingConfig) -> npt.NDArray[np.float64]:
    """The probability of each slice, in the order of `SliceDataset.index`."""
    patients: dict[tuple[str, bool], int] = {}
    for case in cases:
        key = (case.case.patient, len(case.hu) == 1)
        patients[key] = patients.get(key, 0) + len(case.hu)
    kinds = {single for _, single in patients}
    weights: list[float] = []
    lung: list[bool] = []
    for case in cases:
        single = len(case.hu) == 1
        share = 1.0 if len(kinds) == 1 else sampling.single_slice_share if single else 1 - sampling.single_slice_share
        # Patients count alike within their kind; single slices count alike, as each was chosen for what it shows.
        peers = sum(key[1] == single for key in patients)
        slices = patients[case.case.patient, single]
        total = sum(count for key, count in patients.items() if key[1])
        weight = share / total if single else share / peers / slices
        weights.extend([weight] * len(case.hu))
        lung.extend(bool((case.target[index][:2] > 127).any()) for index in range(len(case.hu)))
    probabilities, has_lung = np.array(weights), np.array(lung)
    empty = probabilities[~has_lung].sum() / probabilities.sum()
    if empty > sampling.no_lung_share and has_lung.any():
        probabilities[~has_lung] *= sampling.no_lung_share / empty * (1 - empty) / (1 - sampling.no_lung_share)
    probabilities /= probabilities.sum()
    return probabilities


def _generator(*seeds: int) -> torch.Generator:
    state = np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)


def _renumbered(lesion: Lesion, start: int) -> Lesion:
    return dataclasses.replace(lesion, sample=lesion.sample - start)


def _stack(
    planes: Sequence[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]],
) -> tuple[Tensor, Tensor]:
    hu, target = zip(*planes, strict=True)
    return torch.from_numpy(np.stack(hu)), torch.from_numpy(np.stack(target))


def middle(seen: Tensor) -> Tensor:
    """(B, k, ...) of all slices seen to (B, ...) of the one to segment."""
    return seen[:, seen.shape[1] // 2]


def _batch(hu: Tensor, target: Tensor) -> Batch:
    return Batch(hu=hu, target=target[:, :2], valid=target[:, 2:])
