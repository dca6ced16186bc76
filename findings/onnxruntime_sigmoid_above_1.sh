#!/bin/sh
# ONNX Runtime's float32 Sigmoid gives 1.0000001 for a few logits between 17.84 and 17.90; PyTorch and numpy give 1.
# A program that takes only probabilities from 0 to 1 refuses such a result. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.22.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "sigmoid", values[:1], values[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
logits = np.linspace(17, 19, 200_001, dtype=np.float32)
above = session.run(None, {"x": logits})[0]
found = logits[above > 1]
print(f"onnxruntime {onnxruntime.__version__}, numpy {np.__version__}")
print(f"largest sigmoid: {above.max()!r}; above 1 for {len(found)} of {len(logits)} logits: {found[:5].tolist()}")
print(f"numpy's for the same: {(1 / (1 + np.exp(-found)))[:5].tolist()}")
sys.exit(0 if len(found) else 1)
PYTHON
