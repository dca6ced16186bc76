"""The engine ONNX Runtime on the CPU: the default, without torch, in float32 or with 8-bit numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.engines.engine import engine_failure
from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.machine import cores, import_package
from LungUNetSegLib.models.checks import sha256_of
from LungUNetSegLib.models.model import Model

AT_ONCE = 2
"""Slices that are computed at once: threads of their own need not wait for each other, but take 26 MB each."""


class OnnxRuntimeEngine:
    """Runs the ONNX graph with ONNX Runtime's CPU provider.

    Args:
        model: With an ONNX graph.
        threads: Number of threads; if None, one per core.
        int8: Run the model's 8-bit graph instead. Only where `is_int8_exact`: elsewhere its sums saturate.

    Raises:
        MissingDependencyError: onnxruntime is not installed or does not load.
        EngineError: The graph is missing, changed, or cannot be run.
    """

    def __init__(self, model: Model, threads: int | None = None, *, int8: bool = False) -> None:
        onnxruntime = import_package("onnxruntime", "ONNX Runtime")
        graph = _int8_graph(model) if int8 else model.onnx
        if graph is None:
            raise EngineError(f"The model {model.name!r} has no ONNX graph: export it, or choose the engine torch.")
        options = onnxruntime.SessionOptions()
        threads = threads or cores()
        # The coarse network sees a whole scan at once; an odd number of threads cannot be shared out.
        self._at_once = 1 if model.is_coarse or threads % AT_ONCE else AT_ONCE
        options.intra_op_num_threads = threads // self._at_once
        options.log_severity_level = 3
        # Waiting threads sleep: between batches slices are sampled, and a spinning thread would occupy that core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen unrelated types
            raise engine_failure("ONNX Runtime", error) from error
        self._input = self._session.get_inputs()[0].name
        self.device = "cpu"
        self.description = f"ONNX Runtime {onnxruntime.__version__}, CPU, {'int8' if int8 else 'float32'}"

    def probabilities(self, slices: Float32) -> Float32:
        """Map (n, k, h, w) slices to (n, c, h, w) probabilities; see `Engine`."""
        # Each by itself: the features of several do not fit a CPU's caches, and take far more memory.
        try:
            with ThreadPoolExecutor(self._at_once) as threads:
                return np.concatenate(list(threads.map(self._run, slices)))
        except Exception as error:  # as above
            raise engine_failure("ONNX Runtime", error) from error

    def _run(self, slices: Float32) -> Float32:
        """Map one slice with its neighbours, (k, h, w), to (1, c, h, w) probabilities."""
        result: Float32 = self._session.run(None, {self._input: slices[None]})[0]
        return result


def _int8_graph(model: Model) -> Path:
    """Return the path of the model's 8-bit graph.

    Raises:
        EngineError: It is missing, or another file than the manifest describes.
    """
    if model.int8 is None or not model.int8.path.is_file():
        raise EngineError(f"The model {model.name!r} has no 8-bit graph: choose the engine onnxruntime for float32.")
    if sha256_of(model.int8.path) != model.int8.sha256:
        raise EngineError(
            f"{model.int8.path} is not the 8-bit graph that the model's manifest describes (its SHA-256 differs): it "
            "was changed or damaged. Get the model again."
        )
    return model.int8.path
