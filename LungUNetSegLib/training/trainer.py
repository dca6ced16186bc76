"""The training loop.

Learning rate, slices, augmentation and dropout depend on the seed, the epoch and the step only. So the state after an
epoch consists of the weights and the optimiser's moments, and a training resumed from a checkpoint is bitwise
identical to an uninterrupted one.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.data.dataset import Batch, SliceDataset
from LungUNetSegLib.data.loading import load_batches
from LungUNetSegLib.errors import DataError, ModelError
from LungUNetSegLib.networks import Weights
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.checkpoint import Checkpoint, check_settings, check_space, save_checkpoint, state_on_cpu
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.history import Row, best_epoch, describe, write_history
from LungUNetSegLib.training.learner import Learner
from LungUNetSegLib.training.optimiser import learning_rate
from LungUNetSegLib.training.scores import Scores
from LungUNetSegLib.training.start import UNFOLDING_BATCHES

logger = logging.getLogger(__name__)

EPOCH_SEEDS = 1_000_003
"""Seeds of one epoch's dropout lie this far from the next one's, so that no two processes and epochs share one."""


class Trainer:
    """Trains one network, and saves its state after every epoch.

    Args:
        config: All settings.
        training: Training slices.
        validation: Validation slices, unchanged; None to train on all cases.
        folder: Folder for `last.pt`, `best.pt`, `history.csv` and `history.jsonl`.
        split: The split, saved in the checkpoints.
        device: The device to train on.
        process: This process among those that train together.
        workers: Number of processes that make batches ahead; 0 for none.
        coarse: The coarse network's weights, saved in the checkpoints.
        progress: Called as ``(stage, done, total)`` with stages "train" and "validate".
        on_epoch: Called with each epoch's row of the history, after it was saved.

    Attributes:
        learner: The network that is trained.
        epoch: Number of finished epochs.
        history: One row for each of them.

    Raises:
        DataError: A batch larger than the set.
    """

    def __init__(
        self,
        config: TrainingConfig,
        training: SliceDataset,
        validation: SliceDataset | None,
        folder: Path,
        *,
        split: Split,
        device: torch.device | None = None,
        process: Process | None = None,
        workers: int = 0,
        coarse: Weights | None = None,
        progress: Progress = silent,
        on_epoch: Callable[[Row], None] | None = None,
    ) -> None:
        if config.batch_size > len(training):
            raise DataError(
                f"A batch of {config.batch_size} is larger than the set of {len(training)} slices; lower batch_size."
            )
        self.config, self.training, self.validation = config, training, validation
        self.folder, self.split, self.coarse = folder, split, coarse
        self.process, self.workers = process or Process(), workers
        self.process.check_batch_size(config.batch_size)
        self.progress = progress
        self.on_epoch = on_epoch or (lambda row: None)
        self.learner = Learner(config, training.cases, device, self.process)
        self.epoch = 0
        self.history: list[dict[str, float]] = []

    def start_from(self, weights: Weights) -> None:
        """Start with the weights of another network instead of random ones, and be pulled to them if that is set.

        Weights whose batch normalisation is folded get it back. A training that goes on calls this before `resume`, as
        its checkpoint does not hold them.

        Raises:
            ModelError: They are of another network.
        """
        # In each process the first ones of all: so all unfold to the same.
        first = itertools.islice(self.training.epoch(0, self.config.batch_size), UNFOLDING_BATCHES)
        self.learner.start_from(weights, first)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Resume from a checkpoint of the same configuration and data.

        Raises:
            ModelError: The checkpoint has other settings, other data or another network, or is corrupt.
        """
        check_settings(checkpoint, self.config)
        if checkpoint.data_digest != self.data_digest:
            raise ModelError("The checkpoint was made with other data; use its own, or train into a new folder.")
        try:
            self.learner.resume(checkpoint)
            best_epoch(checkpoint.history)  # reads every row, as is done after each epoch
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"The checkpoint is of another network: {error}.") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"The checkpoint is corrupt ({error!r}); use another one.") from error
        self.epoch, self.history = checkpoint.epoch, list(checkpoint.history)

    def run(self) -> Checkpoint:
        """Train to the last epoch, or until validation no longer improves, and return the final state.

        Raises:
            WriteError: The folder cannot be written, or has no room for the checkpoints.
            DataError: The loss became NaN or infinite.
            EngineError: A process that makes batches has ended.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.process.is_first:
            check_space(self.folder, self.learner.state_bytes)
        epochs, size = range(self.epoch, self.config.epochs), self.config.batch_size
        rank, world_size = self.process.rank, self.process.world_size
        loading = load_batches(self.training, epochs, size, rank=rank, world_size=world_size, workers=self.workers)
        with self.learner.together(), loading as batches:
            while self.epoch < self.config.epochs and not self._out_of_patience():
                self._run_epoch(batches)
        return self.checkpoint()

    @property
    def data_digest(self) -> str:
        """Hash of all training and validation cases."""
        return ".".join(dataset.digest for dataset in (self.training, self.validation) if dataset is not None)

    def checkpoint(self) -> Checkpoint:
        """Return the state after the last finished epoch."""
        learner = self.learner
        return Checkpoint(
            config=self.config,
            epoch=self.epoch,
            network=state_on_cpu(learner.network),
            average=None if learner.average is None else state_on_cpu(learner.average),
            optimiser=learner.optimiser.state_dict(),
            scaler=learner.scaler.state_dict(),
            history=self.history,
            split=self.split,
            data_digest=self.data_digest,
            coarse=self.coarse,
        )

    def _run_epoch(self, batches: Iterator[Batch]) -> None:
        """Train, validate and save."""
        started = time.monotonic()
        torch.manual_seed(self.config.seed + EPOCH_SEEDS * (self.epoch + 1) + self.process.rank)
        row = {"epoch": self.epoch + 1.0} | self._train_epoch(batches)
        row["seconds"] = time.monotonic() - started
        row["slices_per_s"] = self.training.steps(self.config.batch_size) * self.config.batch_size / row["seconds"]
        row |= self.process.from_first(self._validate())
        self.history.append(row)
        self.epoch += 1
        if self.process.is_first:
            self._save()
            self.on_epoch(row)
            epochs = self.config.epochs
            left_min = (time.monotonic() - started) * (epochs - self.epoch) / 60
            logger.info("Epoch %d of %d (%.0f min left): %s", self.epoch, epochs, left_min, describe(row))

    def _train_epoch(self, batches: Iterator[Batch]) -> dict[str, float]:
        self.learner.network.train()
        scores, steps = Scores(), self.training.steps(self.config.batch_size)
        rate, is_halved = 0.0, self.epoch < self.config.half_size_epochs
        for step, batch in enumerate(itertools.islice(batches, steps)):
            rate = learning_rate(self.config, self.epoch + step / steps)
            self.learner.set_learning_rate(rate)
            scores.add(*self.learner.step(batch.halved() if is_halved else batch))
            self.learner.move_average(self.epoch * steps + step)
            self.progress("train", step + 1, steps)
        return {"learning_rate": rate} | self.process.mean(scores.row("train"))

    def _validate(self) -> dict[str, float]:
        """Return loss, accuracy, DSC and false alarms of the validation; the first process validates for all."""
        if self.validation is None or not self.process.is_first:
            return {f"val_{name}": math.nan for name in ("loss", "accuracy", "dsc", "false_alarms")}
        return self.learner.score(self.validation, self.progress).row("val")

    def _save(self) -> None:
        checkpoint = self.checkpoint()
        if best_epoch(self.history) == self.epoch:
            save_checkpoint(checkpoint, self.folder / "best.pt")
        write_history(self.history, self.folder)
        # Written last: if the process ends before, the resumed training repeats this epoch and the other files.
        save_checkpoint(checkpoint, self.folder / "last.pt")

    def _out_of_patience(self) -> bool:
        patience = self.config.patience
        return bool(patience) and self.epoch - best_epoch(self.history) >= patience
