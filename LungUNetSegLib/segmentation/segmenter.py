"""The whole way from a scan to its lungs: the function behind the command line, the panel and the evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.engines import DeviceName, Engine, EngineName, open_engine
from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.machine import limited_cores
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.preprocessing import NetworkGrid, PreprocessConfig, normalise, place_grid, slices_seen
from LungUNetSegLib.resample import limited_threads
from LungUNetSegLib.segmentation.air_outside_body import drop_air_outside
from LungUNetSegLib.segmentation.cleaning import HALF, Cleaning, Probabilities, clean, hard_labels
from LungUNetSegLib.segmentation.quality import assess
from LungUNetSegLib.segments import BOTH_LUNGS, LEFT_LUNG, LUNGS, RIGHT_LUNG, Segment
from LungUNetSegLib.volume import AIR_HU, Volume, to_hu

Progress = Callable[[str, int, int], None]
LabelKind = Literal["lr", "binary"]
LABEL_KINDS: tuple[LabelKind, ...] = get_args(LabelKind)

SLICES_AT_ONCE = 16
"""Sampled and given to the engine together: what bounds the memory, and the steps of the progress."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation:
    """The lungs of a scan.

    Attributes:
        labels: uint8 on the scan's own grid; 1 right and 2 left lung, or 1 both.
        segments: What the labels mean.
        findings: What the reader should know, of the scan and of the result.
        volumes_ml: "right", "left" and "total"; only "total" where both are one.
        mean_hu: Mean density by the same names.
        quality: Numbers behind the findings; see `quality.assess`.
        seconds: Wall time by stage.
        engine: Engine, device and precision that were used, for people.
        device: "cpu", "cuda" or "mps".
    """

    labels: Volume
    segments: tuple[Segment, ...]
    findings: tuple[Finding, ...]
    volumes_ml: dict[str, float]
    mean_hu: dict[str, float]
    quality: dict[str, Any]
    seconds: dict[str, float]
    engine: str
    device: str


def segment(
    volume: Volume,
    model: Model,
    *,
    engine: EngineName = "auto",
    device: DeviceName = "auto",
    threads: int | None = None,
    labels: LabelKind = "lr",
    raw: bool = False,
    progress: Progress | None = None,
) -> Segmentation:
    """Segment the lungs of a chest CT.

    Memory is bounded: beside the scan and its labels there are 4 bytes for each of the network's pixels, and a few
    slices in floating point.

    Args:
        volume: HU, any orientation and spacing.
        model: From `load_model`.
        engine: What runs the network; see `open_engine`, as for `device`.
        device: Where it runs.
        threads: On the CPU; when None, as many as the machine or the container has.
        labels: Right and left lung, or both as one ("binary").
        raw: Return what the network says, without postprocessing.
        progress: Called with (stage, slices done, slices to do); an exception from it ends the work.

    Raises:
        ModelError: The model cannot tell right from left, and that is asked for.
        EngineError: See `open_engine`; or all engines failed.
        MissingDependencyError: See `open_engine`.
    """
    _check_kind(labels, model.channels)
    started = time.perf_counter()
    runner = open_engine(model, engine, device, threads)
    opened_s = time.perf_counter() - started
    with limited_threads(threads or limited_cores()):
        result = segment_with(volume, model.preprocess, runner, labels=labels, raw=raw, progress=progress)
    steps = tuple(Finding("engine-fallback", sentence) for sentence in runner.steps_down)
    return replace(result, seconds={"load": opened_s, **result.seconds}, findings=steps + result.findings)


def segment_with(
    volume: Volume,
    preprocess: PreprocessConfig,
    engine: Engine,
    *,
    labels: LabelKind = "lr",
    raw: bool = False,
    progress: Progress | None = None,
) -> Segmentation:
    """Segment with an engine that is already open, as for many scans in a row; the rest as in `segment`."""
    progress = progress or _silent
    seconds: dict[str, float] = {}
    with _timed(seconds, "prepare"):
        volume = volume if volume.array.dtype == np.int16 else Volume(to_hu(volume.array), volume.geometry)
        aligned, grid = place_grid(volume, preprocess)
    with _timed(seconds, "segment"):
        said, channels, outside = _run_network(aligned, grid, engine, progress, keep_all=raw)
    _check_kind(labels, channels)
    with _timed(seconds, "clean"):
        cleaned, cleaning = (said, Cleaning()) if raw else clean(said, grid.geometry.spacing_mm)
        cleaning = replace(cleaning, outside_ml=outside * grid.geometry.voxel_volume_ml)
    with _timed(seconds, "restore"):
        label_map = grid.to_scan(_restore(cleaned, grid, progress))
        if labels == "binary":
            np.minimum(label_map.array, 1, out=label_map.array)
    with _timed(seconds, "measure"):
        volumes_ml, mean_hu = measure(label_map, volume, labels)
        quality, findings = assess(volume, label_map, volumes_ml, cleaned, cleaning)
    return Segmentation(
        labels=label_map,
        segments=LUNGS if labels == "lr" else BOTH_LUNGS,
        findings=findings,
        volumes_ml=volumes_ml,
        mean_hu=mean_hu,
        quality=quality,
        seconds=seconds,
        engine=engine.description,
        device=engine.device,
    )


