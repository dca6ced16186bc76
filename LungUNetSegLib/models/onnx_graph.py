"""Reads from an ONNX graph the sizes of its input and output, and the file and offset of its weights.

Read without the package `onnx`, which is needed only to make models. The file is a protobuf message
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the numbers of the fields that are read are named below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.errors import ModelError

Shape = tuple[int | None, ...]
"""Sizes of a tensor; None for a dynamic size, such as the batch's."""


@dataclass(frozen=True, kw_only=True)
class ExternalTensor:
    """A weight that lies in another file.

    Attributes:
        name: In the graph.
        shape: Its sizes.
        file: The file's name in the graph.
        offset: Its first byte in the file.
        length: Its number of bytes.
    """

    name: str
    shape: tuple[int, ...]
    file: str
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True)
class GraphFacts:
    """The result of `read_graph`.

    Attributes:
        input: Shape of the first input.
        output: Shape of the first output.
        weights: All weights that lie in other files.
    """

    input: Shape
    output: Shape
    weights: tuple[ExternalTensor, ...]


_GRAPH = 7  # of ModelProto
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12  # of GraphProto
_DIMS, _TENSOR_NAME, _EXTERNAL_DATA = 1, 8, 13  # of TensorProto
_KEY, _VALUE = 1, 2  # of StringStringEntryProto
_TYPE, _TENSOR_TYPE, _SHAPE, _DIM, _DIM_VALUE = 2, 1, 2, 1, 1  # from ValueInfoProto down

Message = dict[int, list[int | bytes]]


def read_graph(path: Path) -> GraphFacts:
    """Read an ONNX file.

    Raises:
        ModelError: The file is not ONNX, or it is damaged.
    """
    try:
        graph = _message(_first(_message(path.read_bytes()), _GRAPH))
        return GraphFacts(
            input=_shape(_first(graph, _INPUT)),
            output=_shape(_first(graph, _OUTPUT)),
            weights=tuple(_external_tensors(graph)),
        )
    except (ValueError, LookupError, OSError) as error:
        raise ModelError(f"{path} is not a complete ONNX graph ({error}).") from error


def _external_tensors(graph: Message) -> Iterator[ExternalTensor]:
    for content in graph.get(_INITIALIZER, ()):
        tensor = _message(content)
        if _EXTERNAL_DATA not in tensor:
            continue
        entries = [_message(entry) for entry in tensor[_EXTERNAL_DATA]]
        about = {_text(_first(entry, _KEY)): _text(_first(entry, _VALUE)) for entry in entries}
        yield ExternalTensor(
            name=_text(_first(tensor, _TENSOR_NAME)),
            shape=tuple(_integers(tensor.get(_DIMS, []))),
            file=about["location"],
            offset=int(about.get("offset", "0")),
            length=int(about["length"]),
        )


def _shape(value: int | bytes) -> Shape:
    tensor_type = _message(_first(_message(_first(_message(value), _TYPE)), _TENSOR_TYPE))
    sizes = [_message(dim).get(_DIM_VALUE) for dim in _message(_first(tensor_type, _SHAPE)).get(_DIM, ())]
    return tuple(None if size is None or isinstance(size[0], bytes) else size[0] for size in sizes)


def _message(content: int | bytes) -> Message:
    """Return the fields of a protobuf message by their numbers: varints as int, others as bytes."""
    if isinstance(content, int):
        raise ValueError("a number where a message should be")
    fields: Message = {}
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            value, position = _varint(content, position)
            fields.setdefault(number, []).append(value)
            continue
        length = {1: 8, 5: 4}.get(wire_type)
        if wire_type == 2:
            length, position = _varint(content, position)
        if length is None or position + length > len(content):
            raise ValueError(f"broken at byte {position}")
        fields.setdefault(number, []).append(content[position : position + length])
        position += length
    return fields


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """Return the varint (7 bits per byte) at `position`, and where it ends."""
    value = 0
    for index in range(10):
        if position + index >= len(content):
            break
        byte = content[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise ValueError(f"broken at byte {position}")


def _integers(values: list[int | bytes]) -> Iterator[int]:
    """Return repeated integers, which are stored one by one or packed."""
    for value in values:
        if isinstance(value, int):
            yield value
            continue
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            yield number


def _first(message: Message, number: int) -> int | bytes:
    if number not in message:
        raise ValueError(f"without field {number}")
    return message[number][0]


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise ValueError("a number where a text should be")
    return value.decode()
