"""Networks of a few hundred weights, and engines that are no networks, for tests of everything around them."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.onnx._internal._lazy_import import onnxscript_apis

from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.engines import OutOfMemoryError
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.networks import NetworkConfig, UNet3d, UNet3dConfig, UNetConfig, build_network
from LungUNetSegLib.preprocessing import PreprocessConfig, normalise, place_grid, prepare
from LungUNetSegLib.training.checkpoint import Checkpoint, save_checkpoint
from LungUNetSegLib.training.coarse import CoarseConfig
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import align

COARSE = PreprocessConfig(spacing_mm=6.0, size=(56, 64), context_mm=15.0)


WITH_VIEW = dataclasses.replace(COARSE, coarse_mm=12.0)
"""The same, with a coarse view of the whole scan."""


read_operators = type(onnxscript_apis).__getattr__
# The exporter parses the sources of all its operators anew for each graph: a second, a third of the time.
onnxscript_apis.get_torchlib_ops = cache(lambda: read_operators(onnxscript_apis, "get_torchlib_ops")())


def kept_folder() -> Path:
    """Return a folder that is kept to the end of the process."""
    folder = Path(tempfile.mkdtemp(prefix="lungunetseg-tests"))
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=0)  # atexit is not run in processes of a pool
    return folder


@cache
def tiny_checkpoint() -> Path:
    """Return a training's checkpoint of a tiny network at random weights."""
    return write_checkpoint(kept_folder() / "best.pt")


@cache
def tiny_model() -> Path:
    """Return the folder of the model that `tiny_checkpoint` is exported to, once in a process: it takes seconds."""
    folder = kept_folder() / "tiny"
    export(tiny_checkpoint(), folder, "tiny", description="Random weights.", date="2026-01-31")
    return folder


@cache
def one_channel_model() -> Path:
    """Return the folder of a model of one channel for both lungs, exported once in a process."""
    folder = kept_folder()
    export(write_checkpoint(folder / "best.pt", out_channels=1), folder / "one", "one")
    return folder / "one"


def write_checkpoint(path: Path, preprocess: PreprocessConfig = COARSE, **network: object) -> Path:
    """Write a checkpoint of a tiny U-Net at random weights, its batch normalisations' statistics not trivial.

    Where the grid has a coarse view, a tiny coarse network is in it too.
    """
    tiny = {"out_channels": 2, "features_per_stage": (4, 8, 8), "stem_stride": 2, "in_channels": preprocess.channels}
    config = UNetConfig(**tiny | network)
    torch.manual_seed(0)
    net = build_network(config).train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(4, preprocess.channels, 32, 32) * 2 + 1)
        net.head.weight *= 5
    return save_network(path, net, config, preprocess)


def save_network(path: Path, network: nn.Module, config: NetworkConfig, preprocess: PreprocessConfig = COARSE) -> Path:
    """Write a network's weights as a training's checkpoint."""
    coarse, coarse_state = None, None
    if preprocess.coarse_mm:
        coarse = CoarseConfig(network=UNet3dConfig(features_per_stage=(4, 8)))
        coarse_net = UNet3d(coarse.network)
        coarse_net.head.weight.data *= 5
        coarse_state = coarse_net.state_dict()
    checkpoint = Checkpoint(
        config=TrainingConfig(preprocess=preprocess, network=config, coarse=coarse),
        epoch=1, network=network.state_dict(), average=None, optimiser={}, scaler={}, history=[],
        split=Split(training=(), test=()), data_digest="", coarse=coarse_state,
    )  # fmt: skip
    save_checkpoint(checkpoint, path)
    return path


class OracleEngine:
    """Knows the answer: gives the reference's fractions on the network's grid for the slices that it recognises.

    Args:
        scan: The scan that will be segmented.
        labels: Its reference, on the same grid.
        preprocess: The network's grid.
    """

    description = "oracle"
    device = "cpu"

    def __init__(self, scan: Volume, labels: Volume, preprocess: PreprocessConfig) -> None:
        hu, grid = prepare(scan, preprocess).hu, place_grid(scan, preprocess)[1]
        self.shown = np.stack([normalise(hu[number], preprocess)[::8, ::8] for number in range(len(hu))])
        sides = [Volume((labels.array == side).astype(np.float32), labels.geometry) for side in (1, 2)]
        self.answer = np.stack([grid.sample(align(side, 0.0).array, 0.0) for side in sides], axis=1)
        self.seen: list[np.ndarray] = []

    @property
    def slices_seen(self) -> np.ndarray:
        """All that it was given, (D, h, w)."""
        seen = np.concatenate(self.seen)
        return seen[:, seen.shape[1] // 2]

    def probabilities(self, slices: np.ndarray) -> np.ndarray:
        """Give the answer for the slices that are most like those in the middle channel."""
        self.seen.append(slices)
        middles = slices[:, slices.shape[1] // 2, ::8, ::8]
        return self.answer[[np.abs(self.shown - each).mean(axis=(1, 2)).argmin() for each in middles]].clip(0, 1)


class FakeEngine:
    """Answers with the slice's own mean; fails as told.

    Args:
        name: Its description.
        room: More slices at once are out of memory.
        fails_at: Number of the call that fails otherwise.
        answer: What it answers instead.
    """

    device = "cpu"

    def __init__(self, name: str, room: int = 99, fails_at: int = 0, answer: float | None = None) -> None:
        self.description, self.room, self.fails_at, self.answer = name, room, fails_at, answer
        self.batches: list[int] = []

    def probabilities(self, slices: np.ndarray) -> np.ndarray:
        """Answer or fail."""
        self.batches.append(len(slices))
        if len(slices) > self.room:
            raise OutOfMemoryError(f"{self.description} ran out of memory.")
        if len(self.batches) == self.fails_at:
            raise EngineError(f"{self.description} failed.")
        value = slices.mean(axis=(1, 2, 3), keepdims=True) if self.answer is None else self.answer
        return np.broadcast_to(value, (len(slices), 2, *slices.shape[2:])).astype(np.float32)
