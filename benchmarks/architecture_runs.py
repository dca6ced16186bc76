"""What benchmarks/architectures.py does with a network: trains it, judges it on unseen patients, weighs it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peak_memory import own_peak_mb
from torch.utils.flop_counter import FlopCounterMode

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.cases.splits import Split, choose, split_cases
from LungUNetSegLib.data.cache import cache_cases
from LungUNetSegLib.data.dataset import SliceDataset
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.engines import open_engine
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.evaluation.compare import Comparison, compare
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.networks import (
    DenseNetFpnConfig,
    DilatedUNetConfig,
    NetworkConfig,
    OriginalUNetConfig,
    UNetConfig,
    VggSegNetConfig,
    build_network,
)
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.region import Box, crop, lung_box, suppress_outside
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.device import keep_freed_memory
from LungUNetSegLib.training.presets import PRESETS
from LungUNetSegLib.training.trainer import Trainer
from LungUNetSegLib.volume import Geometry, Volume

Row = dict[str, Any]

_OURS: dict[str, Any] = {
    "out_channels": 2,
    "in_channels": 3,
    "features_per_stage": (24, 48, 96, 160, 224),
    "stem_stride": 2,
    "dropout": 0.05,
}

CONTENDERS: dict[str, NetworkConfig] = {
    "lungs": UNetConfig(**_OURS),
    "paper": UNetConfig(out_channels=2),
    "unet_2015": OriginalUNetConfig(out_channels=2, first_features=16),
    "dilated_unet": DilatedUNetConfig(**_OURS),
    "densenet_fpn": DenseNetFpnConfig(out_channels=2, growth=16, pyramid_features=64),
    "vgg_segnet": VggSegNetConfig(out_channels=2, first_features=16),
}
"""Each preset's network, narrower where two cores could not train it: a quarter of the channels in `unet_2015` and
`vgg_segnet`, half the growth and a quarter of the pyramid in `densenet_fpn`."""

MARGIN_MM = 10.0
"""Around the lungs of the first pass, where the region of interest is tried."""

REGIONS = {
    "whole scan": (False, False),
    "region of interest": (True, False),
    "suppression": (False, True),
    "region of interest and suppression": (True, True),
}
"""Whether the second pass sees the lungs' box, and with what is not lung suppressed; the first is the first pass."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """What is the same for all networks.

    Attributes:
        spacing_mm: Of the grid.
        pixels: (height, width) of the grid.
        folds: Parts that the patients are divided into; each is left out once.
        epochs: Of each training.
        steps: Of each epoch.
        batch: Slices in a step.
        rate: The largest learning rate.
        slice_mm: Of a volume whose slices lie closer, every n-th is judged, up to this far apart; 0 for all.
    """

    spacing_mm: float
    pixels: tuple[int, int]
    folds: int
    epochs: int
    steps: int
    batch: int
    rate: float
    slice_mm: float


def settings(name: str, size: Size, seed: int) -> TrainingConfig:
    """Return a network's training: all alike but for the network, the slices that it sees, and its loss."""
    network, preset = CONTENDERS[name], PRESETS[name]
    context_mm = preset.preprocess.context_mm if network.in_channels == 3 else 0.0
    return TrainingConfig(
        preprocess=PreprocessConfig(
            spacing_mm=size.spacing_mm,
            size=size.pixels,
            window_hu=preset.preprocess.window_hu,
            context_mm=context_mm,
        ),
        network=network,
        sampling=SamplingConfig(slices_per_epoch=size.steps * size.batch, single_slice_share=0.35, no_lung_share=0.25),
        augment=AugmentConfig(flip=0.0, noise_hu=80.0),
        exclude=PRESETS["lungs"].exclude,
        epochs=size.epochs,
        batch_size=size.batch,
        learning_rate=size.rate,
        l2=0.01,
        gradient_clip=5.0,
        loss=preset.loss,
        dice_over="slice",
        average_decay=0.99,
        precision="bfloat16",
        channels_last=True,
        seed=seed,
    )


def split(cases: Sequence[Case], size: Size, fold: int) -> Split:
    """Return the patients of one fold, the same for every network and seed."""
    return split_cases(cases, 0, folds=size.folds, fold=fold)


def train(name: str, size: Size, seed: int, fold: int, cases: Sequence[Case], run: Path, cache: Path) -> None:
    """Train one network, from where it stopped, and export it into `run/model`."""
    if (run / "model" / "manifest.json").exists():
        return
    keep_freed_memory()
    config, parts = settings(name, size, seed), split(cases, size, fold)
    cached = cache_cases(choose(cases, parts.training), config.preprocess, cache, threads=1)
    dataset = SliceDataset(cached, config.sampling, config.augment, config.seed, preprocess=config.preprocess)
    trainer = Trainer(config, dataset, None, run, split=parts)
    if (run / "last.pt").exists():
        trainer.resume(load_checkpoint(run / "last.pt"))
    started = time.process_time()
    trainer.run()
    print(f"{run.name}: {time.process_time() - started:.0f} s of CPU", flush=True)
    export(run / "last.pt", run / "model", name)


