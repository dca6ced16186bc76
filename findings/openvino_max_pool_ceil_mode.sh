#!/bin/sh
# OpenVINO 2026.4.1 makes the output of ONNX's MaxPool with ceil_mode and pads one voxel longer than ONNX's definition
# does, and the voxel holds -3.4e38, the lowest float: its window lies in the padding alone. MaxPool-22 says "sliding
# windows that would start in the right padded region are ignored"; ONNX Runtime, ONNX's reference and PyTorch ignore
# them. The layers after it get a column of -3.4e38. Ends with 1 when that changes.
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
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

row = np.arange(7, dtype=np.float32).reshape(1, 1, 7)  # windows: pad 0 | 1 2 | 3 4 | 5 6 | (pad, beyond)
ends = [
    helper.make_tensor_value_info("x", TensorProto.FLOAT, row.shape),
    helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
]
node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2], strides=[2], pads=[1, 1], ceil_mode=1)
graph = helper.make_graph([node], "pool", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
packed = model.SerializeToString()
session = onnxruntime.InferenceSession(packed, providers=["CPUExecutionProvider"])
core = openvino.Core()
compiled = core.compile_model(core.read_model(packed), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
found = {
    "onnx's reference": ReferenceEvaluator(model).run(None, {"x": row})[0],
    "onnxruntime": session.run(None, {"x": row})[0],
    "openvino": compiled({0: row})[0],
}
print(f"openvino {openvino.__version__}, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
values = {name: array.ravel().tolist() for name, array in found.items()}
for name, numbers in values.items():
    print(f"{name}: {numbers}")
right = values["onnxruntime"] == values["onnx's reference"] == [0, 2, 4, 6]
lowest = float(np.finfo(np.float32).min)
sys.exit(0 if right and values["openvino"] == [0, 2, 4, 6, lowest] else 1)
PYTHON
