#!/bin/sh
# OpenVINO computes a max-pooling that also returns indices, as max-unpooling needs it, many times more slowly on the
# CPU than one that does not. The results are right. Ends with 1 when it takes less than 5 times as long.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 onnx==1.22.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import numpy as np
import openvino
from onnx import TensorProto, helper

SHAPE = [1, 64, 224, 224]


def seconds(indices):
    """CPU seconds of one run of 2x2 max-pooling over SHAPE, the median of 9."""
    half = [1, 64, 112, 112]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, half)]
    if indices:
        outputs.append(helper.make_tensor_value_info("i", TensorProto.INT64, half))
    names = [output.name for output in outputs]
    node = helper.make_node("MaxPool", ["x"], names, kernel_shape=[2, 2], strides=[2, 2])
    graph = helper.make_graph([node], "pool", [x], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", settings)
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    times = []
    for _ in range(10):
        started = time.process_time()
        pooled = compiled({0: image})[0]
        times.append(time.process_time() - started)
    assert np.array_equal(pooled, image.reshape(1, 64, 112, 2, 112, 2).max(axis=(3, 5)))
    return float(np.median(times[1:]))


plain, with_indices = seconds(False), seconds(True)
print(f"openvino {openvino.__version__}")
print(f"max-pooling of {SHAPE}: {plain * 1e3:.1f} ms of CPU; with indices {with_indices * 1e3:.1f} ms")
print(f"ratio {with_indices / plain:.0f}")
sys.exit(0 if with_indices > 5 * plain else 1)
PYTHON
