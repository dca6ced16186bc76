"""Exports a training checkpoint as a model that every engine can run.

The exported network has no batch normalisation: in inference each is a fixed scale and shift, which is folded into the
convolution before it (exactly, except for rounding). So one copy of the weights serves both the ONNX graph, which
refers to their offsets in the safetensors file, and the torch engine, which reads them by name.
"""

from __future__ import annotations

import datetime
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.errors import INSTALL_TRAIN, MissingDependencyError, ModelError, WriteError
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.models.checkpoint import NetworkState, read_checkpoint
from LungUNetSegLib.models.checks import sha256_of
from LungUNetSegLib.models.manifest import (
    MANIFEST_FILE,
    CoarsePart,
    Manifest,
    ModelFile,
    ModelFiles,
    Training,
    TrainingCase,
    write_manifest,
)
from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.models.safetensors import TensorPlace, write_weights
from LungUNetSegLib.networks import Probabilities, build_coarse_network, build_network, read_network_config
from LungUNetSegLib.networks.folding import fold_batch_norm
from LungUNetSegLib.networks.unet3d import CoarseProbabilities, StandardisedConv3d
from LungUNetSegLib.preprocessing.coarse import SIZE_MULTIPLE
from LungUNetSegLib.segments import lungs_of

FILES = {"onnx": "network.onnx", "torch": "weights.safetensors"}
COARSE_FILES = {"onnx": "coarse.onnx", "torch": "coarse.safetensors"}
"""Names of the files by the fields of `ModelFiles`."""

OPSET = 18

PROBABILITY_TOLERANCE = 1e-5
"""Largest difference of an exported model's probabilities from the checkpoint's."""

JUMP_TRIES = 5
"""Random inputs of which one must keep the tolerance, where values may move by a pixel: they did in 3 of 16 inputs."""


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
        folder: Created if missing; the model's files in it are replaced after the new model was checked.
        name: The model's name.
        description: A sentence for people.
        date: Date of the model, as YYYY-MM-DD; today if None.
        training: How it was trained, for the manifest; if None, the checkpoint's training cases.
        scores: Its scores, for the manifest.

    Returns:
        The model, loaded from `folder`.

    Raises:
        ModelError: The checkpoint cannot be used, or the exported model differs from it.
        WriteError: The folder cannot be written.
        MissingDependencyError: onnx or onnxscript is not installed.
    """
    # First, because torch's exporter may load it too, without switching off its telemetry.
    import_package("onnxruntime", "ONNX Runtime")
    checkpoint = read_checkpoint(checkpoint_path)
    where = f"The weights in {checkpoint_path}"
    original = _loaded(build_network(checkpoint.network), checkpoint.weights, where)
    network, network_config = fold_batch_norm(original, checkpoint.network)
    if "encoder_weights" in network_config:  # a path on the machine of the training, of no use elsewhere
        network_config["encoder_weights"] = ""
    coarse_network = None
    if checkpoint.coarse_network is not None:
        coarse_network = _loaded(
            build_coarse_network(checkpoint.coarse_network), checkpoint.coarse_weights or {}, where
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Written elsewhere and moved: an engine that runs the old model still reads its weights from the file.
        with draft_folder(folder) as draft:
            example = torch.zeros(2, checkpoint.preprocess.channels, *checkpoint.preprocess.size)
            files = _write_network(Probabilities(network, network_config).eval(), draft, FILES, example, 0)
            coarse = None if coarse_network is None else _write_coarse(coarse_network, checkpoint, draft)
            manifest = Manifest(
                name=name,
                description=description,
                date=date or datetime.date.today().isoformat(),
                preprocess=checkpoint.preprocess,
                network=network_config,
                structures=lungs_of(network_config["out_channels"]),
                files=files,
                coarse=coarse,
                training=training or _own_training(checkpoint.learnt),
                scores=dict(scores or {}),
            )
            write_manifest(manifest, draft / MANIFEST_FILE)
            model = load_model(draft)
            _check_equal(model, Probabilities(original, network_config).eval())
            if model.coarse is not None and coarse_network is not None:
                _check_equal(model.coarse, CoarseProbabilities(coarse_network).eval())
            for file in (*FILES.values(), *(COARSE_FILES.values() if coarse else ()), MANIFEST_FILE):
                (draft / file).replace(folder / file)
    except OSError as error:
        raise WriteError(f"The model cannot be written to {folder}: {error}.") from error
    return load_model(folder)


def _own_training(cases: tuple[str, ...]) -> Training:
    """Return the user's own cases as a manifest names them, so that nobody tests on them later."""
    own = TrainingCase(collection="own", cases=cases, licence="the user's own", citation="")
    return Training(cases=(own,) if cases else ())


