"""A model that needs no training: lung is what lies between two densities, and the scan's middle parts the sides.

It runs in ONNX Runtime through the whole command line, so that warnings come from where they come in earnest.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

from LungUNetSegLib.config import to_json
from LungUNetSegLib.preprocessing import PreprocessConfig

PREPROCESS = PreprocessConfig(spacing_mm=3.0, size=(112, 144))
LUNG_HU = (-940.0, -500.0)
SHARPNESS = 60.0


def write_window_model(folder: Path, *, sides_swapped: bool = False) -> Path:
    """Write the model's folder; return its manifest."""
    folder.mkdir(parents=True)
    graph, weights = folder / "network.onnx", folder / "network.safetensors"
    save_model(_network(sides_swapped), str(graph))
    weights.write_bytes((2).to_bytes(8, "little") + b"{}")
    files = {
        name: {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest()}
        for name, path in (("onnx", graph), ("torch", weights))
    }
    manifest = {
        "name": folder.name, "description": "Densities of lung.", "date": "2026-01-31", "files": files,
        "preprocess": to_json(PREPROCESS), "network": {"in_channels": 1, "out_channels": 2},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder / "manifest.json"


def _network(sides_swapped: bool) -> object:
    low, high = PREPROCESS.window_hu
    bounds = [2 * (value - low) / (high - low) - 1 for value in LUNG_HU]
    width = PREPROCESS.size[1]
    sides = np.zeros((1, 2, 1, width), np.float32)
    # The network's columns run to the patient's left: the right lung comes first.
    sides[0, int(sides_swapped), 0, : width // 2] = 1
    sides[0, 1 - int(sides_swapped), 0, width // 2 :] = 1
    constants = {"low": bounds[0], "high": bounds[1], "sharpness": SHARPNESS, "sides": sides}
    nodes = [
        helper.make_node("Sub", ["slices", "low"], ["above"]),
        helper.make_node("Sub", ["high", "slices"], ["below"]),
        helper.make_node("Min", ["above", "below"], ["inside"]),
        helper.make_node("Mul", ["inside", "sharpness"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["candidates"]),
        # An opening: the skin, whose pixels are part air and part tissue, is thin.
        helper.make_node("Neg", ["candidates"], ["others"]),
        helper.make_node("MaxPool", ["others"], ["widened"], kernel_shape=[7, 7], pads=[3, 3, 3, 3]),
        helper.make_node("Neg", ["widened"], ["thick"]),
        helper.make_node("MaxPool", ["thick"], ["lung"], kernel_shape=[7, 7], pads=[3, 3, 3, 3]),
        helper.make_node("Mul", ["lung", "sides"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes, "window",
        [helper.make_tensor_value_info("slices", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
