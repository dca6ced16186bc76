"""Checkpoints: code in them, damage, and parts that are missing."""

from __future__ import annotations

import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from corpus.bench import Bench, Trial
from corpus.kinds import Section
from tiny_models import tiny_checkpoint

from LungUNetSegLib.errors import ConfigError, ModelError
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.training.checkpoint import load_checkpoint

checkpoints = Section("Checkpoints")


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
