"""Finds a model, checks that it is unchanged, and describes it.

A model is a folder with ``manifest.json``, ``network.onnx`` (the graph) and ``weights.safetensors`` (the numbers, to
which the graph refers: there is one copy of them for all engines). A training checkpoint serves too, with torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.machine import data_folder
from LungUNetSegLib.models.checks import check_files, check_graph, sha256_of
from LungUNetSegLib.models.manifest import MANIFEST_FILE, Manifest, read_manifest
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS, Segment, lungs_of

DEFAULT_MODEL = "lungs"
CHECKPOINT_SUFFIXES = (".pt", ".pth")
SHIPPED_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class Int8Graph:
    """A graph with 8-bit weights.

    Attributes:
        path: Of the ONNX file.
        sha256: What the manifest says of its bytes.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A network with its weights, checked and ready for an engine to load.

    Attributes:
        name: The manifest's, or the checkpoint's file name.
        sha256: Hash of the weights, in hexadecimal, which identifies the model in reports.
        preprocess: The grid and intensities that the network expects.
        network: The architecture's name and settings, as JSON; a U-Net's where there is no name.
        weights: Path of the safetensors file or checkpoint.
        structures: The structures of the network's channels, in order; the lungs if none are given.
        onnx: Path of the ONNX graph; None for a checkpoint.
        int8: The 8-bit graph and its hash, which are checked when it is opened: without it, a model is whole.
        manifest: None for a checkpoint.
        is_coarse: Whether this is a coarse network, which sees the whole scan first.
        coarse: The coarse network, as a model of its own that engines load in the same way; None without one.
    """

    name: str
    sha256: str
    preprocess: PreprocessConfig
    network: dict[str, Any]
    weights: Path
    structures: tuple[Segment, ...] = ()
    onnx: Path | None = None
    int8: Int8Graph | None = None
    manifest: Manifest | None = None
    is_coarse: bool = False
    coarse: Model | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "structures", self.structures or _lungs(self.network))
        if self.is_coarse:
            return
        if bool(self.preprocess.coarse_mm) != (self.coarse is not None):
            raise ModelError(f"{self.name!r} has a coarse view but no coarse network, or the reverse.")
        inputs, given = self.network.get("in_channels", 1), self.preprocess.channels
        outputs = self.network.get("out_channels", 1)
        if inputs != given or not self.structures or outputs != len(self.structures):
            raise ModelError(
                f"The network of {self.name!r} maps {inputs} channels to {outputs}; its preprocessing gives {given}, "
                f"and its structures are {', '.join(each.name for each in self.structures) or 'not named'}. A lung "
                "model has 2 (right and left lung) or 1 (both as one)."
            )

    @property
    def channels(self) -> int:
        """Number of channels of its probabilities; one for each structure."""
        return len(self.structures)

    @property
    def finds_lungs(self) -> bool:
        """Whether its structures are the right and left lung, in this order, or both lungs as one."""
        found = tuple(structure.segment_id for structure in self.structures)
        return found in [tuple(each.segment_id for each in lungs) for lungs in (LUNGS, BOTH_LUNGS)]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch; -1 is a dynamic size."""
        if self.is_coarse:
            return (1, -1, *self.preprocess.coarse_size)
        return (self.preprocess.channels, *self.preprocess.size)


def shipped_models() -> list[str]:
    """Return the names of the models that come with this package."""
    return sorted(path.parent.name for path in SHIPPED_FOLDER.glob(f"*/{MANIFEST_FILE}"))


def own_models() -> list[str]:
    """Return the names of the user's own models, of `finetune` and `export`; a shipped name is never one."""
    shipped = shipped_models()
    names = (path.parent.name for path in _own_folder().glob(f"*/{MANIFEST_FILE}"))
    return sorted(name for name in names if name not in shipped)


