"""Finding a model, checking that it is unchanged, and knowing what it is.

A model is a folder with ``manifest.json``, ``network.onnx`` (the graph) and ``weights.safetensors`` (the numbers, to
which the graph refers: there is one copy of them for all engines). A training checkpoint serves too, with torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.manifest import MANIFEST_FILE, Manifest, read_manifest
from LungUNetSegLib.models.onnx_graph import Shape, read_graph
from LungUNetSegLib.models.safetensors import TensorPlace, read_places
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS, Segment, lungs_of

DEFAULT_MODEL = "lungs"
CHECKPOINT_SUFFIXES = (".pt", ".pth")
SHIPPED_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A network with its weights, checked and ready for an engine to load.

    Attributes:
        name: The manifest's, or the checkpoint's file name.
        sha256: Of the weights, in hexadecimal: what identifies the model in a report.
        preprocess: The grid and intensities that the network expects.
        network: The architecture's name and settings, as JSON; a U-Net's where there is no name.
        weights: Path of the safetensors file or checkpoint.
        structures: What the network's channels stand for, in their order; the lungs where none are given.
        onnx: Path of the ONNX graph; None for a checkpoint.
        manifest: None for a checkpoint.
    """

    name: str
    sha256: str
    preprocess: PreprocessConfig
    network: dict[str, Any]
    weights: Path
    structures: tuple[Segment, ...] = ()
    onnx: Path | None = None
    manifest: Manifest | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "structures", self.structures or _lungs(self.network))
        seen, given = self.network.get("in_channels", 1), self.preprocess.channels
        said = self.network.get("out_channels", 1)
        if seen != given or not self.structures or said != len(self.structures):
            raise ModelError(
                f"The network of {self.name!r} maps {seen} channels to {said}; its preprocessing gives {given}, and "
                f"its structures are {', '.join(each.name for each in self.structures) or 'not named'}. A lung model "
                "has 2 (right and left lung) or 1 (both as one)."
            )

    @property
    def channels(self) -> int:
        """Of its probabilities; one for each structure."""
        return len(self.structures)

    @property
    def finds_lungs(self) -> bool:
        """Whether its structures are right and left lung in this order, or both lungs as one."""
        found = tuple(structure.segment_id for structure in self.structures)
        return found in [tuple(each.segment_id for each in lungs) for lungs in (LUNGS, BOTH_LUNGS)]


def shipped_models() -> list[str]:
    """Names of the models that come with this package."""
    return sorted(path.parent.name for path in SHIPPED_FOLDER.glob(f"*/{MANIFEST_FILE}"))


def load_model(name_or_path: str | Path = DEFAULT_MODEL) -> Model:
    """Find a model and check its files; no engine is started.

    Args:
        name_or_path: A shipped model's name, a model's folder or ``manifest.json``, or a training checkpoint.

    Raises:
        ModelError: There is no such model, its manifest is not one, or a file is missing or changed.
        MissingDependencyError: It is a checkpoint and torch is not installed.
    """
    if str(name_or_path) in shipped_models():
        return _whole(_load_exported(SHIPPED_FOLDER / str(name_or_path) / MANIFEST_FILE))
    path = Path(name_or_path)
    if path.is_dir():
        path = path / MANIFEST_FILE
    if not path.is_file():
        shipped = ", ".join(shipped_models()) or "none"
        raise ModelError(
            f"There is no model {str(name_or_path)!r}: give a shipped name ({shipped}), a model's folder, or a "
            "training checkpoint."
        )
    if path.suffix in CHECKPOINT_SUFFIXES:
        return _load_checkpoint(path)
    if path.suffix != ".json":
        raise ModelError(f"{path} is not a model by itself: give the folder that holds it and its {MANIFEST_FILE}.")
    return _whole(_load_exported(path))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load_exported(manifest_path: Path) -> Model:
    manifest = read_manifest(manifest_path)
    folder = manifest_path.parent
    for entry in (manifest.files.onnx, manifest.files.torch):
        path = folder / entry.file
        if not path.is_file():
            raise ModelError(f"The model {manifest.name!r} lacks {path}: get it again, or export it again.")
        if sha256_of(path) != entry.sha256:
            raise ModelError(
                f"{path} is not the file that the model's manifest describes (its SHA-256 differs): it was changed "
                "or damaged. Get it again, or export it again."
            )
    return Model(
        name=manifest.name,
        sha256=manifest.files.torch.sha256,
        preprocess=manifest.preprocess,
        network=manifest.network,
        structures=manifest.structures,
        weights=folder / manifest.files.torch.file,
        onnx=folder / manifest.files.onnx.file,
        manifest=manifest,
    )


def _whole(model: Model) -> Model:
    """Return an exported model whose parts belong together: what one engine computes, another must.

    Raises:
        ModelError: The graph takes or gives other sizes than the manifest says, or reads its weights where the weights'
            own file has others.
    """
    assert model.onnx is not None
    graph, places = read_graph(model.onnx), read_places(model.weights)
    where = f"{model.onnx} does not belong to this model"
    seen, said = ((None, channels, *model.preprocess.size) for channels in (model.preprocess.channels, model.channels))
    for shape, expected, does in ((graph.input, seen, "takes"), (graph.output, said, "gives")):
        if not _agree(shape, expected):
            raise ModelError(f"{where}: it {does} {_sizes(shape)}, and the manifest says {_sizes(expected)}.")
    for tensor in graph.weights:
        place = places.get(tensor.name.removeprefix("network."))
        if tensor.file != model.weights.name or place != TensorPlace(tensor.shape, tensor.offset, tensor.length):
            raise ModelError(
                f"{where}: it has its weight {tensor.name!r} at byte {tensor.offset} of {tensor.file}, where "
                f"{model.weights.name} has no such weight. Get the model again, or export it again."
            )
    return model


def _agree(shape: Shape, expected: Shape) -> bool:
    """Whether two shapes may be the same; a size that one leaves open is any size."""
    pairs = zip(shape, expected, strict=False)
    return len(shape) == len(expected) and all(None in pair or pair[0] == pair[1] for pair in pairs)


def _sizes(shape: Sequence[object]) -> str:
    return " x ".join("any" if each is None else str(each) for each in shape)


def _load_checkpoint(path: Path) -> Model:
    from LungUNetSegLib.models.checkpoint import read_checkpoint  # needs torch

    checkpoint = read_checkpoint(path)
    return Model(
        name=path.stem,
        sha256=sha256_of(path),
        preprocess=checkpoint.preprocess,
        network=checkpoint.network,
        weights=path,
    )


def _lungs(network: Mapping[str, Any]) -> tuple[Segment, ...]:
    channels = network.get("out_channels", 1)
    return lungs_of(channels) if isinstance(channels, int) else ()
