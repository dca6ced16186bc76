#!/bin/sh
# OpenVINO 2026.4.1 gives a transposed convolution of ONNX that has `output_shape` and auto_pad SAME_UPPER shifted by
# one: it cuts the odd voxel of padding off at the start. ONNX's definition cuts it off at the end for SAME_UPPER
# ("pads[start] = total / 2; pads[end] = total - total / 2"), and ONNX Runtime and ONNX's reference do. Upsampling by 2
# with a kernel of 3 is such a case: a network's map comes out one voxel beside its image. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 \
    numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

# By hand: 1, 2 and 3, two apart, times the kernel 1, 10, 100; seven values, of which output_shape wants six.
FULL = [1, 10, 100 + 2, 20, 200 + 3, 30, 300]
image = np.array([[[1, 2, 3]]], dtype=np.float32)
kernel = numpy_helper.from_array(np.array([[[1, 10, 100]]], dtype=np.float32), "kernel")


def results(auto_pad):
    """The six values by runtime."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    ends[0] = helper.make_tensor_value_info("x", TensorProto.FLOAT, image.shape)
    node = helper.make_node(
        "ConvTranspose", ["x", "kernel"], ["y"], strides=[2], output_shape=[6], auto_pad=auto_pad
    )
    graph = helper.make_graph([node], "up", ends[:1], ends[1:], [kernel])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    packed = model.SerializeToString()
    session = onnxruntime.InferenceSession(packed, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(packed), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = {
        "onnx's reference": ReferenceEvaluator(model).run(None, {"x": image})[0],
        "onnxruntime": session.run(None, {"x": image})[0],
        "openvino": compiled({0: image})[0],
    }
    return {name: [int(value) for value in array.ravel()] for name, array in found.items()}


print(f"openvino {openvino.__version__}, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
upper, lower = results("SAME_UPPER"), results("SAME_LOWER")
for name in upper:
    print(f"{name}: SAME_UPPER {upper[name]}, SAME_LOWER {lower[name]}")
start, end = FULL[:6], FULL[1:]
right = upper["onnxruntime"] == upper["onnx's reference"] == start and set(map(tuple, lower.values())) == {tuple(end)}
sys.exit(0 if right and upper["openvino"] == end else 1)
PYTHON
