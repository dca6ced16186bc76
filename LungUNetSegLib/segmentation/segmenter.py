"""Segments the lungs of a scan, from HU to final labels; used by the command line, the panel and the evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.engines import DeviceName, Engine, EngineName, FallbackEngine, open_engine
from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.machine import take_blas_memory, usable_threads
from LungUNetSegLib.measures import UNKNOWN, Acquisition, judge, measure_lungs
from LungUNetSegLib.models.model import DEFAULT_MODEL, Model, load_model
from LungUNetSegLib.preprocessing import PreparedScan, prepare
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.segmentation.agreement import compare_stages
from LungUNetSegLib.segmentation.cleaning import Cleaning, clean
from LungUNetSegLib.segmentation.doubt import find_doubts, lung_pixels
from LungUNetSegLib.segmentation.edges import place_edges
from LungUNetSegLib.segmentation.probabilities import Probabilities, hard_labels
from LungUNetSegLib.segmentation.quality import assess, confidence_of
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.skipping import fill_or_halve, first_slices, pairs_of
from LungUNetSegLib.segments import BOTH_LUNGS, LabelKind
from LungUNetSegLib.volume import Volume, sparse_zeros
from LungUNetSegLib.volume.resample import limited_threads


class Segmenter:
    """A model loaded into an engine, which segments any number of scans.

    Memory is bounded: besides a scan it needs one byte for each voxel of the box around the lungs in each slice, two
    for each of the network's pixels there, a few more while parts are sorted, and what the engine takes for a slice.

    Args:
        model: From `load_model`.
        engine: The engine that runs the network: a name in `engines.ENGINES`, or an engine that is already open.
        device: Where it runs; see `open_engine`.
        threads: CPU threads; if None, as many as the machine or the container has cores.
        coarse: For models with a coarse network, an engine with that network that is already open.

    Raises:
        ModelError: The model segments other structures than the lungs.
        EngineError: See `open_engine`.
        MissingDependencyError: See `open_engine`.
    """

    def __init__(
        self,
        model: Model,
        engine: EngineName | Engine = "auto",
        device: DeviceName = "auto",
        threads: int | None = None,
        *,
        coarse: Engine | None = None,
    ) -> None:
        if not model.finds_lungs:
            names = ", ".join(structure.name for structure in model.structures)
            raise ModelError(f"The model {model.name!r} finds {names}; only lungs can be cleaned and measured here.")
        take_blas_memory()
        started = time.perf_counter()
        self.model, self.threads = model, threads
        self.engine = open_engine(model, engine, device, threads) if isinstance(engine, str) else engine
        if model.coarse is not None and coarse is None:
            coarse = open_engine(model.coarse, engine if isinstance(engine, str) else "auto", device, threads)
        self.coarse = coarse
        self.load_seconds = time.perf_counter() - started

    def segment(
        self,
        volume: Volume,
        *,
        labels: LabelKind = "lr",
        raw: bool = False,
        acquisition: Acquisition = UNKNOWN,
        progress: Progress = silent,
    ) -> Segmentation:
        """Segment the lungs of a chest CT.

        Args:
            volume: HU, any orientation and spacing.
            labels: Right and left lung, or both as one ("binary").
            raw: Return the network's output without cleaning, and with its own edges.
            acquisition: How the scan was made, which decides what density numbers are worth.
            progress: Called with (stage, slices done, slices to do); an exception from it ends the work.

        Raises:
            ModelError: Right and left are requested, but the model does not distinguish them.
            EngineError: All engines failed.
        """
        if labels == "lr" and self.model.channels == 1:
            raise ModelError(
                "The model does not distinguish right and left lung: ask for both as one (labels='binary' in Python,"
                " --labels binary on the command line)."
            )
        with limited_threads(usable_threads(self.threads)):
            return self._segment(volume, labels, raw, acquisition, progress)

    def network_input(self, volume: Volume, count: int) -> Float32:
        """Return what the network sees of at most `count` evenly spaced slices of a scan in HU: (n, k, h, w)."""
        scan = prepare(volume, self.model.preprocess)
        numbers = np.unique(np.linspace(0, len(scan.hu) - 1, count).round().astype(np.int64))
        coarse = self._look_at_all(scan.coarse_view())
        return np.concatenate([slices for _, slices in scan.batches(numbers, coarse)])

    def _segment(
        self, volume: Volume, labels: LabelKind, raw: bool, acquisition: Acquisition, progress: Progress
    ) -> Segmentation:
        stages = ("prepare", "segment", "clean", "restore", "measure")
        seconds = {"load": self.load_seconds} | dict.fromkeys(stages, 0.0)
        with _timed(seconds, "prepare"):
            scan = prepare(volume, self.model.preprocess)
        with _timed(seconds, "segment"):
            coarse = self._look_at_all(scan.coarse_view())
            probabilities = self._run_network(scan, coarse, progress)
        with _timed(seconds, "clean"):
            spacing_mm, saw_scan = scan.grid.geometry.spacing_mm, self.coarse is not None
            before = lung_pixels(probabilities)
            cleaning = Cleaning() if raw else clean(probabilities, scan.hu, spacing_mm, saw_scan=saw_scan)
            agreement = (
                None if coarse is None else compare_stages(coarse, probabilities, spacing_mm[0], scan.grid.config)
            )
            scan.hu.forget()
        with _timed(seconds, "measure"):
            confidence, doubts = confidence_of(probabilities), find_doubts(probabilities, before, scan, labels)
        with _timed(seconds, "restore"):
            label_map = scan.restore(probabilities, partial(hard_labels, threshold=255 / 2), progress)
            if not raw:
                lungs = label_map.canonical()
                place_edges(lungs.array, scan.volume.canonical().array, lungs.geometry.spacing_mm[1:])
            if labels == "binary":
                np.minimum(label_map.array, 1, out=label_map.array)
        with _timed(seconds, "measure"):
            measures = measure_lungs(label_map, scan.volume, labels)
            quality, findings = assess(scan.volume, label_map, measures, confidence, cleaning, agreement)
            made, warnings = judge(measures.scan, acquisition)
        return Segmentation(
            labels=label_map,
            segments=self.model.structures if labels == "lr" else BOTH_LUNGS,
            findings=self._steps_down() + findings + (warnings if measures.volumes_ml["total"] else ()),
            measures=measures,
            acquisition=made,
            quality=quality,
            doubts=doubts,
            seconds=seconds,
            engine=self.engine.description,
            device=self.engine.device,
        )

    def _run_network(self, scan: PreparedScan, coarse: Float32 | None, progress: Progress) -> Probabilities:
        """Return (D, 2, h, w) probabilities, 0 to 255; the second channel is 0 if the network has only one."""
        depth, slice_mm = len(scan.hu), scan.grid.geometry.spacing_mm[0]
        result = sparse_zeros((depth, 2, *scan.hu.shape[1:]))
        numbers = first_slices(depth, slice_mm)
        pairs, done = pairs_of(numbers), 0
        progress("segment", 0, depth)
        while numbers.size:
            for some, slices in scan.batches(numbers, coarse):
                computed = np.rint(self.engine.probabilities(slices) * np.float32(255)).astype(np.uint8)
                if (rows := np.flatnonzero(computed.max(axis=(0, 1, 3)))).size:
                    used = slice(rows[0], rows[-1] + 1)
                    result[some, : computed.shape[1], used] = computed[:, :, used]
                done += len(some)
                progress("segment", done, depth)
            pairs = fill_or_halve(result, pairs, slice_mm)
            numbers = np.array([middle for _, middle in pairs[::2]], np.int64)
        if done < depth:
            progress("segment", depth, depth)
        return result

    def _look_at_all(self, view: Float32 | None) -> Float32 | None:
        """Return the coarse network's (2, d, a, b) probabilities of the whole scan; None without a coarse view."""
        if self.coarse is None or view is None:
            return None
        (probabilities,) = self.coarse.probabilities(view[None, None])
        return np.asarray(probabilities, np.float32)

    def _steps_down(self) -> tuple[Finding, ...]:
        """Return findings on fallbacks of the engines; a fallback applies to all later scans."""
        engines = [each for each in (self.engine, self.coarse) if isinstance(each, FallbackEngine)]
        return tuple(Finding("engine-fallback", sentence) for each in engines for sentence in each.steps_down)


def segment(
    volume: Volume,
    model: Model | str = DEFAULT_MODEL,
    *,
    engine: EngineName = "auto",
    device: DeviceName = "auto",
    threads: int | None = None,
    labels: LabelKind = "lr",
    progress: Progress = silent,
) -> Segmentation:
    """Segment the lungs of one chest CT; for several scans, use one `Segmenter`.

    Args:
        volume: HU, any orientation and spacing.
        model: From `load_model`, or an argument for it.
        engine: As for `Segmenter`, as `device` and `threads`.
        device: See there.
        threads: See there.
        labels: As for `Segmenter.segment`, as `progress`.
        progress: See there.

    Raises:
        LungUNetSegError: The model or the engine cannot be used; the message says what to do.
    """
    loaded = load_model(model) if isinstance(model, str) else model
    return Segmenter(loaded, engine, device, threads).segment(volume, labels=labels, progress=progress)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - started
