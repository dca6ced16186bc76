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
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.config import parse_json
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
    content, places = path.read_bytes(), read_places(path)
    return {
        name: np.frombuffer(content, "<f4", prod(place.shape), place.offset).reshape(place.shape)
        for name, place in places.items()
    }


def read_places(path: Path) -> dict[str, TensorPlace]:
    """Return where each tensor of the file lies; only its header is read.

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
        raise ModelError(f"{path} is not a whole safetensors file of float32 weights ({error}).") from error


def _places(header: Any, start: int, size: int) -> dict[str, TensorPlace]:
    """Check the header of a file of `size` bytes whose numbers begin at `start`."""
    places = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, (first, end) = tuple(entry["shape"]), entry["data_offsets"]
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} is {entry['dtype']}")
        if not all(type(each) is int and each >= 0 for each in (first, end, *shape)):
            raise ValueError(f"{name} has the shape {entry['shape']} at {entry['data_offsets']}")
        if end - first != 4 * prod(shape) or start + end > size:
            raise ValueError(f"{name} does not fit")
        places[name] = TensorPlace(shape, start + first, end - first)
    return places
