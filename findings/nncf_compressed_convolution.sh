#!/bin/sh
# NNCF 3.4.0's compress_weights makes an ONNX model that ONNX Runtime cannot run of any network with convolutions: each
# layer's scales get the shape 8 x 1 x 1 x 1 with axis 0, where DequantizeLinear takes one dimension for a scale per
# axis ("1-D tensor for per-axis dequantization", ONNX). onnx.checker accepts the model, and the fault shows when a scan
# is run. A network of matrix products is right, and so is the network with convolutions as an OpenVINO model. Expected:
# results within the rounding of 8 bits. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nncf==3.4.0 openvino==2026.4.1 onnx==1.23.2 \
    onnxruntime==1.32.0 numpy==2.2.6
cd "$folder"
HOME=$folder venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import nncf
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

nncf.set_log_level(logging.ERROR)
rng = np.random.default_rng(1)
scan = rng.normal(size=(1, 1, 8, 8, 8)).astype(np.float32)


def network(operator, weight_shapes, **attributes):
    """Two layers with a ReLU between them."""
    weights = [rng.normal(size=shape).astype(np.float32) for shape in weight_shapes]
    layers = [
        helper.make_node(operator, ["scan", "first"], ["a"], **attributes),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node(operator, ["b", "second"], ["map"], **attributes),
    ]
    tensors = [numpy_helper.from_array(array, name) for array, name in zip(weights, ("first", "second"), strict=True)]
    inside, outside = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [*"nczyx"]) for name in ("scan", "map"))
    graph = helper.make_graph(layers, "net", [inside], [outside], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model


def run(model):
    """The network's map of the scan, from ONNX Runtime or OpenVINO, or None if it cannot be had."""
    if isinstance(model, openvino.Model):
        return openvino.compile_model(model, "CPU")({"scan": scan})[0]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    try:
        return session.run(None, {"scan": scan})[0]
    except Exception as error:
        print("ONNX Runtime:", str(error).splitlines()[0][-118:])


print(" ".join(f"{name} {version(name)}," for name in ("nncf", "onnxruntime", "onnx", "openvino", "numpy")))
convolutions = network("Conv", [(8, 1, 3, 3, 3), (4, 8, 3, 3, 3)], pads=[1] * 6)
products = network("MatMul", [(8, 16), (16, 4)])
onnx.save(convolutions, "net.onnx")
errors = {}
for name, model, original in (
    ("matrix products, ONNX", products, products),
    ("convolutions, OpenVINO", openvino.convert_model("net.onnx"), convolutions),
    ("convolutions, ONNX", convolutions, convolutions),
):
    expected = run(original)
    compressed = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    if isinstance(compressed, onnx.ModelProto):
        onnx.checker.check_model(compressed, full_check=True)
    found = run(compressed)
    errors[name] = None if found is None else float(np.abs(found - expected).max() / np.abs(expected).max())
    print(f"{name}: largest error {errors[name]}")
*right, wrong = errors.values()
sys.exit(0 if max(right) < 0.05 and wrong is None else 1)
PYTHON
