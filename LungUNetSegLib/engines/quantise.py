"""Adds a graph with 8-bit weights and activations to an exported model, which ONNX Runtime runs two times faster.

Ranges of activations are those of calibration slices. Weights get a scale for each channel, activations one for each
tensor and no sign, which is what processors multiply. The values of a convolution are rounded once, when the negative
ones are 0. The first convolution and the last stay in float32: the first would see HU in steps of 5, and the values of
the last decide where a lung ends; they are cheap.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.engines.int8_arithmetic import is_int8_exact
from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.engines.quantisable import quantisable
from LungUNetSegLib.errors import INSTALL_TRAIN, EngineError, MissingDependencyError, ModelError, WriteError
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.models.checks import sha256_of
from LungUNetSegLib.models.manifest import MANIFEST_FILE, ModelFile, write_manifest
from LungUNetSegLib.models.model import Int8Graph, Model, load_model

INT8_FILE = "network.int8.onnx"
OPERATIONS = ("Conv", "ConvTranspose", "Reshape", "Transpose", "Relu", "MaxPool", "Concat")

LEAST_AGREEMENT = 0.999
"""Least Dice coefficient of each structure, over all calibration slices, with the float32 graph. The shipped network
reaches 0.9995; sums that saturate, or ranges of other scans, cost far more."""


def quantise(model: Model, slices: Sequence[Float32]) -> Model:
    """Write an 8-bit graph into an exported model's folder, and compare it with the float32 graph.

    Args:
        model: Exported; its folder gets `INT8_FILE` and a new manifest.
        slices: (k, h, w) inputs of the network from scans it was trained on, about 200, with and without lung.

    Returns:
        The model with the 8-bit graph.

    Raises:
        ModelError: There is nothing to calibrate with, or the 8-bit graph differs too much; nothing is written.
        EngineError: This processor does not compute 8-bit graphs exactly, so the graph cannot be judged here.
        WriteError: The folder cannot be written.
        MissingDependencyError: onnx is not installed.
    """
    if model.manifest is None or model.onnx is None:
        raise ModelError(f"{model.name!r} is a checkpoint: export it first, and quantise the exported model.")
    if not slices:
        raise ModelError("There are no slices to calibrate the 8-bit graph with.")
    if not is_int8_exact():
        raise EngineError(
            "ONNX Runtime's sums of 8-bit products saturate on this processor (it has no VNNI), so that an 8-bit graph "
            "cannot be judged here: quantise the model on another machine."
        )
    folder = model.onnx.parent
    try:
        with draft_folder(folder) as draft:
            path = draft / INT8_FILE
            _write_int8_graph(model, slices, path)
            file = ModelFile(file=INT8_FILE, sha256=sha256_of(path))
            candidate = dataclasses.replace(model, int8=Int8Graph(path=path, sha256=file.sha256))
            _check_agreement(candidate, slices)
            files = dataclasses.replace(model.manifest.files, int8=file)
            write_manifest(dataclasses.replace(model.manifest, files=files), draft / MANIFEST_FILE)
            for name in (INT8_FILE, MANIFEST_FILE):
                (draft / name).replace(folder / name)
    except OSError as error:
        raise WriteError(f"The 8-bit graph cannot be written to {folder}: {error}.") from error
    return load_model(folder)


def agreement(first: Iterator[Float32], second: Iterator[Float32]) -> npt.NDArray[np.float64]:
    """Return the Dice coefficient of each channel's masks in two runs over the same slices; 1 where both are empty.

    Args:
        first: (c, h, w) probabilities of one slice after the other.
        second: The same from the other run.
    """
    both, sizes = 0, 0
    for one, other in zip(first, second, strict=True):
        mine, theirs = one >= 0.5, other >= 0.5
        both = both + (mine & theirs).sum(axis=(1, 2))
        sizes = sizes + mine.sum(axis=(1, 2)) + theirs.sum(axis=(1, 2))
    return np.where(np.equal(sizes, 0), 1.0, 2 * np.asarray(both) / np.maximum(sizes, 1))


def _write_int8_graph(model: Model, slices: Sequence[Float32], path: Path) -> None:
    try:
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    except ImportError as error:
        message = f"Quantising needs {error.name}, which is not installed: {INSTALL_TRAIN}."
        raise MissingDependencyError(message) from error

    exported = onnx.load(str(model.onnx))
    graph = onnx.shape_inference.infer_shapes(quantisable(exported))
    convolutions = [node.name for node in graph.graph.node if node.op_type == "Conv"]
    input_name = graph.graph.input[0].name

    class Slices(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
        """Hands out one slice after the other."""

        def __init__(self) -> None:
            self._left = iter(slices)

        def get_next(self) -> dict[str, Float32] | None:
            each = next(self._left, None)
            return None if each is None else {input_name: each[None]}

    logging.getLogger().addFilter(_is_no_advice)
    try:
        quantize_static(
            graph,
            str(path),
            Slices(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATIONS),
            nodes_to_exclude=[convolutions[0], convolutions[-1]],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
    finally:
        logging.getLogger().removeFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Whether a record is not ONNX Runtime's advice to prepare a graph for quantisation, which ours does not need."""
    return "pre-processing before quantization" not in record.getMessage()


def _check_agreement(model: Model, slices: Sequence[Float32]) -> None:
    found = agreement(_run(OnnxRuntimeEngine(model), slices), _run(OnnxRuntimeEngine(model, int8=True), slices))
    if found.min() < LEAST_AGREEMENT:
        names = ", ".join(
            f"{structure.name} {value:.5f}" for structure, value in zip(model.structures, found, strict=True)
        )
        raise ModelError(
            f"The 8-bit graph's masks differ too much from the float32 graph's (Dice coefficients: {names}; at least "
            f"{LEAST_AGREEMENT}); it was not kept."
        )


def _run(engine: OnnxRuntimeEngine, slices: Sequence[Float32]) -> Iterator[Float32]:
    """Yield the (c, h, w) probabilities of each slice."""
    for each in slices:
        yield engine.probabilities(each[None])[0]
