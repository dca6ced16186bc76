#!/bin/sh
# ONNX Runtime's quantize_static changes the ModelProto that it is given: the caller's weights become references to a
# temporary file that is already deleted, so that the same object cannot be quantised, saved or run again.
# Ends with 1 when the caller's model keeps its weights.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.30.0 onnx==1.22.0 numpy==2.2.6
FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import logging
import os
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, quantize_static

logging.disable(logging.WARNING)
SHAPE = [1, 8, 16, 16]
rng = np.random.default_rng(0)
weights = numpy_helper.from_array(rng.normal(size=(8, 8, 3, 3)).astype(np.float32), "weights")
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "xy"]
node = helper.make_node("Conv", ["x", "weights"], ["y"], name="conv", pads=[1, 1, 1, 1])
graph = helper.make_graph([node], "one", ends[:1], ends[1:], [weights])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


class Images(CalibrationDataReader):
    def __init__(self):
        self.left = iter([rng.normal(size=SHAPE).astype(np.float32)])

    def get_next(self):
        image = next(self.left, None)
        return None if image is None else {"x": image}


target = Path(os.environ["FOLDER"], "quantised.onnx")
print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
print(f"bytes of the caller's model before: {model.ByteSize()}")
quantize_static(model, target, Images())
(tensor,) = model.graph.initializer
entries = {entry.key: entry.value for entry in tensor.external_data}
print(f"after: {model.ByteSize()}; its weights are in {entries.get('location', 'itself')}")
try:
    quantize_static(model, target, Images())
except Exception as error:
    print(f"the same object again: {type(error).__name__}: {str(error)[:120]}")
    sys.exit(0 if entries else 1)
print("the same object again: works")
sys.exit(1)
PYTHON
