"""Handles how `lungunetseg train` ends (finished, stopped, or by an outside error), and its final message."""

from __future__ import annotations

import logging
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch

from LungUNetSegLib.errors import EngineError, LungUNetSegError, WriteError
from LungUNetSegLib.training.checkpoint import Checkpoint, load_checkpoint, save_weights
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.history import best_epoch
from LungUNetSegLib.training.trainer import Trainer

logger = logging.getLogger(__name__)


def run_to_the_end(trainer: Trainer, process: Process) -> None:
    """Train, and report what is on disk if an outside event ends the training."""
    folder = trainer.folder
    try:
        with _stoppable(process):
            state = trainer.run()
        if process.is_first:
            save_weights(state.weights, folder / "trained_model.pt")
            logger.info(_ending(state, folder))
        process.leave()
    except KeyboardInterrupt:
        count = process.world_size
        where = f", here or in another of the {count} processes" if count > 1 else ""
        raise LungUNetSegError(f"Training was stopped{where}. {_what_remains(folder)}") from None
    except (EngineError, WriteError) as error:
        raise type(error)(f"{error} {_what_remains(folder)}") from error
    except torch.OutOfMemoryError as error:
        raise EngineError(f"The device has too little memory; lower batch_size. {_what_remains(folder)}") from error
    except RuntimeError as error:
        if process.world_size == 1:
            raise
        # gloo and NCCL raise these when another process has ended.
        message = f"Another of the {process.world_size} processes has ended or cannot be reached ({error})."
        raise EngineError(f"{message} {_what_remains(folder)}") from error


def _ending(state: Checkpoint, folder: Path) -> str:
    """Return the message of a finished training: why it ended, its result, and how to train longer."""
    epochs, best = state.config.epochs, best_epoch(state.history)
    why = "" if state.epoch == epochs else f", as the last {state.config.patience} did not improve the validation"
    dsc = state.history[best - 1]["val_dsc"]
    reached = f"The highest validation DSC is {dsc:.4f}, of epoch {best} (best.pt). " if math.isfinite(dsc) else ""
    return (
        f"Finished: {state.epoch} of {epochs} epochs{why}. {reached}{folder / 'last.pt'} holds the last weights; "
        f"--resume --set {'epochs' if state.epoch == epochs else 'patience'}=N continues the training."
    )


def _what_remains(folder: Path) -> str:
    """Describe the checkpoint on disk."""
    last = folder / "last.pt"
    if not last.exists():
        return "No epoch was finished; start again."
    return f"{last} holds {load_checkpoint(last).epoch} finished epoch(s); continue with --resume."


@contextmanager
def _stoppable(process: Process) -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, so that it ends a training as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        # `torchrun` ends the other processes by SIGTERM, which still have to print their message.
        signal.signal(signal.SIGTERM, before if process.world_size == 1 else signal.SIG_IGN)
