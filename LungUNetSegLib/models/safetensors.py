"""Reads and writes the safetensors format: named tensors in one file, which cannot contain code.

A file is an 8-byte little-endian header length, a JSON header ``{name: {dtype, shape, data_offsets}}`` and the raw
numbers (https://github.com/huggingface/safetensors#format). It is implemented here because 3D Slicer has no
safetensors package, and because the ONNX graph refers to the tensors by their offset in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.config import parse_json
from LungUNetSegLib.errors import ModelError

Tensors = dict[str, npt.NDArray[np.float32]]

_LENGTH_BYTES = 8
_BYTES = {"F32": 4, "F16": 2}
_MAX_HEADER_BYTES = 1_000_000


@dataclass(frozen=True)
class TensorPlace:
    """The position of a tensor in its file.

    Attributes:
        shape: Its sizes.
        offset: Its first byte in the file.
        length: Its number of bytes.
    """

    shape: tuple[int, ...]
    offset: int
    length: int


def write_weights(
    path: Path, tensors: Mapping[str, npt.NDArray[np.float32]], *, half: bool = False
) -> dict[str, TensorPlace]:
    """Write float32 tensors, and return each one's position; `half` writes float16, for archives, not for engines."""
    header, places, end = {}, {}, 0
    kind, stored, size = ("F16", "<f2", 2) if half else ("F32", "<f4", 4)
    for name, tensor in tensors.items():
        length = size * tensor.size
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [end, end + length]}
        end += length
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the data begin at a multiple of 8
    start = _LENGTH_BYTES + len(text)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
        for name, tensor in tensors.items():
            places[name] = TensorPlace(tensor.shape, start + header[name]["data_offsets"][0], size * tensor.size)
            file.write(np.ascontiguousarray(tensor, stored).tobytes())
    return places


def read_weights(path: Path) -> Tensors:
    """Return the file's tensors by name; float16 is converted to float32.

    Raises:
        ModelError: It is not a safetensors file, is cut short, or holds other types than float32 and float16.
    """
    content, tensors = path.read_bytes(), {}
    for name, place in read_places(path).items():
        count = prod(place.shape)
        kind = "<f2" if place.length < 4 * count else "<f4"
        values = np.frombuffer(content, kind, count, place.offset).reshape(place.shape)
        tensors[name] = values.astype(np.float32, copy=False)
    return tensors


def read_places(path: Path) -> dict[str, TensorPlace]:
    """Return the position of each tensor in the file; only the header is read.

    Raises:
        ModelError: As `read_weights`.
    """
    try:
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if header_bytes > _MAX_HEADER_BYTES:
                raise ValueError(f"a header of {header_bytes} bytes")
            header = parse_json(file.read(header_bytes).decode())
        return _places(header, _LENGTH_BYTES + header_bytes, path.stat().st_size)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not a complete safetensors file of float32 weights ({error}).") from error


def _places(header: Any, start: int, size: int) -> dict[str, TensorPlace]:
    """Check the header of a file of `size` bytes whose data begin at `start`."""
    places = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, (first, end) = tuple(entry["shape"]), entry["data_offsets"]
        if entry["dtype"] not in _BYTES:
            raise ValueError(f"{name} is {entry['dtype']}")
        if not all(type(each) is int and each >= 0 for each in (first, end, *shape)):
            raise ValueError(f"{name} has the shape {entry['shape']} at {entry['data_offsets']}")
        if end - first != _BYTES[entry["dtype"]] * prod(shape) or start + end > size:
            raise ValueError(f"{name} does not fit")
        places[name] = TensorPlace(shape, start + first, end - first)
    return places
