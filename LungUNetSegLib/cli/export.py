"""`lungunetseg export`: turns a training's checkpoint into a model folder that every engine can run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.config import from_json, parse_json
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.models.manifest import Training
from LungUNetSegLib.models.model import own_model_folder


@dataclass(frozen=True, kw_only=True)
class About:
    """The entries of a manifest that a checkpoint does not have; see `models.manifest.Manifest`."""

    description: str = ""
    date: str | None = None
    training: Training | None = None
    scores: dict[str, Any] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="best.pt or last.pt of a training")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER",
        help="the model's folder; if not given, the model becomes one of the user's own, which the panel lists",
    )  # fmt: skip
    parser.add_argument("--name", help="the model's name; the folder's if not given")
    parser.add_argument(
        "--about", type=Path, metavar="FILE", help="JSON with description, date, training and scores for the manifest"
    )


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Export and compare with the checkpoint.

    Raises:
        LungUNetSegError: A checkpoint, description or folder that cannot be used.
    """
    about = _read_about(arguments.about) if arguments.about else About()
    if not (arguments.output or arguments.name):
        raise ConfigError("Say where the model goes: -o FOLDER, or --name NAME among your own models.")
    name = arguments.name or arguments.output.resolve().name
    folder = arguments.output or own_model_folder(name)
    progress("export", 0, 1)
    model = export(arguments.checkpoint, folder, name, **vars(about))
    progress.close()
    print(f"model {model.name!r} in {folder}, SHA-256 of its weights {model.sha256}")
    return 0


def _read_about(path: Path) -> About:
    try:
        return from_json(About, parse_json(path.read_text(encoding="utf-8")), str(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}.") from error
