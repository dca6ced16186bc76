"""Finds out whether ONNX Runtime's products of 8-bit numbers are exact on this processor.

x86 processors without VNNI add pairs of products in 16 bits, which saturate: activations of up to 255 times weights of
up to 127 then lose a part of a lung without any error. Whether a processor does so is not asked by its name but tried:
`int8_probe.onnx` is one convolution of 3 x 3 pixels and 16 channels whose inputs and weights are all the largest.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from LungUNetSegLib.machine import import_package

PROBE = Path(__file__).with_name("int8_probe.onnx")
PROBE_SHAPE = (1, 16, 8, 8)
PROBE_VALUE = 200
"""What the probe gives in the middle, where nine pixels are summed; pairs that saturate give about half of it."""


@cache
def is_int8_exact() -> bool:
    """Whether ONNX Runtime computes convolutions of 8-bit numbers without saturating, as it does with VNNI or on ARM.

    Raises:
        MissingDependencyError: onnxruntime is not installed or does not load.
    """
    onnxruntime = import_package("onnxruntime", "ONNX Runtime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(str(PROBE), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pixels": np.full(PROBE_SHAPE, 255, np.uint8)})
    return bool((found[:, :, 1:-1, 1:-1] == PROBE_VALUE).all())
