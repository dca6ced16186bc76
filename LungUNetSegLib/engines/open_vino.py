"""The engine OpenVINO on the CPU: bfloat16 if the CPU supports it, float32 otherwise."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.engines.engine import engine_failure
from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.models.model import Model


class OpenVinoEngine:
    """Runs the ONNX graph with OpenVINO, one slice per thread at a time.

    Args:
        model: With an ONNX graph.
        threads: Number of threads; if None, one per core.

    Raises:
        MissingDependencyError: openvino is not installed or does not load.
        EngineError: The graph is missing or cannot be run.
    """

    def __init__(self, model: Model, threads: int | None = None) -> None:
        openvino = import_package("openvino", "OpenVINO")
        if model.onnx is None:
            raise EngineError(f"The model {model.name!r} has no ONNX graph: export it, or choose the engine torch.")
        try:
            core = _core(openvino)
            precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
            graph = core.read_model(str(model.onnx))
            # A fixed shape lets OpenVINO plan its memory; only a scan's length is dynamic.
            graph.reshape([1, *model.input_shape])
            compiled = core.compile_model(graph, "CPU", _settings(precision, threads))
            self._queue = openvino.AsyncInferQueue(compiled)
        except Exception as error:  # openvino raises bare RuntimeErrors and pybind11's own
            raise engine_failure("OpenVINO", error) from error
        self._queue.set_callback(_keep_result)
        self._channels = compiled.output(0).partial_shape[1].get_length()
        name = {"bf16": "bfloat16", "f32": "float32"}[precision]
        self.device = "cpu"
        self.description = f"OpenVINO {openvino.__version__.split('-')[0]}, CPU, {name}"

    def probabilities(self, slices: Float32) -> Float32:
        """Map (n, k, h, w) slices to (n, c, h, w) probabilities; see `Engine`."""
        result = np.empty((len(slices), self._channels, *slices.shape[2:]), np.float32)
        try:
            for index in range(len(slices)):
                self._queue.start_async({0: slices[index : index + 1]}, result[index])
            self._queue.wait_all()
        except Exception as error:  # as above
            raise engine_failure("OpenVINO", error) from error
        return result


@cache
def _core(openvino: Any) -> Any:
    """Return OpenVINO's Core, one for the process, kept until its end.

    A Core moves its thread's signal stack to its own memory. If two are freed in the order of their creation, the
    stack stays in freed memory, and the next signal, such as Ctrl-C, crashes the process.
    """
    return openvino.Core()


def _settings(precision: str, threads: int | None) -> dict[str, Any]:
    # Throughput mode: one slice per thread, so that threads need no synchronisation between layers.
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
    if threads:
        settings |= {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
    return settings


def _keep_result(request: Any, destination: Float32) -> None:
    destination[:] = request.get_output_tensor(0).data[0]
