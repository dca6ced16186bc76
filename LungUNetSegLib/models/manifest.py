"""Defines ``manifest.json``, which describes a model: network, structures, files, training and scores."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import from_json, parse_json, to_json
from LungUNetSegLib.errors import ConfigError, ModelError
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.segments import Segment

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One file of a model.

    Attributes:
        file: Name in the manifest's folder.
        sha256: Of its bytes, in hexadecimal.
    """

    file: str
    sha256: str

    def __post_init__(self) -> None:
        # A manifest may come from others: it must not point to other files of the user.
        if Path(self.file).name != self.file:
            raise ConfigError(f"A model's file lies in the manifest's own folder, got {self.file!r}.")


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """The files that the engines read.

    Attributes:
        onnx: The graph, for ONNX Runtime and OpenVINO; its numbers lie in the `torch` file.
        torch: The weights by name, in safetensors.
        int8: A graph with 8-bit weights of its own, for processors that compute it exactly; None without one.
    """

    onnx: ModelFile
    torch: ModelFile
    int8: ModelFile | None = None


@dataclass(frozen=True, kw_only=True)
class CoarsePart:
    """The coarse network, which sees the whole scan first.

    Attributes:
        network: The 3D U-Net's settings, as JSON.
        files: Its graph and weights.
    """

    network: dict[str, Any]
    files: ModelFiles


@dataclass(frozen=True, kw_only=True)
class TrainingCase:
    """Training scans of one collection, with the attribution that their licence requires."""

    collection: str
    cases: tuple[str, ...]
    licence: str
    citation: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a model was trained.

    Attributes:
        cases: Its training cases.
        commands: The commands that reproduce it.
        config: Settings of the training run.
    """

    cases: tuple[TrainingCase, ...] = ()
    commands: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The contents of ``manifest.json``.

    Attributes:
        name: Display name, also for ``--model``.
        description: A sentence.
        date: Date of the model, as YYYY-MM-DD.
        licence: Licence of the weights.
        preprocess: The grid and intensities that the network expects.
        network: The architecture's name and settings, as JSON; a U-Net's where there is no name.
        structures: The structures of the network's channels, in order; the lungs if absent, as in older manifests.
        files: The weights in each engine's form.
        coarse: The coarse network, for models whose preprocessing has a coarse view.
        training: How it was trained.
        scores: Its scores, by the model card's names.
    """

    name: str
    description: str
    date: str
    licence: str = "CC BY 4.0"
    preprocess: PreprocessConfig
    network: dict[str, Any]
    structures: tuple[Segment, ...] = ()
    files: ModelFiles
    coarse: CoarsePart | None = None
    training: Training = Training()
    scores: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = [structure.label for structure in self.structures]
        if len(set(labels)) < len(labels) or not all(0 < label < 256 for label in labels):
            raise ConfigError(f"A model's structures need different labels from 1 to 255, got {labels}.")


def read_manifest(path: Path) -> Manifest:
    """Read and check a ``manifest.json``.

    Raises:
        ModelError: It is not JSON, or has unknown or missing entries.
    """
    try:
        return from_json(Manifest, parse_json(path.read_text("utf-8")), str(path))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as a model's manifest: {error}.") from error
    except ConfigError as error:
        raise ModelError(f"{error} Choose the manifest of a model that `lungunetseg export` made.") from error


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a ``manifest.json``."""
    path.write_text(json.dumps(to_json(manifest), indent=2) + "\n", "utf-8")