def standardise(network: nn.Module, config: Mapping[str, Any]) -> nn.Module:
    """Return an equivalent coarse network whose convolutions store their standardised weights.

    Args:
        network: With `StandardisedConv3d`, or already without.
        config: Settings of the returned network.
    """
    plain = build_coarse_network(config).eval()
    state = dict(network.state_dict())
    for prefix, layer in network.named_modules():
        if isinstance(layer, StandardisedConv3d):
            state[f"{prefix}.weight"] = layer.standardised().detach()
    plain.load_state_dict({key: state[key] for key in plain.state_dict()})
    return plain


def _loaded(network: nn.Module, weights: Mapping[str, Any], where: str) -> nn.Module:
    """Return a network with its weights.

    Raises:
        ModelError: The weights are another network's.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"{where} do not fit the network it names: {error}") from error
    return network.eval()


def _write_coarse(network: nn.Module, checkpoint: NetworkState, folder: Path) -> CoarsePart:
    """Write weights and graph of the coarse network."""
    config = {**(checkpoint.coarse_network or {}), "normalisation": "none"}
    example = torch.zeros(1, 1, 2 * SIZE_MULTIPLE, *checkpoint.preprocess.coarse_size)
    plain = CoarseProbabilities(standardise(network, config)).eval()
    return CoarsePart(network=config, files=_write_network(plain, folder, COARSE_FILES, example, 2))


def _write_network(
    probabilities: nn.Module, folder: Path, names: Mapping[str, str], example: Tensor, free_axis: int
) -> ModelFiles:
    """Write weights and graph; the size of the input's `free_axis` is not fixed."""
    state = probabilities.get_submodule("network").state_dict().items()
    # Batch normalisation's integer count of batches is not needed.
    tensors = {key: value.numpy() for key, value in state if value.is_floating_point()}
    places = write_weights(folder / names["torch"], tensors)
    model = _graph_of(probabilities, example, free_axis)
    _refer_to(names["torch"], model, tensors, places)
    (folder / names["onnx"]).write_bytes(model.SerializeToString())
    files = {key: ModelFile(file=file, sha256=sha256_of(folder / file)) for key, file in names.items()}
    return ModelFiles(**files)


def _graph_of(probabilities: nn.Module, example: Tensor, free_axis: int) -> Any:
    """Return the network as an `onnx.ModelProto`; the size of the input's `free_axis` is not fixed.

    Raises:
        MissingDependencyError: onnx or onnxscript is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401  # torch.onnx needs both
    except ImportError as error:
        message = f"Export needs {error.name}, which is not installed: {INSTALL_TRAIN}."
        raise MissingDependencyError(message) from error
    free = torch.export.Dim("batch") if free_axis == 0 else SIZE_MULTIPLE * torch.export.Dim("eighths", max=64)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it lists missing optional packages
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns of its own use of torch
        program = torch.onnx.export(
            probabilities,
            (example,),
            input_names=["slices"],
            output_names=["probabilities"],
            dynamic_shapes={"slices": {free_axis: free}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto  # made anew each time
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del item.metadata_props[:]  # the exporter stores source files and lines of the exporting machine
    return model


def _refer_to(
    weights_file: str,
    model: Any,
    tensors: Mapping[str, npt.NDArray[np.float32]],
    places: Mapping[str, TensorPlace],
) -> None:
    """Replace the weights in an `onnx.ModelProto` by their places in the safetensors file."""
    from onnx.external_data_helper import set_external_data

    for tensor in model.graph.initializer:
        name = tensor.name.removeprefix("network.")
        place = places.get(name)
        # The exporter may change a weight and keep its name, for a normalisation that only it can fold.
        if place is not None and tensor.raw_data == tensors[name].tobytes():
            set_external_data(tensor, weights_file, place.offset, place.length)
            tensor.ClearField("raw_data")


def _check_equal(model: Model, original: nn.Module) -> None:
    shape = (1 if model.is_coarse else 2, *(3 * SIZE_MULTIPLE if size < 0 else size for size in model.input_shape))
    jumps = not model.is_coarse and read_network_config(model.network).jumps
    engine, difference = OnnxRuntimeEngine(model), float("inf")
    for seed in range(JUMP_TRIES if jumps else 1):
        slices = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
        with torch.inference_mode():
            expected = original(torch.from_numpy(slices)).numpy()
        difference = min(difference, float(np.abs(engine.probabilities(slices) - expected).max()))
        if difference <= PROBABILITY_TOLERANCE:
            return
    raise ModelError(
        f"The exported model differs from its checkpoint by {difference:.1e} in probability, more than "
        f"{PROBABILITY_TOLERANCE}; it was not kept."
    )
