"""Cached cases whose slices say by their HU which they are, and how batches of them are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.dataset import SliceDataset
from LungUNetSegLib.data.pathology import Lesion
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.views import whole_view
from LungUNetSegLib.preprocessing import PreprocessConfig

PLAIN = SamplingConfig(order="every", slab_probability=0.0)
CONTEXT = PreprocessConfig(spacing_mm=4.0, context_mm=7.0)
FLUID = Lesion(0, "effusion", 200.0, 1.0, (0.0, 1.0, 0.0), 0.0, 0.0, 3)
WHOLE = whole_view(20, (32, 32))


def make_case(name: str, slices: int, *, with_lung: int | None = None, slice_mm: float = 2.5) -> CachedCase:
    """A case whose slice s is s HU everywhere; its first `with_lung` slices have a right lung."""
    hu = np.broadcast_to(np.arange(slices, dtype=np.int16)[:, None, None], (slices, 32, 32)).copy()
    target = np.zeros((slices, 3, 32, 32), np.uint8)
    target[: slices if with_lung is None else with_lung, 0, 4:20, 4:14] = 255
    target[:, 2] = 255
    case = Case(case_id=name, patient=name.split("-")[0], image=Path("x"), mask=Path("y"))
    return CachedCase(case, name, hu, target, slice_mm)


def drawn(dataset: SliceDataset, epoch: int = 0) -> list[tuple[str, int]]:
    """Case ids and slices of an epoch, in order."""
    return [(dataset.cases[c].case.case_id, int(s)) for c, s in dataset.index[dataset._draw(epoch)]]
