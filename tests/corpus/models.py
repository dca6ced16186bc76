"""Models: parts that do not belong together, and values that nobody thought of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from corpus.bench import Bench, Trial
from corpus.kinds import Section
from tiny_models import kept_folder, tiny_model, write_checkpoint

from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.model import load_model, sha256_of

section = Section("Models")


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
