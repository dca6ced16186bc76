"""What happens when an engine is too small, broken or missing: the next one goes on, or a sentence; no wrong mask."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from tiny_models import FakeEngine

from LungUNetSegLib.engines import FallbackEngine, OutOfMemoryError
from LungUNetSegLib.errors import EngineError, MissingDependencyError


@pytest.fixture
def slices() -> np.ndarray:
    """Twelve slices, each of one value between 0 and 1."""
    values = np.arange(12, dtype=np.float32) / 16  # whose means are exact
    return values[:, None, None, None] * np.ones((1, 1, 4, 5), np.float32)


def _is_answer(result: np.ndarray, slices: np.ndarray) -> bool:
    return np.array_equal(result, np.broadcast_to(slices, result.shape))


def test_without_trouble_the_first_engine_does_all(slices: np.ndarray) -> None:
    """Protects the plain way."""
    first, second = FakeEngine("first"), FakeEngine("second")
    engine = FallbackEngine([lambda: first, lambda: second], batch_slices=8)
    assert _is_answer(engine.probabilities(slices), slices)
    assert (first.batches, second.batches, engine.steps_down) == ([8, 4], [], [])


def test_out_of_memory_halves_the_batch_and_keeps_the_result(
    slices: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects small GPUs: 8, 4, 2 at once, each step logged, the same result."""
    small = FakeEngine("small GPU", room=2)
    engine = FallbackEngine([lambda: small], batch_slices=8)
    with caplog.at_level(logging.WARNING):
        assert _is_answer(engine.probabilities(slices), slices)
    assert small.batches == [8, 4] + 6 * [2]
    assert len(engine.steps_down) == len(caplog.records) == 2
    assert "2 slices at once" in engine.steps_down[-1]


def test_no_room_for_one_slice_goes_on_with_the_next_engine(slices: np.ndarray) -> None:
    """Protects from ending for want of a GPU's memory; the CPU gets full batches again."""
    gpu, cpu = FakeEngine("GPU", room=0), FakeEngine("CPU")
    engine = FallbackEngine([lambda: gpu, lambda: cpu], batch_slices=4)
    assert _is_answer(engine.probabilities(slices), slices)
    assert (gpu.batches, cpu.batches) == ([4, 2, 1], [4, 4, 4])
    assert engine.description == "CPU"


def test_an_engine_that_fails_midway_loses_nothing(slices: np.ndarray) -> None:
    """Protects what is computed, and the rest, from a GPU that dies."""
    gpu, cpu = FakeEngine("GPU", fails_at=2), FakeEngine("CPU")
    engine = FallbackEngine([lambda: gpu, lambda: cpu], batch_slices=4)
    assert _is_answer(engine.probabilities(slices), slices)
    assert (gpu.batches, cpu.batches) == ([4, 4], [4, 4])
    assert "GPU failed" in engine.steps_down[0] and "CPU" in engine.steps_down[0]


@pytest.mark.parametrize("rubbish", [np.nan, np.inf, -0.1, 1.5])
def test_values_that_are_no_probabilities_are_never_used(slices: np.ndarray, rubbish: float) -> None:
    """Protects from a wrong mask: a broken device's numbers are a failure."""
    engine = FallbackEngine([lambda: FakeEngine("broken", answer=rubbish), lambda: FakeEngine("CPU")])
    assert _is_answer(engine.probabilities(slices), slices)
    with pytest.raises(EngineError, match="not probabilities of this model"):
        FallbackEngine([lambda: FakeEngine("broken", answer=rubbish)]).probabilities(slices)


@pytest.mark.parametrize("shape", [(12, 3, 4, 5), (12, 1, 4, 5), (12, 2, 4, 4), (11, 2, 4, 5)])
def test_probabilities_of_another_shape_are_never_used(slices: np.ndarray, shape: tuple[int, ...]) -> None:
    """Protects from a graph that is not what its manifest says: a side of another network, or another grid."""
    other = FakeEngine("other")
    other.probabilities = lambda slices: np.zeros(shape, np.float32)  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="not probabilities of this model"):
        FallbackEngine([lambda: other], batch_slices=12).probabilities(slices)


def test_when_the_last_engine_fails_so_does_the_work(slices: np.ndarray) -> None:
    """Protects from an endless search."""
    engine = FallbackEngine([lambda: FakeEngine("a", fails_at=1), lambda: FakeEngine("b", room=0)])
    with pytest.raises(OutOfMemoryError, match="b ran out"):
        engine.probabilities(slices)


def test_engines_that_do_not_open_are_passed_over() -> None:
    """Protects `auto` where an installed engine is broken, and tells why when none opens."""

    def broken() -> FakeEngine:
        raise MissingDependencyError("no AVX")

    engine = FallbackEngine([broken, lambda: FakeEngine("works")])
    assert engine.description == "works" and engine.steps_down == ["no AVX"]
    with pytest.raises(MissingDependencyError, match="no AVX"):
        FallbackEngine([broken])


@pytest.mark.parametrize(("answer", "expected"), [(1.0000001, 1.0), (-1e-7, 0.0)])
def test_a_probability_that_is_rounded_past_its_end_is_taken(answer: float, expected: float) -> None:
    """Protects scans with a very sure pixel: ONNX Runtime 1.32 gives the sigmoid of 17.87 as 1.0000001."""
    engine = FallbackEngine([lambda: FakeEngine("sure", answer=answer)])
    assert (engine.probabilities(np.zeros((1, 1, 4, 4), np.float32)) == expected).all()
    assert engine.steps_down == []