def judge(
    runs: dict[str, Path], seed: int, fold: int, cases: Sequence[Case], worst: Path, slice_mm: float
) -> list[Row]:
    """Score the networks of one fold and seed on the patients left out, on the scans' own grids.

    Args:
        runs: The folder of each network's training.
        seed: For the rows.
        fold: Likewise.
        cases: What was left out.
        worst: Where each network's worst slice of a volume is kept, as masks.
        slice_mm: See `Size`.

    Returns:
        A row for each network, case, lung and region of interest.
    """
    segmenters = {
        name: Segmenter(load_model(str(run / "model")), "onnxruntime", "cpu", threads=1) for name, run in runs.items()
    }
    rows: list[Row] = []
    for case in cases:
        pair = _thinned(read_pair(case), slice_mm)
        common = {"seed": seed, "fold": fold, "case": case.case_id, "single": pair.ct.canonical().array.shape[0] == 1}
        for name, segmenter in segmenters.items():
            for region, found in _segment(segmenter, pair.ct, with_regions=name == "lungs"):
                comparison = compare(_decided(found, pair), _decided(pair.labels, pair), "lr")
                about = common | {"network": name, "region": region}
                rows += [
                    about
                    | {"lung": each.name, "dsc": each.dsc, "hd95_mm": each.hd95_mm}
                    | {"reference_ml": each.reference_ml, "found_ml": each.prediction_ml}
                    for each in comparison.regions
                ]
                if region == "whole scan" and not common["single"]:
                    _keep_worst(worst / f"{name}.npz", comparison, case.case_id)
    return rows


def _segment(segmenter: Segmenter, scan: Volume, with_regions: bool) -> Iterator[tuple[str, Volume]]:
    """Yield the lungs by each entry of REGIONS, or by the first alone; those of a second pass where there are any."""
    first = segmenter.segment(scan).labels
    for name, (cropped, suppressed) in REGIONS.items():
        if not (cropped or suppressed):
            yield name, first
        elif with_regions:
            try:
                yield name, _second_pass(segmenter, scan, first, cropped=cropped, suppressed=suppressed)
            except DataError:  # the first pass has found no lung to put a box around
                yield name, first


def _second_pass(segmenter: Segmenter, scan: Volume, first: Volume, *, cropped: bool, suppressed: bool) -> Volume:
    box = lung_box(first, MARGIN_MM) if cropped else Box((0, 0, 0), scan.geometry.shape)
    part, lungs = crop(scan, box), crop(first, box)
    if suppressed:
        values = np.rint(suppress_outside(part.array, lungs.array > 0)).astype(np.int16)
        part = Volume(values, part.geometry)
    labels = np.zeros_like(first.array)
    labels[box.slices] = segmenter.segment(part).labels.array
    return Volume(labels, first.geometry)


def _thinned(pair: LabelledScan, slice_mm: float) -> LabelledScan:
    """Leave every n-th slice of a scan and its masks, so that more than `slice_mm` never lies between two."""

    def thin(volume: Volume | None) -> Volume | None:
        if volume is None:
            return None
        upright = volume.canonical()
        every = max(1, int(slice_mm / upright.geometry.spacing_mm[0] + 1e-6))
        affine = upright.geometry.affine_lps.copy()
        affine[:3, 0] *= every
        array = np.ascontiguousarray(upright.array[::every])
        return Volume(array, Geometry(array.shape, affine))

    ct, labels = thin(pair.ct), thin(pair.labels)
    assert ct is not None and labels is not None
    return dataclasses.replace(pair, ct=ct, labels=labels, ignore=thin(pair.ignore))


def _decided(labels: Volume, pair: LabelledScan) -> Volume:
    """Leave out what nobody could decide, of prediction and reference alike."""
    if pair.ignore is None:
        return labels
    return Volume(np.where(pair.ignore.array, 0, labels.array), labels.geometry)


def _keep_worst(path: Path, comparison: Comparison, case_id: str) -> None:
    """Keep the slice with most wrong pixels, if its scan is worse than the one that is kept; masks, no patient's CT."""
    lowest = min((each.dsc for each in comparison.regions[:2] if each.reference_ml > 0), default=1.0)
    if path.exists():
        with np.load(path) as kept:
            if float(kept["dsc"]) <= lowest:
                return
    number = int(np.argmax(comparison.whole.wrong_by_slice))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        dsc=lowest,
        case=case_id,
        prediction=comparison.prediction.array[number],
        reference=comparison.reference.array[number],
        spacing_mm=comparison.reference.geometry.spacing_mm[1:],
        slice=number,
    )


def weigh(name: str, size: Size) -> Row:
    """Count the weights and the operations for a slice, of the network that is trained and of its preset's."""
    result: Row = {}
    own = settings(name, size, 0)
    for kind, config in (("trained", own), ("preset", PRESETS[name])):
        network = build_network(config.network).eval()
        slices = torch.zeros(1, config.network.in_channels, *config.preprocess.size)
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network(slices)
        result |= {
            f"{kind}_weights": sum(each.numel() for each in network.parameters()),
            f"{kind}_gflop": counter.get_total_flops() / 1e9,
            f"{kind}_pixels": config.preprocess.size,
        }
    return result


def cost(model_folder: Path, engine: str, slices: int = 24, batch: int = 4) -> Row:
    """Measure an engine's CPU time for a slice and its memory beyond the program's, on one thread, in a new process."""
    model = load_model(str(model_folder))
    before = own_peak_mb()
    opened = open_engine(model, engine, "cpu", 1)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (batch, model.preprocess.channels, *model.preprocess.size)).astype(np.float32)
    opened.probabilities(images)
    started = time.process_time()
    for _ in range(slices // batch):
        opened.probabilities(images)
    cpu_ms = (time.process_time() - started) / (slices // batch * batch) * 1e3
    return {"cpu_ms": cpu_ms, "memory_mb": own_peak_mb() - before}
