"""The 8-bit graph: made, judged, chosen where it is exact, and left where it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from LungUNetSegLib.engines import int8_arithmetic, open_engine, quantise, selection
from LungUNetSegLib.engines.int8_arithmetic import PROBE, PROBE_SHAPE, PROBE_VALUE, is_int8_exact
from LungUNetSegLib.engines.onnx_runtime import OnnxRuntimeEngine
from LungUNetSegLib.engines.quantisable import quantisable
from LungUNetSegLib.errors import EngineError, ModelError
from LungUNetSegLib.models.model import Model, load_model

needs_exact_int8 = pytest.mark.skipif(not is_int8_exact(), reason="8-bit sums saturate on this processor (no VNNI)")


def noise(model: Model, number: int) -> np.ndarray:
    """Slices as the model sees them."""
    shape = (number, model.preprocess.channels, *model.preprocess.size)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


@pytest.fixture(scope="module")
def int8_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The tiny model with an 8-bit graph."""
    if not is_int8_exact():
        pytest.skip("8-bit sums saturate on this processor (no VNNI)")
    folder = tmp_path_factory.mktemp("int8") / "model"
    shutil.copytree(tiny_model, folder)
    model = load_model(folder)
    with pytest.MonkeyPatch.context() as patch:
        # Random weights put many pixels on the threshold.
        patch.setattr(quantise, "LEAST_AGREEMENT", 0.9)
        return quantise.quantise(model, list(noise(model, 8)))


def copy_of(model: Model, folder: Path) -> Path:
    """Copy a model's files."""
    assert model.onnx is not None
    shutil.copytree(model.onnx.parent, folder)
    return folder


def test_the_probe_is_what_its_description_says() -> None:
    """Protects from a binary file that nobody can read: made anew, it is the same graph."""
    channels = PROBE_SHAPE[1]
    scale = np.float32(255 * 127 * channels * 9 / PROBE_VALUE)
    numbers = {
        "one": np.float32(1),
        "zero_u8": np.uint8(0),
        "weights": np.full((channels, channels, 3, 3), 127, np.int8),
    }
    numbers |= {"weight_scale": np.float32(1), "zero_s8": np.int8(0), "scale": scale}
    inputs = ["pixels", "one", "zero_u8", "weights", "weight_scale", "zero_s8", "scale", "zero_u8"]
    node = helper.make_node("QLinearConv", inputs, ["sums"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    ends = [helper.make_tensor_value_info(name, TensorProto.UINT8, PROBE_SHAPE) for name in ("pixels", "sums")]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()]
    graph = helper.make_graph([node], "int8_probe", ends[:1], ends[1:], tensors)
    assert onnx.load(str(PROBE)).graph == graph


@pytest.mark.parametrize(("middle", "exact"), [(PROBE_VALUE, True), (101, False)])
def test_a_processor_that_saturates_is_noticed(monkeypatch: pytest.MonkeyPatch, middle: int, exact: bool) -> None:
    """Protects laptops without VNNI, where an emulated Haswell gave 101: half a lung could be lost without a word."""

    class Session:
        """Stands for a session on another processor."""

        def run(self, *_: object) -> list[np.ndarray]:
            sums = np.full(PROBE_SHAPE, middle, np.uint8)
            sums[:, :, 0] = 67  # fewer pixels are summed at the edge
            return [sums]

    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: Session())
    assert int8_arithmetic.is_int8_exact.__wrapped__() is exact


