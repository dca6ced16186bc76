"""Named tensors in one file that no reader can be made to execute: the safetensors format.

A file is an 8-byte little-endian header length, a JSON header ``{name: {dtype, shape, data_offsets}}`` and the raw
numbers (https://github.com/huggingface/safetensors#format). Written here because 3D Slicer has no safetensors
package, and because the ONNX graph refers to the tensors by their place in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import ModelError

Tensors = dict[str, npt.NDArray[np.float32]]

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 1_000_000


@dataclass(frozen=True)
class TensorPlace:
    """Where a float32 tensor lies in its file.

    Attributes:
        shape: Its sizes.
        offset: Its first byte, from the file's start.
        length: Its bytes.
    """

    shape: tuple[int, ...]
    offset: int
    length: int


def write_weights(path: Path, tensors: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, TensorPlace]:
    """Write float32 tensors and return where each lies."""
    header, places, end = {}, {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + tensor.nbytes]}
        end += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers begin at a multiple of 8
    start = _LENGTH_BYTES + len(text)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(_LENGTH_BYTES, "little") + text)
        for name, tensor in tensors.items():
            places[name] = TensorPlace(tensor.shape, start + header[name]["data_offsets"][0], tensor.nbytes)
            file.write(np.ascontiguousarray(tensor, "<f4").tobytes())
    return places


def read_weights(path: Path) -> Tensors:
    """Return the file's tensors by name.

    Raises:
        ModelError: It is no safetensors file, is cut short, or holds anything but float32.
    """
    content = path.read_bytes()
    try:
        places = _places(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not a whole safetensors file of float32 weights ({error}).") from error
    return {
        name: np.frombuffer(content, "<f4", prod(place.shape), place.offset).reshape(place.shape)
        for name, place in places.items()
    }


def _places(content: bytes) -> dict[str, TensorPlace]:
    """Read and check the header."""
    header_bytes = int.from_bytes(content[:_LENGTH_BYTES], "little")
    if header_bytes > _MAX_HEADER_BYTES:
        raise ValueError(f"a header of {header_bytes} bytes")
    start = _LENGTH_BYTES + header_bytes
    places = {}
    for name, entry in json.loads(content[_LENGTH_BYTES:start]).items():
        if name == "__metadata__":
            continue
        shape, (first, end) = tuple(entry["shape"]), entry["data_offsets"]
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} is {entry['dtype']}")
        if min(0, first, *shape) < 0 or end - first != 4 * prod(shape) or start + end > len(content):
            raise ValueError(f"{name} does not fit")
        places[name] = TensorPlace(shape, start + first, end - first)
    return places
