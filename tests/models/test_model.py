"""Finding a model, and refusing one that is not what its manifest says."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from tiny_models import COARSE, write_checkpoint

from LungUNetSegLib.errors import MissingDependencyError, ModelError
from LungUNetSegLib.models import model as model_module
from LungUNetSegLib.models.model import load_model, read_manifest, shipped_models


@pytest.fixture
def own_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_model, tmp_path / "own"))


def _change_manifest(folder: Path, **entries: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_a_folder_its_manifest_and_a_shipped_name_give_the_same_model(
    tiny_model: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects `--model NAME|FILE`."""
    monkeypatch.setattr(model_module, "SHIPPED_FOLDER", tiny_model.parent)
    assert shipped_models() == ["tiny"]
    for name in (tiny_model, tiny_model / "manifest.json", "tiny"):
        model = load_model(name)
        assert (model.name, model.preprocess, model.channels) == ("tiny", COARSE, 2)
        assert model.onnx == tiny_model / "network.onnx"
    checkpoint = load_model(tiny_checkpoint)
    assert (checkpoint.name, checkpoint.preprocess, checkpoint.onnx) == ("best", COARSE, None)


@pytest.mark.parametrize("file", ["network.onnx", "weights.safetensors"])
def test_a_changed_file_is_refused(own_model: Path, file: str) -> None:
    """Protects from weights that are not those whose scores are known: one bit is enough."""
    content = bytearray((own_model / file).read_bytes())
    content[-1] ^= 1
    (own_model / file).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{file}.*SHA-256"):
        load_model(own_model)


@pytest.mark.parametrize("file", ["network.onnx", "weights.safetensors", "manifest.json"])
def test_a_missing_file_is_named(own_model: Path, file: str) -> None:
    """Protects the reader of an incomplete copy."""
    (own_model / file).unlink()
    with pytest.raises(ModelError, match="own"):
        load_model(own_model)


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """Protects who mistypes."""
    with pytest.raises(ModelError, match="shipped name"):
        load_model("lnugs")


def test_a_manifest_that_is_none_is_refused(own_model: Path) -> None:
    """Protects from another program's manifest.json and from a damaged one."""
    _change_manifest(own_model, colour="blue")
    with pytest.raises(ModelError, match=r"manifest\.json.*colour"):
        load_model(own_model)
    (own_model / "manifest.json").write_text("{")
    with pytest.raises(ModelError, match=r"manifest\.json"):
        read_manifest(own_model / "manifest.json")


def test_a_manifest_may_not_point_out_of_its_folder(own_model: Path) -> None:
    """Protects the other files of who loads a stranger's model."""
    entry = {"file": "../secret.onnx", "sha256": ""}
    _change_manifest(own_model, files={"onnx": entry, "torch": entry})
    with pytest.raises(ModelError, match="own folder"):
        load_model(own_model)


def test_a_model_that_maps_other_channels_is_refused(own_model: Path) -> None:
    """Protects from a network made for something else."""
    others = (
        {"in_channels": 1, "out_channels": 2},
        *({"in_channels": 3, "out_channels": each} for each in (5, "two", None)),
    )
    for network in others:
        _change_manifest(own_model, network=network)
        with pytest.raises(ModelError, match="channels"):
            load_model(own_model)


@pytest.mark.parametrize("file", ["network.onnx", "weights.safetensors"])
def test_an_engine_s_file_alone_is_no_model(tiny_model: Path, file: str) -> None:
    """Protects who gives the ONNX file: its pixel size and window stand in the manifest."""
    with pytest.raises(ModelError, match=r"manifest\.json"):
        load_model(tiny_model / file)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    """Protects from text, damage, and other programs' checkpoints."""
    import torch

    whole = write_checkpoint(tmp_path / "whole.pt").read_bytes()
    contents = {"text": b"no checkpoint", "cut": whole[:2000], "pickle": b"\x80\x02.", "empty": b""}
    for name, content in contents.items():
        (tmp_path / f"{name}.pt").write_bytes(content)
    objects = {"foreign": {"state_dict": {}}, "tensor": torch.zeros(3), "list": [1]}
    for name, value in objects.items():
        torch.save(value, tmp_path / f"{name}.pt")
    for name in (*contents, *objects):
        with pytest.raises(ModelError, match=rf"{name}\.pt is"):
            load_model(tmp_path / f"{name}.pt")


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    """Protects who tries a stranger's checkpoint: a pickle may hold any call, here one that makes a file."""
    import torch

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"config": Trap(), "network": {}, "average": None}, tmp_path / "trap.pt")
    with pytest.raises(ModelError, match="trap"):
        load_model(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_a_checkpoint_without_torch_says_what_is_missing(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects who gives a checkpoint where only ONNX Runtime is installed."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="pip install torch"):
        load_model(tiny_checkpoint)


def test_every_shipped_model_is_whole() -> None:
    """Protects the package: hashes, sizes, and what licences ask to be repeated."""
    total = 0
    for name in shipped_models():
        model = load_model(name)
        assert model.manifest is not None and model.manifest.name == name
        assert model.manifest.training.commands and model.manifest.scores
        assert all(each.licence and each.citation for each in model.manifest.training.cases)
        assert not any("LIDC-IDRI-0001" in each.cases for each in model.manifest.training.cases)
        total += sum(path.stat().st_size for path in model.weights.parent.iterdir())
    assert total < 15e6
