"""The whole way with real engines: they agree, a step down is told, and threads are limited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from tiny_models import write_checkpoint

from LungUNetSegLib import machine
from LungUNetSegLib.errors import EngineError, ModelError
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segmentation.segmenter import Segmenter, segment


def test_every_engine_segments_alike(tiny_model: Path, small_phantom: Phantom) -> None:
    """Protects scores from depending on the engine: float32 engines differ in no voxel that is not on the edge."""
    model = load_model(tiny_model)
    results = {}
    for engine in ("onnxruntime", "torch"):
        result = Segmenter(model, engine, "cpu").segment(small_phantom.ct, raw=True)
        assert "load" in result.seconds and result.device == "cpu"
        results[engine] = result.labels.array
    assert (results["onnxruntime"] != results["torch"]).mean() < 1e-4
    assert results["torch"].any(), "the test would see nothing"


def test_a_model_that_knows_no_sides_gives_both_as_one(tmp_path: Path, small_phantom: Phantom) -> None:
    """Protects networks with one channel, as the paper's: never a guess at sides."""
    model = load_model(write_checkpoint(tmp_path / "both.pt", out_channels=1))
    with pytest.raises(ModelError, match="both as one"):
        segment(small_phantom.ct, model, device="cpu")
    result = Segmenter(model, device="cpu").segment(small_phantom.ct, labels="binary", raw=True)
    assert set(np.unique(result.labels.array)) <= {0, 1}


def test_an_engine_s_step_down_is_a_finding(
    tiny_model: Path, small_phantom: Phantom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the reader of a result that was not made as asked for."""
    from LungUNetSegLib.engines import selection

    class DyingGpu:
        description, device = "GPU", "cuda"

        def __init__(self, *arguments: object) -> None:
            pass

        def probabilities(self, slices: np.ndarray) -> np.ndarray:
            raise EngineError("The GPU died.")

    monkeypatch.setattr(selection, "_gpu_is_likely", lambda: True)
    monkeypatch.setattr(selection, "torch_devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(selection, "TorchEngine", DyingGpu)
    result = segment(small_phantom.ct, load_model(tiny_model))
    assert result.findings[0].code == "engine-fallback" and "The GPU died" in result.findings[0].message
    assert result.device == "cpu" and result.engine.startswith("ONNX Runtime")


def test_threads_are_limited_where_a_scan_is_resampled_too(
    tiny_model: Path, oblique_phantom: Phantom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects who shares a machine: ITK takes every core unless it is told otherwise; afterwards it may again."""
    used, resample = [], sitk.Resample

    def note(*arguments: object) -> sitk.Image:
        used.append(sitk.ProcessObject.GetGlobalDefaultNumberOfThreads())
        return resample(*arguments)

    monkeypatch.setattr(sitk, "Resample", note)
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    segment(oblique_phantom.ct, load_model(tiny_model), engine="onnxruntime", threads=1)
    assert len(used) >= 2 and set(used) == {1}, "to the body's axes and back"
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == before
    used.clear()
    monkeypatch.setattr(machine, "limited_cores", lambda: before + 1)
    segment(oblique_phantom.ct, load_model(tiny_model), engine="onnxruntime")
    assert set(used) == {before + 1}, "a container's limit"
