"""What `lungunetseg train` and `lungunetseg finetune` share before the first epoch: options, checks and settings."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from LungUNetSegLib.cases.splits import Split, save_split
from LungUNetSegLib.cli.arguments import thread_count
from LungUNetSegLib.cli.meanings import add_map_argument
from LungUNetSegLib.config import to_json
from LungUNetSegLib.engines import DEVICES
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import check_replaceable, write_json
from LungUNetSegLib.machine import usable_threads
from LungUNetSegLib.training.checkpoint import Checkpoint, load_checkpoint
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.device import keep_freed_memory


def add_machine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for masks, cache, device and threads."""
    add_map_argument(parser)
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder for preprocessed slices; the user's cache if not given"
    )
    parser.add_argument("--device", default="auto", choices=DEVICES, help="device to train on")
    parser.add_argument("--threads", type=thread_count, metavar="N", help="CPU threads; as many as there are cores")


def set_up_torch(threads: int | None) -> None:
    """Set torch's number of CPU threads, if one is given, and let it keep freed memory."""
    keep_freed_memory()
    if threads is not None:
        torch.set_num_threads(usable_threads(threads) or 1)


def checkpoint_to_resume(folder: Path, resume: bool) -> Checkpoint | None:
    """Return a folder's last checkpoint; None if it has none.

    Raises:
        ModelError: The checkpoint is damaged.
        WriteError: There is one, and the user did not ask to resume it.
    """
    path = folder / "last.pt"
    if not path.exists():
        return None
    if not resume:
        raise WriteError(f"{path} exists; continue it with --resume, or choose another --out.")
    return load_checkpoint(path)


def check_folder(folder: Path) -> None:
    """Create the folder, and check that it can be written before minutes are spent on reading."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_replaceable(folder / "config.json")
    except (OSError, WriteError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WriteError(f"{folder} cannot be written: {reason}; choose another --out.") from error


def write_settings(folder: Path, config: TrainingConfig, split: Split) -> None:
    """Write settings and split when training really starts, as they describe the weights beside them."""
    write_json(folder / "config.json", to_json(config))
    save_split(split, folder / "split.json")
