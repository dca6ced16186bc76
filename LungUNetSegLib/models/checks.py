"""Checks that a model's files are those that its manifest describes, and belong together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.manifest import ModelFiles
from LungUNetSegLib.models.onnx_graph import Shape, read_graph
from LungUNetSegLib.models.safetensors import TensorPlace, read_places


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_files(name: str, folder: Path, files: ModelFiles) -> None:
    """Refuse a network whose files are missing or were changed.

    Raises:
        ModelError: Names the file.
    """
    for entry in (files.onnx, files.torch):
        path = folder / entry.file
        if not path.is_file():
            raise ModelError(f"The model {name!r} lacks {path}: get it again, or export it again.")
        if sha256_of(path) != entry.sha256:
            raise ModelError(
                f"{path} is not the file that the model's manifest describes (its SHA-256 differs): it was changed "
                "or damaged. Get it again, or export it again."
            )


def check_graph(onnx: Path, weights: Path, *, takes: Shape, gives: Shape) -> None:
    """Refuse a graph that does not belong to the weights or the manifest beside it: all engines compute the same.

    Args:
        onnx: The graph.
        weights: The safetensors file to which the graph refers.
        takes: Size of its input by the manifest; None where any size will do.
        gives: Likewise of its output.

    Raises:
        ModelError: The graph's input or output sizes differ from the manifest's, or it reads weights at offsets where
            the weights' file has others.
    """
    graph, places = read_graph(onnx), read_places(weights)
    where = f"{onnx} does not belong to this model"
    for shape, expected, does in ((graph.input, takes, "takes"), (graph.output, gives, "gives")):
        if not _agree(shape, expected):
            raise ModelError(f"{where}: it {does} {_sizes(shape)}, and the manifest says {_sizes(expected)}.")
    for tensor in graph.weights:
        place = places.get(tensor.name.removeprefix("network."))
        if tensor.file != weights.name or place != TensorPlace(tensor.shape, tensor.offset, tensor.length):
            raise ModelError(
                f"{where}: it has its weight {tensor.name!r} at byte {tensor.offset} of {tensor.file}, where "
                f"{weights.name} has no such weight. Get the model again, or export it again."
            )


def _agree(shape: Shape, expected: Shape) -> bool:
    """Whether two shapes are compatible; an open size matches any size."""
    pairs = zip(shape, expected, strict=False)
    return len(shape) == len(expected) and all(None in pair or pair[0] == pair[1] for pair in pairs)


def _sizes(shape: Sequence[object]) -> str:
    return " x ".join("any" if each is None else str(each) for each in shape)