def measure(labels: Volume, scan: Volume, kind: LabelKind = "lr") -> tuple[dict[str, float], dict[str, float]]:
    """Return volumes in ml and mean HU of the right and left lung and of both; no mean where there is no lung.

    Args:
        labels: 1 right and 2 left lung, or 1 both.
        scan: HU, on the same grid.
        kind: What the labels mean.
    """
    counts, sums = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for plane, hu in zip(labels.array, scan.array, strict=True):
        for label in (RIGHT_LUNG, LEFT_LUNG):
            values = hu[plane == label]
            counts[label] += values.size
            sums[label] += values.sum(dtype=np.int64)
    counts[0], sums[0] = counts.sum(), sums.sum()
    named = {"right": RIGHT_LUNG, "left": LEFT_LUNG, "total": 0} if kind == "lr" else {"total": 0}
    volumes_ml = {name: float(counts[label] * labels.geometry.voxel_volume_ml) for name, label in named.items()}
    mean_hu = {name: float(sums[label] / counts[label]) for name, label in named.items() if counts[label]}
    return volumes_ml, mean_hu


def _run_network(
    aligned: Volume, grid: NetworkGrid, engine: Engine, progress: Progress, *, keep_all: bool
) -> tuple[Probabilities, int, int]:
    """Return (D, 2, h, w) probabilities, 0 to 255, how many channels the network has, and what was dropped as outside.

    A second channel that the network does not have is of zeros. With `keep_all` nothing is dropped.
    """
    depth = aligned.geometry.shape[0]
    seen = slices_seen(depth, aligned.geometry.spacing_mm[0], grid.config)
    planes = np.empty((depth, *grid.config.size), np.int16)
    sampled = 0
    result = np.zeros((depth, 2, *grid.config.size), np.uint8)
    channels = outside = 0
    progress("segment", 0, depth)
    for chunk in _chunks(depth):
        needed = int(seen[chunk].max()) + 1
        planes[sampled:needed] = np.rint(grid.sample(aligned.array[sampled:needed], AIR_HU))
        sampled = needed
        said = engine.probabilities(normalise(planes[seen[chunk]], grid.config))
        channels = said.shape[1]
        result[chunk, :channels] = np.rint(said * np.float32(255))
        if not keep_all:  # now, while the slices are at hand: kept for later they would cost memory
            outside += drop_air_outside(result[chunk], planes[chunk])
        progress("segment", chunk.stop, depth)
    return result, channels, outside


def _restore(probabilities: Probabilities, grid: NetworkGrid, progress: Progress) -> npt.NDArray[np.uint8]:
    """Bring probabilities to (D, H, W) labels on the aligned grid, a few slices at a time."""
    depth, height, width = grid.aligned.shape
    labels = np.zeros((depth, height, width), np.uint8)
    for chunk in _chunks(depth):
        planes = probabilities[chunk]
        if planes.max() >= HALF:
            restored = grid.unsample(planes.reshape(-1, *grid.config.size))
            labels[chunk] = hard_labels(restored.reshape(-1, 2, height, width), 255 / 2)
        progress("restore", chunk.stop, depth)
    return labels


def _chunks(depth: int) -> Iterator[slice]:
    for start in range(0, depth, SLICES_AT_ONCE):
        yield slice(start, min(start + SLICES_AT_ONCE, depth))


def _check_kind(labels: LabelKind, channels: int) -> None:
    if labels == "lr" and channels == 1:
        raise ModelError("The model sees both lungs as one and cannot tell right from left: ask for --labels binary.")


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
