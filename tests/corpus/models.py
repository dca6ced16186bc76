"""Models, checkpoints, settings and splits: parts that do not belong together, and values that nobody thought of."""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from corpus.bench import Bench, Trial
from corpus.kinds import Section
from tiny_models import kept_folder, tiny_checkpoint, tiny_model, write_checkpoint

from LungUNetSegLib.cases.splits import load_split
from LungUNetSegLib.config import parse_json
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import ConfigError, DataError, ModelError
from LungUNetSegLib.models.model import load_model, sha256_of
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.config import read_config

section = Section("Models")
checkpoints = Section("Checkpoints")
settings = Section("Settings and splits")


def model(change: Callable[[Path], object] = lambda folder: None) -> Callable[[Bench], Trial]:
    """The tiny model with a change in its folder, loaded."""

    def attempt(b: Bench) -> Trial:
        folder = Path(shutil.copytree(tiny_model(), b.folder / "model"))
        change(folder)
        return b.holds(load_model(folder).name == "tiny", "its name is another")

    return attempt


def manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "manifest.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps(change(content) or content))

    return edit


def with_hash(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Change a file and write its new hash into the manifest, as a forger would."""

    def edit(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))
        entry = "onnx" if name.endswith("onnx") else "torch"
        manifest(lambda m: m["files"][entry].update(sha256=sha256_of(path)))(folder)

    return edit


def header(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """Change the header of a safetensors file."""

    def edit(content: bytes) -> bytes:
        length = int.from_bytes(content[:8], "little")
        values = json.loads(content[8 : 8 + length])
        change(values)
        text = json.dumps(values).encode()
        return len(text).to_bytes(8, "little") + text + content[8 + length :]

    return edit


def first(values: dict[str, Any]) -> dict[str, Any]:
    return next(value for name, value in values.items() if name != "__metadata__")


def raw(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "manifest.json").write_text(text)


def _refused(name: str, words: str, change: Callable[[Path], object]) -> None:
    section.refused(name, words, model(change), ModelError)


section.right("as it was exported", model())
_refused(
    "one bit of the weights changed",
    "SHA-256",
    lambda f: (f / "weights.safetensors").write_bytes((f / "weights.safetensors").read_bytes()[:-1] + b"\x7f"),
)
_refused(
    "one bit of the graph changed",
    "SHA-256",
    lambda f: (f / "network.onnx").write_bytes((f / "network.onnx").read_bytes() + b"\0"),
)
_refused("no weights", "weights.safetensors", lambda f: (f / "weights.safetensors").unlink())
_refused("no graph", "network.onnx", lambda f: (f / "network.onnx").unlink())
_refused("no manifest", "no model", lambda f: (f / "manifest.json").unlink())
_refused(
    "weights in a folder above",
    "own folder",
    manifest(lambda m: m["files"]["torch"].update(file="../weights.safetensors")),
)
_refused(
    "weights at an absolute path", "own folder", manifest(lambda m: m["files"]["torch"].update(file="/etc/passwd"))
)
_refused("an entry that is not known", "unknown setting", manifest(lambda m: m.update(postprocess="none")))
_refused("no entry for the grid", "preprocess", manifest(lambda m: {k: v for k, v in m.items() if k != "preprocess"}))
_refused("a word for a number", "spacing_mm", manifest(lambda m: m["preprocess"].update(spacing_mm="six")))
_refused("a number without end", "spacing_mm", manifest(lambda m: m["preprocess"].update(spacing_mm=float("inf"))))
_refused("a spacing of nothing", "spacing_mm", manifest(lambda m: m["preprocess"].update(spacing_mm=0.0)))
_refused("a window that falls", "window_hu", manifest(lambda m: m["preprocess"].update(window_hu=[400, -1000])))
_refused("another size than the graph's", "does not belong", manifest(lambda m: m["preprocess"].update(size=[64, 64])))
_refused("a network of one channel for two lungs", "channels", manifest(lambda m: m["network"].update(out_channels=1)))
_refused(
    "a network of other channels than the grid gives",
    "channels",
    manifest(lambda m: m["network"].update(in_channels=7)),
)
_refused(
    "two structures of one label",
    "different labels",
    manifest(
        lambda m: m.update(
            structures=[dict(m["structures"][0], label=1), dict(m["structures"][1], label=1)]
            if m.get("structures")
            else [_structure(1), _structure(1)]
        )
    ),
)
_refused(
    "structures that are no lungs, three of them",
    "channels",
    manifest(lambda m: m.update(structures=[_structure(n) for n in (1, 2, 3)])),
)
_refused("a coarse view without its network", "coarse view", manifest(lambda m: m["preprocess"].update(coarse_mm=12.0)))
_refused("a list for a manifest", "manifest.json", raw("[]"))
_refused("a manifest of nothing", "manifest.json", raw(""))
_refused("a manifest that is a web page", "manifest.json", raw("<html></html>"))
_refused("a manifest cut in the middle", "manifest.json", lambda f: raw((f / "manifest.json").read_text()[:300])(f))
_refused("a manifest nested without end", "nested", raw("[" * 100000))
_refused(
    "a manifest in UTF-16",
    "manifest.json",
    lambda f: (f / "manifest.json").write_bytes((f / "manifest.json").read_text().encode("utf-16")),
)
_refused(
    "an entry that is there twice",
    "twice",
    lambda f: raw((f / "manifest.json").read_text().replace("{", '{"name": "other", ', 1))(f),
)
_refused("weights cut short, their hash forged", "safetensors", with_hash("weights.safetensors", lambda c: c[:-400]))
_refused(
    "weights of half precision for whole, their hash forged",
    "model",
    with_hash("weights.safetensors", header(lambda h: first(h).update(dtype="F64"))),
)
_refused(
    "a weight of another shape, its hash forged",
    "weights.safetensors",
    with_hash("weights.safetensors", header(lambda h: first(h).update(shape=[1, 1]))),
)
_refused(
    "a weight at another's place, its hash forged",
    "weight",
    with_hash(
        "weights.safetensors",
        header(
            lambda h: first(h).update(data_offsets=[4, 4 + first(h)["data_offsets"][1] - first(h)["data_offsets"][0]])
        ),
    ),
)
_refused(
    "a weight that is missing, its hash forged",
    "weight",
    with_hash("weights.safetensors", header(lambda h: h.pop(next(n for n in h if n != "__metadata__")))),
)
_refused(
    "a header of terabytes, its hash forged",
    "safetensors",
    with_hash("weights.safetensors", lambda c: (1 << 50).to_bytes(8, "little") + c[8:]),
)
_refused("a graph cut short, its hash forged", "ONNX", with_hash("network.onnx", lambda c: c[: len(c) // 2]))
_refused("a graph of nothing, its hash forged", "ONNX", with_hash("network.onnx", lambda c: b""))
_refused(
    "a graph that reads another file, its hash forged",
    "does not belong",
    with_hash("network.onnx", lambda c: c.replace(b"weights.safetensors", b"../../../etc/passwd")),
)
_refused(
    "the graph of another network, its hash forged",
    "does not belong",
    lambda f: with_hash("network.onnx", lambda c: _other_graph())(f),
)
section.refused(
    "a file of weights by itself",
    "manifest.json",
    lambda b: b.holds(bool(load_model(tiny_model() / "weights.safetensors")), "taken"),
    ModelError,
)
section.refused(
    "a name that no model has", "no model 'lunges'", lambda b: b.holds(bool(load_model("lunges")), "taken"), ModelError
)
section.refused(
    "a folder without a model", "no model", lambda b: b.holds(bool(load_model(b.folder)), "taken"), ModelError
)


def _structure(label: int) -> dict[str, Any]:
    return {"label": label, "segment_id": f"S{label}", "name": f"S{label}", "colour": [0, 0, 1], "terminology": "x"}


@cache
def _other_graph() -> bytes:
    folder = kept_folder()
    checkpoint = write_checkpoint(folder / "best.pt", features_per_stage=(4, 8, 12))
    export(checkpoint, folder / "m", "m", description="Random weights.", date="2026-01-31")
    return (folder / "m" / "network.onnx").read_bytes()


class Payload:
    """What runs when it is unpickled, if it is."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(tempfile.gettempdir()) / "lungunetseg-payload-ran",)


def checkpoint(change: Callable[[Path], object]) -> Callable[[Bench], Trial]:
    """The tiny checkpoint with a change, read both for inference and to go on training."""

    def attempt(b: Bench) -> Trial:
        path = Path(shutil.copy(tiny_checkpoint(), b.folder / "best.pt"))
        change(path)
        try:
            load_checkpoint(path)
            return b.holds(load_model(path).name == "best", "its name is another")
        finally:
            ran = Path(tempfile.gettempdir()) / "lungunetseg-payload-ran"
            if ran.exists():
                ran.unlink()
                raise AssertionError("the payload ran")

    return attempt


def parts(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        content = torch.load(path, weights_only=True)
        torch.save(change(content) or content, path)

    return edit


def _bad(name: str, words: str, change: Callable[[Path], object], error: type = ModelError) -> None:
    checkpoints.refused(name, ("best.pt", words) if words else "best.pt", checkpoint(change), error)


checkpoints.right("as it was saved", checkpoint(lambda p: None))
_bad("code in place of weights", "refused", lambda p: torch.save(Payload(), p))
_bad("code among the weights", "refused", parts(lambda c: c | {"history": [Payload()]}))
_bad("a plain pickle with code", "", lambda p: p.write_bytes(pickle.dumps(Payload())))
_bad("cut short", "", lambda p: p.write_bytes(p.read_bytes()[:-500]))
_bad("a changed byte in its middle", "", lambda p: _zip_spoilt(p))
_bad("empty", "", lambda p: p.write_bytes(b""))
_bad("a zip archive of something else", "", lambda p: _zip(p))
_bad("weights alone, without settings", "", parts(lambda c: c["network"]))
_bad("a list of tensors", "", lambda p: torch.save([torch.ones(3)], p))
_bad("a format of the future", "", parts(lambda c: c | {"format": "lungunetseg 99"}))
_bad("without its split", "split", parts(lambda c: {k: v for k, v in c.items() if k != "split"}))
_bad("with a part that is not known", "", parts(lambda c: c | {"extra": 1}))
_bad("an epoch in words", "", parts(lambda c: c | {"epoch": "three"}))
_bad(
    "settings of a network that there is none of",
    "",
    parts(lambda c: c | {"config": c["config"] | {"network": {"name": "perceptron"}}}),
    ConfigError,
)
_bad(
    "a learning rate that is no number",
    "learning_rate",
    parts(lambda c: c | {"config": c["config"] | {"learning_rate": float("nan")}}),
    ConfigError,
)


def _zip_spoilt(path: Path) -> None:
    """Break an archive's table of contents; what a changed weight is, nobody can tell."""
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\1\2")
    content[place + 20 : place + 24] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"not a pickle")


# Settings and splits


def setting(*texts: str, file: str | None = None) -> Callable[[Bench], Trial]:
    """The preset `lungs` with settings of a file and of the command line."""
    return lambda b: b.holds(
        bool(read_config("lungs", b.write("s.json", file) if file is not None else None, list(texts))), "taken"
    )


def _setting(name: str, words: str, *texts: str, file: str | None = None) -> None:
    settings.refused(name, words, setting(*texts, file=file), ConfigError)


settings.right("a setting in a file and another on the command line", setting("epochs=3", file='{"batch_size": 2}'))
_setting("a name that there is none of", "unknown setting 'epoch'", "epoch=3")
_setting("a name within another that there is none of", "unknown setting", "augment.flipp=1")
_setting("a word for a number", "epochs", "epochs=many")
_setting("a fraction for a count", "epochs", "epochs=1.5")
_setting("true for a count", "epochs", file='{"epochs": true}')
_setting("1e400", "learning_rate", "learning_rate=1e400")
_setting("NaN", "learning_rate", "learning_rate=NaN")
_setting("a count of no epochs", "epochs", "epochs=0")
_setting("a negative rate", "learning_rate", "learning_rate=-1")
_setting("a loss that there is none of", "loss", "loss=dice2")
_setting("a list for a number", "epochs", "epochs=[1,2]")
_setting("a setting without a value", "epochs", "epochs")
_setting("a setting that is there twice", "twice", file='{"epochs": 3, "epochs": 5}')
_setting("a file that is no JSON", "s.json", file="epochs: 3")
_setting("a file nested without end", "nested", file='{"a":' * 5000 + "1" + "}" * 5000)
_setting("a list for settings", "settings", file="[]")
_setting("a grid of two by two pixels", "size", "preprocess.size=[2,2]")


def split(text: str) -> Callable[[Bench], Trial]:
    return lambda b: b.holds(bool(load_split(b.write("split.json", text))), "taken")


settings.right("a split", split('{"training": ["a", "b"], "test": ["c"]}'))
settings.refused(
    "a split whose parts share a case", "both", split('{"training": ["a", "b"], "test": ["b"]}'), DataError
)
settings.refused(
    "a split that names a case twice", "twice", split('{"training": ["a", "a"], "test": ["b"]}'), DataError
)
settings.refused("a split with numbers for names", "split.json", split('{"training": [1], "test": []}'), ConfigError)
settings.refused("a split without a test", "test", split('{"training": ["a"]}'), ConfigError)
settings.refused("a text for a split's list", "split.json", split('{"training": "ab", "test": []}'), ConfigError)
settings.refused(
    "a split that is not there",
    "gone.json",
    lambda b: b.holds(bool(load_split(b.folder / "gone.json")), "taken"),
    DataError,
)
settings.right("deep JSON within reason", lambda b: b.holds(bool(parse_json("[" * 50 + "]" * 50)), "refused"))
