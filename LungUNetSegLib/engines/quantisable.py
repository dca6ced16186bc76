"""Rewrites an exported graph into operations that ONNX Runtime computes quickly in 8 bits; the result is the same.

A transposed convolution that doubles the resolution has no 8-bit version there, but is a convolution of single pixels
whose channels are then spread over blocks of 2 x 2. They are spread where the channels of a pixel lie side by side, as
8-bit convolutions want them: whole runs of bytes are moved, a fifth of the time of `DepthToSpace`. Pixels that PyTorch
gathers into channels by reshaping, transposing and reshaping again are gathered by one operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def quantisable(model: Any) -> Any:
    """Return an `onnx.ModelProto` with the same inputs and outputs; the given one is changed."""
    from onnx import shape_inference

    shapes = {
        each.name: [axis.dim_value for axis in each.type.tensor_type.shape.dim]
        for each in shape_inference.infer_shapes(model).graph.value_info
    }
    nodes = [new for node in model.graph.node for new in _as_convolution(node, model.graph, shapes)]
    nodes = _gathered(nodes, model.graph)
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [each for each in model.graph.initializer if each.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model


def _as_convolution(node: Any, graph: Any, shapes: dict[str, list[int]]) -> list[Any]:
    """Return a convolution, and what spreads its channels, for a transposed convolution that doubles; others as is."""
    from onnx import helper, numpy_helper

    if node.op_type != "ConvTranspose" or not _doubles(node) or len(node.input) != 3:
        return [node]
    weights, bias = (numpy_helper.to_array(_constant(graph, name)) for name in node.input[1:])
    inputs, outputs = weights.shape[:2]
    flat = np.ascontiguousarray(weights.transpose(2, 3, 1, 0)).reshape(4 * outputs, inputs, 1, 1)
    names = [f"{node.name}_{each}" for each in ("weights", "bias", "pixels")]
    for name, values in zip(names, (flat, np.tile(bias, 4)), strict=False):
        graph.initializer.append(numpy_helper.from_array(values, name))
    conv = helper.make_node(
        "Conv", [node.input[0], *names[:2]], names[2:], name=f"{node.name}_conv", kernel_shape=[1, 1]
    )
    return [conv, *_spread(node, names[2], (*shapes[node.input[0]][2:], outputs), graph)]


def _spread(node: Any, source: str, shape: Sequence[int], graph: Any) -> list[Any]:
    """Return nodes that spread (n, 4 c, h, w) channels, by row, column and channel of a block, to (n, c, 2 h, 2 w).

    Args:
        node: Whose output this becomes.
        source: Name of these channels.
        shape: (h, w, c).
        graph: For constants.
    """
    from onnx import helper, numpy_helper

    height, width, channels = shape
    # Both rows of the blocks are parted, and laid below each other.
    steps: tuple[tuple[str, tuple[int, ...]], ...] = (
        ("Transpose", (0, 2, 3, 1)),
        ("Reshape", (-1, width, 2, 2 * channels)),
        ("Transpose", (0, 2, 1, 3)),
        ("Reshape", (-1, 2 * height, 2 * width, channels)),
        ("Transpose", (0, 3, 1, 2)),
    )
    nodes = []
    for number, (kind, numbers) in enumerate(steps):
        name = f"{node.name}_spread_{number}"
        target = node.output[0] if number == len(steps) - 1 else name
        if kind == "Transpose":
            nodes.append(helper.make_node(kind, [source], [target], name=f"{name}_node", perm=numbers))
        else:
            graph.initializer.append(numpy_helper.from_array(np.array(numbers), f"{name}_shape"))
            nodes.append(helper.make_node(kind, [source, f"{name}_shape"], [target], name=f"{name}_node"))
        source = target
    return nodes


def _doubles(node: Any) -> bool:
    """Whether each pixel becomes a block of 2 x 2 that no other one adds to."""
    from onnx import helper

    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    plain = {"dilations": [1, 1], "group": 1, "pads": [0] * 4, "output_padding": [0, 0], "auto_pad": b"NOTSET"}
    fits = all(attributes.get(name, value) == value for name, value in plain.items())
    return (
        fits
        and attributes.get("kernel_shape") == [2, 2]
        and attributes.get("strides") == [2, 2]
        and "output_shape" not in attributes
    )


def _gathered(nodes: list[Any], graph: Any) -> list[Any]:
    """Return nodes with `SpaceToDepth` where blocks of the network's input become channels of its first convolution."""
    from onnx import helper, numpy_helper

    kinds = [node.op_type for node in nodes[:4]]
    if kinds != ["Reshape", "Transpose", "Reshape", "Conv"] or nodes[0].input[0] != graph.input[0].name:
        return nodes
    if helper.get_attribute_value(nodes[1].attribute[0]) != [0, 1, 3, 5, 2, 4]:
        return nodes
    block = int(numpy_helper.to_array(_constant(graph, nodes[0].input[1]))[-1])
    weights = _constant(graph, nodes[3].input[1])
    values = numpy_helper.to_array(weights)
    # PyTorch counts the channel before the place in the block, and ONNX after it.
    order = np.arange(values.shape[1]).reshape(-1, block**2).T.ravel()
    weights.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[:, order]), weights.name))
    gather = helper.make_node(
        "SpaceToDepth", [nodes[0].input[0]], list(nodes[2].output), name=f"{nodes[1].name}_gather", blocksize=block
    )
    return [gather, *nodes[3:]]


def _constant(graph: Any, name: str) -> Any:
    return next(each for each in graph.initializer if each.name == name)
