"""A model with a coarse network: exported, checked, loaded by every engine, and used by the segmenter."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import WITH_VIEW, write_checkpoint

from LungUNetSegLib.engines import open_engine
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.networks import build_coarse_network
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.preprocessing.coarse import UNKNOWN
from LungUNetSegLib.segmentation.segmenter import Segmenter, segment
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("coarse") / "last.pt", WITH_VIEW)


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Model:
    return export(checkpoint, checkpoint.parent / "model", "tiny")


@pytest.fixture(scope="module")
def chest() -> Volume:
    """A phantom of 30 slices."""
    return make_phantom(phantom_geometry((30, 64, 72)), rng=0).ct


@pytest.mark.parametrize(("engine", "tolerance"), [("onnxruntime", 1e-5), ("torch", 1e-5), ("openvino", 0.03)])
@pytest.mark.parametrize("depth", [8, 24])
def test_every_engine_gives_the_checkpoints_probabilities_of_a_view_of_any_length(
    checkpoint: Path, model: Model, engine: str, tolerance: float, depth: int
) -> None:
    """OpenVINO computes in bfloat16 where the processor does; the coarse weights are standardised once, at export."""
    pytest.importorskip(engine)
    view = np.random.default_rng(0).uniform(-1, 1, (1, 1, depth, *WITH_VIEW.coarse_size)).astype(np.float32)
    values = torch.load(checkpoint, weights_only=True)
    network = build_coarse_network(values["config"]["coarse"]["network"]).eval()
    network.load_state_dict(values["coarse"])
    with torch.inference_mode():
        expected = network(torch.from_numpy(view)).sigmoid().numpy()
    assert expected.std() > 0.02, "the test would see little"
    assert model.coarse is not None
    found = open_engine(model.coarse, engine, "cpu").probabilities(view)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected, atol=tolerance)


def test_a_checkpoint_runs_both_networks_in_torch(checkpoint: Path, model: Model, chest: Volume) -> None:
    """To a voxel in a thousand, where both are at the threshold."""
    first, second = (segment(chest, each, device="cpu") for each in (load_model(checkpoint), model))
    assert (first.labels.array != second.labels.array).mean() < 1e-3


def test_the_coarse_files_are_checked(model: Model, tmp_path: Path) -> None:
    """A changed coarse network is refused as a changed slice network is."""
    for file in model.weights.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert load_model(tmp_path).coarse is not None
    (tmp_path / "coarse.safetensors").write_bytes(b"0" * 100)
    with pytest.raises(ModelError, match=r"coarse\.safetensors is not the file"):
        load_model(tmp_path)
    (tmp_path / "coarse.safetensors").unlink()
    with pytest.raises(ModelError, match=r"lacks .*coarse\.safetensors"):
        load_model(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["coarse"] = None
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="a coarse view but no coarse network"):
        load_model(tmp_path)


class Recorder:
    """An engine that keeps what it was shown and answers with one probability."""

    description = "recorder"
    device = "cpu"

    def __init__(self, answer: float) -> None:
        self.answer, self.shown = answer, []  # type: ignore[var-annotated]

    def probabilities(self, slices: np.ndarray) -> np.ndarray:
        self.shown.append(slices)
        return np.full((len(slices), 2, *slices.shape[2:]), self.answer, np.float32)


def test_the_whole_scan_is_seen_once_and_each_slice_is_told(model: Model, chest: Volume) -> None:
    """In coarse slices of 12 mm, padded to a multiple of 8; each slice is told 0.75, which is 0.5 between -1 and 1."""
    slices, coarse = Recorder(0.0), Recorder(0.75)
    Segmenter(model, slices, coarse=coarse).segment(chest)
    (view,) = coarse.shown
    coarse_slices = round(30 * chest.geometry.spacing_mm[0] / 12)
    assert view.shape == (1, 1, coarse_slices + -coarse_slices % 8, *WITH_VIEW.coarse_size)
    assert -1 <= view.min() < view.max() <= 1
    shown = np.concatenate(slices.shown)
    assert shown.shape == (30, 5, *WITH_VIEW.size)
    np.testing.assert_allclose(shown[:, 3:], 0.5, atol=1e-6)


@pytest.mark.parametrize("slices", ["one", "far apart"])
def test_slices_seen_alone_are_told_nothing(model: Model, chest: Volume, slices: str) -> None:
    """They have no coarse view: the coarse network is not asked."""
    if slices == "one":
        affine = np.array(chest.geometry.affine_lps)
        scan = Volume(chest.array[14:15], Geometry((1, 64, 72), affine))
    else:
        affine = np.array(chest.geometry.affine_lps)
        affine[:3, :3] = chest.geometry.directions * np.array((40.0, 5.0, 5.0))
        scan = Volume(chest.array, dataclasses.replace(chest.geometry, affine_lps=affine))
    engine, coarse = Recorder(0.0), Recorder(0.75)
    Segmenter(model, engine, coarse=coarse).segment(scan)
    assert not coarse.shown
    assert (np.concatenate(engine.shown)[:, 3:] == 2 * UNKNOWN - 1).all()