def own_model_folder(name: str) -> Path:
    """Return where a new model of the user's own is written.

    Raises:
        ModelError: The name is no folder's name, or another model has it.
    """
    if Path(name).name != name or name.startswith("."):
        raise ModelError(
            f"A model cannot be called {name!r}: give a name without slashes and without a dot at its start."
        )
    folder = _own_folder() / name
    if name in own_models():
        raise ModelError(f"There is already a model {name!r} in {folder}: give the new one another name.")
    if name in shipped_models():
        raise ModelError(f"There is already a model {name!r}: give the new one another name.")
    return folder


def load_model(name_or_path: str | Path = DEFAULT_MODEL) -> Model:
    """Find a model and check its files; no engine is started.

    Args:
        name_or_path: The name of a shipped or own model, a model's folder or ``manifest.json``, or a checkpoint.

    Raises:
        ModelError: There is no such model, its manifest is invalid, or a file is missing or changed.
        MissingDependencyError: It is a checkpoint and torch is not installed.
    """
    if str(name_or_path) in shipped_models():
        return _load_exported(SHIPPED_FOLDER / str(name_or_path) / MANIFEST_FILE)
    path = Path(name_or_path)
    if str(name_or_path) in own_models():
        path = _own_folder() / path
    if path.is_dir():
        path = path / MANIFEST_FILE
    if not path.is_file():
        known = ", ".join([*shipped_models(), *own_models()]) or "none"
        raise ModelError(
            f"There is no model {str(name_or_path)!r}: give a name ({known}), a model's folder, or a "
            "training checkpoint."
        )
    if path.suffix in CHECKPOINT_SUFFIXES:
        return _load_checkpoint(path)
    if path.suffix != ".json":
        raise ModelError(f"{path} is not a model by itself: give the folder that holds it and its {MANIFEST_FILE}.")
    return _load_exported(path)


def _own_folder() -> Path:
    return data_folder() / "models"


def _load_exported(manifest_path: Path) -> Model:
    manifest = read_manifest(manifest_path)
    folder, int8 = manifest_path.parent, manifest.files.int8
    check_files(manifest.name, folder, manifest.files)
    coarse = None
    if manifest.coarse is not None:
        check_files(manifest.name, folder, manifest.coarse.files)
        files = manifest.coarse.files
        coarse = Model(
            name=manifest.name,
            sha256=files.torch.sha256,
            preprocess=manifest.preprocess,
            network=manifest.coarse.network,
            weights=folder / files.torch.file,
            structures=LUNGS,
            onnx=folder / files.onnx.file,
            is_coarse=True,
        )
        _check_whole(coarse)
    model = Model(
        name=manifest.name,
        sha256=manifest.files.torch.sha256,
        preprocess=manifest.preprocess,
        network=manifest.network,
        structures=manifest.structures,
        weights=folder / manifest.files.torch.file,
        onnx=folder / manifest.files.onnx.file,
        int8=Int8Graph(path=folder / int8.file, sha256=int8.sha256) if int8 else None,
        manifest=manifest,
        coarse=coarse,
    )
    _check_whole(model)
    return model


def _check_whole(model: Model) -> None:
    """Refuse an exported model whose graph does not belong to its manifest and weights."""
    assert model.onnx is not None
    slices = 1 if model.is_coarse else None  # either a whole scan, or any number of slices
    takes = (slices, *(None if size < 0 else size for size in model.input_shape))
    check_graph(model.onnx, model.weights, takes=takes, gives=(slices, model.channels, *takes[2:]))


def _load_checkpoint(path: Path) -> Model:
    from LungUNetSegLib.models.checkpoint import read_checkpoint  # needs torch

    checkpoint = read_checkpoint(path)
    about: dict[str, Any] = {
        "name": path.stem,
        "sha256": sha256_of(path),
        "preprocess": checkpoint.preprocess,
        "weights": path,
    }
    coarse = None
    if checkpoint.coarse_network is not None:
        coarse = Model(network=checkpoint.coarse_network, structures=LUNGS, is_coarse=True, **about)
    return Model(network=checkpoint.network, coarse=coarse, **about)


def _lungs(network: Mapping[str, Any]) -> tuple[Segment, ...]:
    channels = network.get("out_channels", 1)
    return lungs_of(channels) if isinstance(channels, int) else ()
