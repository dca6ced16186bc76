"""What the machine could do at best, and how much longer each step of a segmentation takes than that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from torch.utils.flop_counter import FlopCounterMode

from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.networks import build_network
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.volume import Volume

SIDE = 2048
"""Rows and columns of the matrices whose product is timed."""

STREAM_BYTES = 256 * 2**20
"""Amount that is copied to time the memory: many times what caches hold."""


def bound(model_path: Path) -> dict[str, Any]:
    """Count the network's operations for a slice, and measure the machine's best in products and copies."""
    model = load_model(model_path)
    network = build_network(model.network).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, model.preprocess.channels, *model.preprocess.size))
    return {
        "gflop_per_slice": counter.get_total_flops() / 1e9,
        "grid": model.preprocess.size,
        "gflops": {
            "float32": _products(torch.float32),
            "bfloat16": _products(torch.bfloat16),
            "int8": _integer_products(),
        },
        "gb_per_s": _copies(),
        "weights": sum(tensor.numel() for tensor in network.parameters()),
    }


def computed_slices(volume: Volume, model_path: Path) -> int:
    """Return how many slices of a volume the network computes; the others are interpolated or empty."""
    segmenter, seen = Segmenter(load_model(model_path), device="cpu"), 0
    compute = segmenter.engine.probabilities

    def counting(slices: Any) -> Any:
        nonlocal seen
        seen += len(slices)
        return compute(slices)

    segmenter.engine.probabilities = counting  # type: ignore[method-assign]
    segmenter.segment(volume)
    return seen


def least_seconds(
    limit: dict[str, Any], slices: int, computed: int, scan_bytes: int, precision: str
) -> dict[str, float]:
    """Return the seconds that each step takes at least, by its stage's name.

    The network's operations count at the speed of large matrix products in its precision. The other steps count as the
    bytes that they must read or write once: labels are a byte a voxel, probabilities two on the network's grid.

    Args:
        limit: From `bound`.
        slices: Number of slices of the scan.
        computed: How many of them the network computes.
        scan_bytes: Size of the scan, with two bytes a voxel.
        precision: "int8", "bfloat16" or "float32".
    """
    labels, probabilities = scan_bytes / 2, 2 * slices * float(np.prod(limit["grid"]))
    per_second = limit["gb_per_s"] * 1e9
    return {
        "segment": computed * limit["gflop_per_slice"] / limit["gflops"][precision] + scan_bytes / per_second,
        "clean": 2 * probabilities / per_second,
        "restore": (probabilities + labels) / per_second,
        "measure": (scan_bytes + labels) / per_second,
    }


def _products(dtype: torch.dtype) -> float:
    """Return the GFLOP/s of matrix products; of bfloat16 where the processor only emulates it, they are few."""
    first, second = (torch.rand(SIDE, SIDE).to(dtype) for _ in range(2))
    return 2 * SIDE**3 / _fastest(lambda: first @ second) / 1e9


def _integer_products() -> float:
    """Return the GOP/s of products of 8-bit matrices, summed in 32 bits, by the default engine."""
    names = (("a", TensorProto.UINT8), ("b", TensorProto.INT8), ("product", TensorProto.INT32))
    a, b, product = (helper.make_tensor_value_info(name, kind, [SIDE, SIDE]) for name, kind in names)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["product"])], "products", [a, b], [product]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    inputs = {
        "a": rng.integers(0, 255, (SIDE, SIDE), np.uint8, endpoint=True),
        "b": rng.integers(-128, 127, (SIDE, SIDE), np.int8, endpoint=True),
    }
    return 2 * SIDE**3 / _fastest(lambda: session.run(None, inputs)) / 1e9


def _copies() -> float:
    """Return the GB/s at which memory is copied, what is read and written together."""
    source = torch.ones(STREAM_BYTES, dtype=torch.uint8)
    target = torch.empty_like(source)
    return 2 * STREAM_BYTES / _fastest(lambda: target.copy_(source)) / 1e9


def _fastest(function: Callable[[], object], times: int = 8) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