def test_auto_takes_the_int8_graph_and_a_name_float32(int8_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects speed by default, and the same mask on every machine for who asks for it."""
    monkeypatch.setattr(selection, "_gpu_is_likely", lambda: False)
    assert open_engine(int8_model).description.endswith("CPU, int8")
    assert open_engine(int8_model, "onnxruntime").description.endswith("CPU, float32")
    monkeypatch.setattr(selection, "is_int8_exact", lambda: False)
    engine = open_engine(int8_model)
    assert engine.description.endswith("CPU, float32") and engine.steps_down == []


def test_int8_and_float32_differ_little(int8_model: Model) -> None:
    """Protects from a graph of wrong scales: activations have 8 bits, so probabilities differ by a few hundredths."""
    slices = noise(int8_model, 4)
    plain, quantised = (OnnxRuntimeEngine(int8_model, int8=int8).probabilities(slices) for int8 in (False, True))
    assert 0 < np.abs(plain - quantised).mean() < 0.02


def test_the_rewritten_graph_computes_the_same(tiny_model: Path, tmp_path: Path) -> None:
    """Protects from an 8-bit graph of another network: only operations that have no 8-bit version are replaced."""
    model = load_model(tiny_model)
    graph = onnx.load(str(model.onnx))
    before = [node.op_type for node in graph.graph.node]
    assert "ConvTranspose" in before and before[:3] == ["Reshape", "Transpose", "Reshape"]
    path = tmp_path / "rewritten.onnx"
    onnx.save(quantisable(graph), path)
    after = [node.op_type for node in onnx.load(str(path)).graph.node]
    assert "ConvTranspose" not in after and after[:2] == ["SpaceToDepth", "Conv"]
    (plain, same), slices = (_session(each) for each in (model.onnx, path)), noise(model, 2)
    name = plain.get_inputs()[0].name
    np.testing.assert_allclose(same.run(None, {name: slices})[0], plain.run(None, {name: slices})[0], atol=1e-5)


def test_pixels_are_spread_in_8_bits(int8_model: Model) -> None:
    """Protects the time of a slice: between two convolutions bytes are moved, not numbers of four bytes."""
    assert int8_model.int8 is not None
    nodes = onnx.load(str(int8_model.int8.path)).graph.node
    makers = {name: node for node in nodes for name in node.output}
    moved = [node for node in nodes if node.op_type in ("Reshape", "Transpose")]
    assert len(moved) % 5 == 0 and moved
    assert {makers[node.input[0]].op_type for node in moved} == {"DequantizeLinear"}


def test_other_transposed_convolutions_stay() -> None:
    """Protects networks whose pixels add to each other, or that have other strides: they have no such form."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("in", "out")]
    tensors = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in _TRANSPOSED.items()]
    for size, stride, pads in ((3, 2, [0] * 4), (2, 1, [0] * 4), (2, 2, [1] * 4)):
        node = helper.make_node(
            "ConvTranspose", ["in", *_TRANSPOSED], ["out"], kernel_shape=[size] * 2, strides=[stride] * 2, pads=pads
        )
        model = helper.make_model(helper.make_graph([node], "one", ends[:1], ends[1:], tensors))
        assert [each.op_type for each in quantisable(model).graph.node] == ["ConvTranspose"]


_TRANSPOSED = {"weights": (1, 1, 2, 2), "bias": (1,)}


def _session(path: Path | None) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_agreement_by_hand() -> None:
    """Channel 0: masks of 2 and 2 pixels share 1, so 2 x 1 / 4; channel 1 is empty in both runs."""
    first = [np.array([[[0.9, 0.5, 0.1, 0.1]], [[0.0, 0.0, 0.0, 0.0]]], np.float32)]
    second = [np.array([[[0.1, 0.6, 0.7, 0.1]], [[0.4, 0.0, 0.0, 0.0]]], np.float32)]
    assert quantise.agreement(iter(first), iter(second)).tolist() == [0.5, 1.0]


@needs_exact_int8
def test_a_graph_that_differs_is_not_kept(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the model: the folder is as before."""
    folder = copy_of(load_model(tiny_model), tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(quantise, "LEAST_AGREEMENT", 1.01)
    model = load_model(folder)
    with pytest.raises(ModelError, match=r"differ too much .*Right lung 0\.\d{5}.*not kept"):
        quantise.quantise(model, list(noise(model, 2)))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_cannot_be_quantised(model: Model, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from half-made graphs: no slices, a checkpoint, a processor that cannot judge the graph."""
    with pytest.raises(ModelError, match="no slices"):
        quantise.quantise(model, [])
    with pytest.raises(ModelError, match="export it first"):
        quantise.quantise(load_model(tiny_checkpoint), list(noise(model, 1)))
    monkeypatch.setattr(quantise, "is_int8_exact", lambda: False)
    with pytest.raises(EngineError, match="another machine"):
        quantise.quantise(model, list(noise(model, 1)))


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_int8_graph_is_said_and_float32_runs(int8_model: Model, tmp_path: Path, damage: str) -> None:
    """Protects a scan from a wrong graph, and the user from having no result."""
    folder = copy_of(int8_model, tmp_path / "model")
    path = folder / quantise.INT8_FILE
    if damage == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    engine = open_engine(load_model(folder), device="cpu")
    assert engine.description.endswith("float32")
    (note,) = engine.steps_down
    assert "8-bit graph" in note
