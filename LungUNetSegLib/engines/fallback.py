"""An engine that continues if a device fails, with smaller batches, then another engine, but never wrong masks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.engines.engine import Engine, OutOfMemoryError
from LungUNetSegLib.errors import EngineError, MissingDependencyError

logger = logging.getLogger(__name__)

BATCH_SLICES = 8
"""Number of slices of a batch: enough to keep a GPU busy; engines of CPUs divide them."""

ROUNDING = 1e-5
"""Tolerance of probabilities outside 0 to 1: ONNX Runtime 1.32 gives 1.0000001 for the sigmoid of 17.844."""


class FallbackEngine:
    """Runs the first of several engines that works; the others are fallbacks.

    Each fallback is logged, and results that are already computed are kept.

    Args:
        openers: Functions that each open an engine, the preferred first.
        channels: Number of channels of the probabilities.
        batch_slices: Slices given to an engine at once; fewer after a lack of memory.

    Attributes:
        steps_down: A sentence for each fallback.

    Raises:
        EngineError: None of them opens.
        MissingDependencyError: The last of them is not installed.
    """

    def __init__(
        self, openers: Sequence[Callable[[], Engine]], channels: int = 2, batch_slices: int = BATCH_SLICES
    ) -> None:
        self.steps_down: list[str] = []
        self._openers, self._channels = list(openers), channels
        self._full_batch = self._batch = batch_slices
        self._engine = self._open_next()

    @property
    def description(self) -> str:
        """The description of the engine in use."""
        return self._engine.description

    @property
    def device(self) -> str:
        """The device in use."""
        return self._engine.device

    def probabilities(self, slices: Float32) -> Float32:
        """Map (n, k, h, w) slices to (n, c, h, w) probabilities; see `Engine`."""
        results: list[Float32] = []
        done = 0
        while done < len(slices):
            batch = slices[done : done + self._batch]
            try:
                results.append(self._run(batch))
            except OutOfMemoryError as error:
                self._step_down(error, smaller_batch=self._batch > 1)
            except EngineError as error:
                self._step_down(error, smaller_batch=False)
            else:
                done += len(batch)
        return results[0] if len(results) == 1 else np.concatenate(results)

    def _run(self, batch: Float32) -> Float32:
        result = self._engine.probabilities(batch)
        shape = (len(batch), self._channels, *batch.shape[2:])
        low, high = result.min(), result.max()
        # Comparisons with NaN are false, so this detects them too.
        if result.shape != shape or not (low >= -ROUNDING and high <= 1 + ROUNDING):
            raise EngineError(f"{self.description} returned values that are not probabilities of this model.")
        return result if low >= 0 and high <= 1 else result.clip(0, 1)

    def _step_down(self, error: EngineError, smaller_batch: bool) -> None:
        if smaller_batch:
            self._batch //= 2
            self._note(f"{error} Continuing with {self._batch} slices at once.")
            return
        if not self._openers:
            raise error
        self._engine = self._open_next()
        self._batch = self._full_batch
        self._note(f"{error} Continuing with {self.description}.")

    def _open_next(self) -> Engine:
        while True:
            try:
                return self._openers.pop(0)()
            except (EngineError, MissingDependencyError) as error:
                if not self._openers:
                    raise
                self._note(str(error))

    def _note(self, sentence: str) -> None:
        logger.warning(sentence)
        self.steps_down.append(sentence)
