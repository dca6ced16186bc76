"""Finding a model, and refusing one that is not what its manifest says."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import COARSE, one_channel_model, write_checkpoint

from LungUNetSegLib.config import to_json
from LungUNetSegLib.engines import open_engine
from LungUNetSegLib.errors import MissingDependencyError, ModelError
from LungUNetSegLib.models import model as model_module
from LungUNetSegLib.models.checks import sha256_of
from LungUNetSegLib.models.manifest import read_manifest
from LungUNetSegLib.models.model import load_model, shipped_models
from LungUNetSegLib.models.safetensors import read_weights, write_weights
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS, Segment
from LungUNetSegLib.training.checkpoint import load_checkpoint


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
    with pytest.raises(ModelError, match="give a name"):
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


def _with_true_hashes(folder: Path) -> Path:
    """Let the manifest describe the files as they are now: what a tool does that changes a model on purpose."""
    files = {"onnx": "network.onnx", "torch": "weights.safetensors"}
    _change_manifest(folder, files={key: {"file": f, "sha256": sha256_of(folder / f)} for key, f in files.items()})
    return folder


def test_weights_that_lie_elsewhere_than_the_graph_reads_them_are_refused(own_model: Path) -> None:
    """Protects from 42 ml of rubbish with exit 0: weights written anew, by name the same, lay 8 bytes further."""
    assert load_model(_with_true_hashes(own_model)).name == "tiny"
    path = own_model / "weights.safetensors"
    whole, tensors = path.read_bytes(), read_weights(path)
    length = int.from_bytes(whole[:8], "little")
    longer = (length + 8).to_bytes(8, "little") + whole[8 : 8 + length] + b" " * 8 + whole[8 + length :]
    fewer = {name: tensor for name, tensor in tensors.items() if name != next(iter(tensors))}
    for content in (longer, dict(reversed(tensors.items())), fewer):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            write_weights(path, content)
        with pytest.raises(ModelError, match=r"network\.onnx does not belong .* at byte \d+ of weights\.safetensors"):
            load_model(_with_true_hashes(own_model))


def test_a_manifest_of_another_network_than_the_graph_s_is_refused(own_model: Path) -> None:
    """Protects from reading one structure as another, and from a wrong grid: found at once, and by every engine."""
    about = json.loads((own_model / "manifest.json").read_text())
    other_size = about["preprocess"] | {"size": [64, 64]}
    for entries, said in (
        ({"network": about["network"] | {"out_channels": 1}, "structures": []}, r"gives any x 2 x .* says any x 1 x"),
        ({"preprocess": other_size}, r"takes any x 3 x 56 x 64, and the manifest says any x 3 x 64 x 64"),
    ):
        _change_manifest(own_model, **about | entries)
        with pytest.raises(ModelError, match=said):
            load_model(own_model)


def test_the_manifest_names_what_the_channels_stand_for(own_model: Path) -> None:
    """Protects models of other structures: names, labels and codes are the manifest's, and one for each channel."""
    assert load_model(own_model).structures == LUNGS
    lobe = {**to_json(LUNGS[0]), "segment_id": "RightUpperLobe", "name": "Right upper lobe"}
    others = [lobe, {**lobe, "label": 2, "segment_id": "RightLowerLobe", "name": "Right lower lobe"}]
    _change_manifest(own_model, structures=others)
    assert [each.name for each in load_model(own_model).structures] == ["Right upper lobe", "Right lower lobe"]
    assert not load_model(own_model).finds_lungs
    for wrong, said in ((others[:1], "structures are Right upper lobe"), ([lobe, lobe], "different labels")):
        _change_manifest(own_model, structures=wrong)
        with pytest.raises(ModelError, match=said):
            load_model(own_model)


@pytest.mark.parametrize("cut", [0, 1, 7, 100, 1000])
def test_a_graph_that_is_none_is_refused(own_model: Path, cut: int) -> None:
    """Protects who copied a model in part, and then made its hashes anew."""
    path = own_model / "network.onnx"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"network\.onnx is not a complete ONNX graph"):
        load_model(_with_true_hashes(own_model))


@pytest.mark.parametrize(("channels", "structures"), [(2, LUNGS), (1, BOTH_LUNGS)])
def test_a_manifest_without_structures_or_a_network_s_name_is_of_a_lung_u_net(
    tiny_model: Path, tmp_path: Path, channels: int, structures: tuple[Segment, ...]
) -> None:
    """Protects models that older versions exported: their manifests name neither."""
    folder = shutil.copytree(tiny_model if channels == 2 else one_channel_model(), tmp_path / "own")
    values = json.loads((folder / "manifest.json").read_text())
    del values["structures"], values["network"]["name"]
    values["network"]["middle_dilation"] = 1
    (folder / "manifest.json").write_text(json.dumps(values))
    model = load_model(folder)
    assert model.structures == structures and model.finds_lungs
    slices = np.zeros((1, 3, *COARSE.size), np.float32)
    by_engine = [open_engine(model, engine, "cpu").probabilities(slices) for engine in ("onnxruntime", "torch")]
    np.testing.assert_allclose(*by_engine, atol=1e-5)


def test_a_checkpoint_without_a_network_s_name_is_of_a_u_net(tmp_path: Path) -> None:
    """Protects everybody's trainings of before there were other networks: they are used and resumed as they are."""
    import torch

    path = write_checkpoint(tmp_path / "old.pt")
    values = torch.load(path, weights_only=True)
    del values["config"]["network"]["name"]
    values["config"]["network"]["middle_dilation"] = 1
    torch.save(values, tmp_path / "old.pt")
    assert load_checkpoint(path).config.network.name == "unet"
    slices = np.zeros((1, 3, *COARSE.size), np.float32)
    assert open_engine(load_model(path), "torch", "cpu").probabilities(slices).shape == (1, 2, *COARSE.size)


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
    for load in (load_model, load_checkpoint):
        with pytest.raises(ModelError, match=r"trap.*code rather than weights") as refusal:
            load(tmp_path / "trap.pt")
        for advice in ("weights_only", "safe_globals", "arbitrary code"):
            assert advice not in str(refusal.value), "torch's advice to load it unsafely was passed on"
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
