"""Defines the interface of engines: an engine turns slices into probabilities."""

from __future__ import annotations

from typing import Protocol

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.errors import EngineError, message_of


class Engine(Protocol):
    """A network loaded onto a device."""

    @property
    def description(self) -> str:
        """Name and version of the engine, name of the device, and precision, for reports."""
        ...

    @property
    def device(self) -> str:
        """The device: "cpu", "cuda" or "mps"."""
        ...

    def probabilities(self, slices: Float32) -> Float32:
        """Map (n, k, h, w) normalised slices to (n, c, h, w) probabilities.

        The k = ``PreprocessConfig.channels`` slices are the one to segment and its neighbours. The result has a channel
        for each of the model's structures, in their order: right and left lung, or both as one.

        Raises:
            OutOfMemoryError: The device has no room for n slices at once.
            EngineError: The device or the engine failed.
        """
        ...


class OutOfMemoryError(EngineError):
    """The device has too little memory for a batch; a smaller one may fit."""


def engine_failure(engine: str, error: Exception) -> EngineError:
    """Convert an engine's exception to our error; engines raise many types, so the text is examined."""
    text = message_of(error)
    # The last is oneDNN's message when it cannot allocate memory.
    signs = ("out of memory", "outofmemory", "alloc", "not enough memory", "could not create a primitive")
    if isinstance(error, MemoryError) or any(sign in f"{type(error).__name__} {text}".lower() for sign in signs):
        return OutOfMemoryError(f"{engine} ran out of memory: {text}")
    return EngineError(f"{engine} failed: {text or type(error).__name__}")
