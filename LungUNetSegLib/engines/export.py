"""From a training checkpoint to a model that every engine can run.

What is shipped is the network without its batch normalisations: in use each is a fixed scale and shift, which the
convolution before it takes over (exactly, but for rounding). So one copy of the weights serves the ONNX graph, which
refers to their places in the safetensors file, and the torch engine, which reads them by name.
"""

from __future__ import annotations

import datetime
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.errors import INSTALL_TRAIN, MissingDependencyError, ModelError, WriteError
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.models.checkpoint import NetworkState, read_checkpoint
from LungUNetSegLib.models.model import (
    MANIFEST_FILE,
    Manifest,
    Model,
    ModelFile,
    ModelFiles,
    Training,
    load_model,
    sha256_of,
    write_manifest,
)
from LungUNetSegLib.models.safetensors import TensorPlace, write_weights
from LungUNetSegLib.networks import build_network
from LungUNetSegLib.preprocessing import PreprocessConfig

ONNX_FILE = "network.onnx"
WEIGHTS_FILE = "weights.safetensors"
OPSET = 18

PROBABILITY_TOLERANCE = 1e-5
"""By how much an exported model's probabilities may differ from the checkpoint's."""


def export(
    checkpoint_path: Path,
    folder: Path,
    name: str,
    *,
    description: str = "",
    date: str | None = None,
    training: Training | None = None,
    scores: Mapping[str, Any] | None = None,
) -> Model:
    """Write a checkpoint as a model folder, and check that its probabilities are the checkpoint's.

    Args:
        checkpoint_path: From `lungunetseg train`.
        folder: Made if absent; the model's files in it are replaced, by a whole model that was checked.
        name: The model's name.
        description: A sentence for people.
        date: When it was made, as YYYY-MM-DD; today when None.
        training: How it was made, for the manifest.
        scores: What it reached, for the manifest.

    Returns:
        The model, loaded from `folder`.

    Raises:
        ModelError: The checkpoint cannot be used, or the exported model differs from it.
        WriteError: The folder cannot be written.
        MissingDependencyError: onnx or onnxscript is not installed.
    """
    # First, since torch's exporter may load it too, and would let it report its use.
    import_package("onnxruntime", "ONNX Runtime")
    checkpoint = read_checkpoint(checkpoint_path)
    original = _network_of(checkpoint, checkpoint_path)
    network, network_config = fold_batch_norm(original, checkpoint.network)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Written aside and moved: an engine that runs the old model reads its weights from the file itself.
        with draft_folder(folder) as draft:
            tensors = {key: value.numpy() for key, value in network.state_dict().items()}
            places = write_weights(draft / WEIGHTS_FILE, tensors)
            _write_graph(network, checkpoint.preprocess, draft / ONNX_FILE, places)
            files = {key: ModelFile(file=file, sha256=sha256_of(draft / file)) for key, file in _FILES.items()}
            manifest = Manifest(
                name=name,
                description=description,
                date=date or datetime.date.today().isoformat(),
                preprocess=checkpoint.preprocess,
                network=network_config,
                files=ModelFiles(**files),
                training=training or Training(),
                scores=dict(scores or {}),
            )
            write_manifest(manifest, draft / MANIFEST_FILE)
            _check_equal(load_model(draft), original)
            for file in (*_FILES.values(), MANIFEST_FILE):
                (draft / file).replace(folder / file)
    except OSError as error:
        raise WriteError(f"The model cannot be written to {folder}: {error}.") from error
    return load_model(folder)


def fold_batch_norm(network: nn.Module, config: Mapping[str, Any]) -> tuple[nn.Module, dict[str, Any]]:
    """Return an equal network without batch normalisation, and its configuration; others are returned as they are."""
    if config.get("normalisation", "batch") != "batch":
        return network, dict(config)
    folded_config = {**config, "normalisation": "none"}
    folded = build_network(folded_config).eval()
    state = dict(network.state_dict())
    for prefix, block in network.named_modules():
        if not isinstance(block, nn.Sequential):
            continue
        for index, (layer, following) in enumerate(zip(block, list(block)[1:], strict=False)):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(layer.eval(), following.eval())
                state |= {f"{prefix}.{index}.{key}": value for key, value in fused.state_dict().items()}
    folded.load_state_dict({key: state[key] for key in folded.state_dict()})
    return folded, folded_config


_FILES = {"onnx": ONNX_FILE, "torch": WEIGHTS_FILE}


class _Probabilities(nn.Module):
    """The network with the sigmoid that its loss applies in training."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, slices: Tensor) -> Tensor:
        logits: Tensor = self.network(slices)
        return logits.sigmoid()


def _network_of(checkpoint: NetworkState, path: Path) -> nn.Module:
    network = build_network(checkpoint.network)
    try:
        network.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise ModelError(f"The weights in {path} do not fit the network it names: {error}") from error
    return network.eval()


def _write_graph(
    network: nn.Module, preprocess: PreprocessConfig, path: Path, places: Mapping[str, TensorPlace]
) -> None:
    """Write the ONNX graph with a free batch size, its weights left in the safetensors file."""
    try:
        import onnx
        import onnxscript  # noqa: F401  # what torch.onnx translates with
        from onnx.external_data_helper import set_external_data
    except ImportError as error:
        message = f"Export needs {error.name}, which is not installed: {INSTALL_TRAIN}."
        raise MissingDependencyError(message) from error
    example = torch.zeros(2, preprocess.channels, *preprocess.size)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it lists the packages it could translate, were they here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own use of torch
        program = torch.onnx.export(
            _Probabilities(network).eval(),
            (example,),
            input_names=["slices"],
            output_names=["probabilities"],
            dynamic_shapes={"slices": {0: "batch"}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    for tensor in model.graph.initializer:
        place = places.get(tensor.name.removeprefix("network."))
        if place is not None:
            set_external_data(tensor, WEIGHTS_FILE, place.offset, place.length)
            tensor.ClearField("raw_data")
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del item.metadata_props[:]  # the exporter notes source files and lines of whoever exports
    onnx.save(model, path)


def _check_equal(model: Model, original: nn.Module) -> None:
    shape = (2, model.preprocess.channels, *model.preprocess.size)
    slices = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    with torch.inference_mode():
        expected = original(torch.from_numpy(slices)).sigmoid().numpy()
    difference = float(np.abs(OnnxRuntimeEngine(model).probabilities(slices) - expected).max())
    if difference > PROBABILITY_TOLERANCE:
        raise ModelError(
            f"The exported model differs from its checkpoint by {difference:.1e} in probability, more than "
            f"{PROBABILITY_TOLERANCE}; it was not kept."
        )
