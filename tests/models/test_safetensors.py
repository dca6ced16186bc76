"""The safetensors reader and writer: what goes in comes out, and nothing damaged is believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.safetensors import read_weights, write_weights

TENSORS = {
    "a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "a.bias": np.array([0.5], np.float32),
    "scalar": np.array(7, np.float32),
}


def test_tensors_come_back_as_they_went_in(tmp_path: Path) -> None:
    """Protects the shipped weights."""
    write_weights(tmp_path / "w.safetensors", TENSORS)
    read = read_weights(tmp_path / "w.safetensors")
    assert list(read) == list(TENSORS)
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(read[name], tensor)
        assert read[name].shape == tensor.shape


def test_places_are_where_the_bytes_lie(tmp_path: Path) -> None:
    """Protects the ONNX graph, which finds its weights by these places."""
    places = write_weights(tmp_path / "w.safetensors", TENSORS)
    content = (tmp_path / "w.safetensors").read_bytes()
    for name, place in places.items():
        assert content[place.offset : place.offset + place.length] == TENSORS[name].tobytes()
        assert place.offset % 4 == 0


def test_the_format_is_the_one_others_read(tmp_path: Path) -> None:
    """Protects the claim that the files are safetensors; header by hand, from its specification."""
    write_weights(tmp_path / "w.safetensors", {"x": np.array([1, 2], np.float32)})
    content = (tmp_path / "w.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert json.loads(content[8 : 8 + length]) == {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    assert content[8 + length :] == b"\x00\x00\x80\x3f\x00\x00\x00\x40"


def test_half_precision_comes_back_as_float32(tmp_path: Path) -> None:
    """Protects the kept networks of the cross-validation: half the bytes, 11 bits of each number."""
    values = {"x": np.array([[1.0, 2.5], [1e-3, -3.0]], np.float32), "y": np.array(0.1, np.float32)}
    write_weights(tmp_path / "w.safetensors", values, half=True)
    content = (tmp_path / "w.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert json.loads(content[8 : 8 + length])["x"] == {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}
    assert len(content) == 8 + length + 10
    read = read_weights(tmp_path / "w.safetensors")
    for name, tensor in values.items():
        assert read[name].dtype == np.float32 and read[name].shape == tensor.shape
        np.testing.assert_allclose(read[name], tensor, rtol=2**-11)


def _file(header: object, numbers: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no weights at all",
        (10**9).to_bytes(8, "little") + b"{}",
        _file({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"1234"),
        _file({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        _file({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}, b"1234"),
        _file({"x": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}, b"1234"),
        _file({"x": {"dtype": "I32", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        _file({"x": {"dtype": "F16", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        _file({"x": {"shape": [1]}}, b"1234"),
        _file(["x"], b"1234"),
        _file({"x": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}, b"1234"),
        (200_000).to_bytes(8, "little") + b'{"x":' * 40_000,
    ],
    ids=["empty", "text", "huge", "cut", "length", "negative", "before", "int", "half", "keys", "list", "real", "deep"],
)
def test_what_is_no_whole_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Protects from computing with rubbish."""
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.safetensors"):
        read_weights(path)
