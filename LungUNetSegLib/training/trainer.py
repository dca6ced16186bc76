"""The training loop.

Learning rate, slices, augmentation and dropout depend on the seed, the epoch and the step only. So the state after an
epoch consists of the weights and the optimiser's moments, and a training resumed from a checkpoint is bitwise
identical to an uninterrupted one.
"""

from __future__ import annotations

import copy
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.data.dataset import Batch, SliceDataset
from LungUNetSegLib.data.loading import load_batches
from LungUNetSegLib.errors import DataError, ModelError
from LungUNetSegLib.networks import Weights, build_network, load_encoder, structure_logits
from LungUNetSegLib.networks.folding import is_folded, unfold_batch_norm
from LungUNetSegLib.preprocessing import normalise
from LungUNetSegLib.preprocessing.coarse import as_channels
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.checkpoint import Checkpoint, check_settings, check_space, save_checkpoint, state_on_cpu
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.device import choose_precision
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.history import Row, best_epoch, describe, write_history
from LungUNetSegLib.training.objective import make_objective, merged
from LungUNetSegLib.training.optimiser import convolution_weights, learning_rate, make_optimiser, move_average, pull
from LungUNetSegLib.training.scores import Scores
from LungUNetSegLib.training.start import UNFOLDING_BATCHES

logger = logging.getLogger(__name__)


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
            raise DataError(f"A batch of {config.batch_size} is larger than the set of {len(training)} slices.")
        self.config, self.training, self.validation = config, training, validation
        self.folder, self.split, self.coarse = folder, split, coarse
        self.device = device or torch.device("cpu")
        self.process, self.workers = process or Process(), workers
        self.process.check_batch_size(config.batch_size)
        self.progress = progress
        self.on_epoch = on_epoch or (lambda row: None)
        self.dtype = choose_precision(config.precision, self.device)
        self.memory_format = torch.channels_last if config.channels_last else torch.contiguous_format

        torch.manual_seed(config.seed)
        self.network = build_network(config.network).to(self.device)
        self.network.to(memory_format=self.memory_format)  # type: ignore[call-overload]  # missing in torch's stub
        self.average = copy.deepcopy(self.network) if config.average_decay else None
        self.optimiser = make_optimiser(self.network, config)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.objective = make_objective(config, training.cases)
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self._start: list[Tensor] = []
        self._parallel: nn.Module = self.network

    def load_encoder(self) -> None:
        """Load the encoder's weights that the network's settings name, if any.

        Raises:
            ModelError: They cannot be read, or are of another encoder.
        """
        load_encoder(self.network, self.config.network)
        if self.average is not None:
            self.average.load_state_dict(self.network.state_dict())

    def start_from(self, weights: Weights) -> None:
        """Start with the weights of another network instead of random ones, and be pulled to them if that is set.

        Weights whose batch normalisation is folded get it back. A training that goes on calls this before `resume`, as
        its checkpoint does not hold them.

        Raises:
            ModelError: They are of another network.
        """
        if is_folded(weights, self.network):
            weights = unfold_batch_norm(weights, self.config.network, self._first_images())
            if self.process.is_first:
                logger.info("The initial weights get back the batch normalisation that their export had folded.")
        try:
            for network in filter(None, (self.network, self.average)):
                network.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelError(f"The weights to start from are of another network: {error}.") from error
        if self.config.pull_to_start:
            self._start = [each.detach().clone() for each in self.network.parameters()]

    def _first_images(self) -> Iterator[Tensor]:
        """Yield the first images of the first epoch, in each process those of all: so all unfold to the same."""
        for batch in itertools.islice(self.training.epoch(0, self.config.batch_size), UNFOLDING_BATCHES):
            yield self._prepare(batch)[0]

    def resume(self, checkpoint: Checkpoint) -> None:
        """Resume from a checkpoint of the same configuration and data.

        Raises:
            ModelError: The checkpoint has other settings, other data or another network, or is corrupt.
        """
        check_settings(checkpoint, self.config)
        if checkpoint.data_digest != self.data_digest:
            raise ModelError("The checkpoint was made with other data; use its own, or train into a new folder.")
        try:
            self.network.load_state_dict(checkpoint.network)
            if self.average is not None:
                self.average.load_state_dict(checkpoint.average or {})
            self.optimiser.load_state_dict(checkpoint.optimiser)
            self.scaler.load_state_dict(checkpoint.scaler)
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
            check_space(self.folder, self._checkpoint_bytes)
        epochs, size = range(self.epoch, self.config.epochs), self.config.batch_size
        rank, world_size = self.process.rank, self.process.world_size
        self._parallel = self.process.wrap(self.network)
        with load_batches(
            self.training, epochs, size, rank=rank, world_size=world_size, workers=self.workers
        ) as batches:
            while self.epoch < self.config.epochs and not self._out_of_patience():
                self._run_epoch(batches)
        self._parallel = self.network  # see `Process.leave`
        return self.checkpoint()

    @property
    def data_digest(self) -> str:
        """Hash of all training and validation cases."""
        return ".".join(dataset.digest for dataset in (self.training, self.validation) if dataset is not None)

    def checkpoint(self) -> Checkpoint:
        """Return the state after the last finished epoch."""
        return Checkpoint(
            config=self.config,
            epoch=self.epoch,
            network=state_on_cpu(self.network),
            average=None if self.average is None else state_on_cpu(self.average),
            optimiser=self.optimiser.state_dict(),
            scaler=self.scaler.state_dict(),
            history=self.history,
            split=self.split,
            data_digest=self.data_digest,
            coarse=self.coarse,
        )

    @property
    def _checkpoint_bytes(self) -> int:
        """Return the size of the weights, their average, and the optimiser's two moments of each."""
        weights: int = sum(value.nbytes for value in self.network.state_dict().values())
        return weights * (3 + (self.average is not None))

    def _run_epoch(self, batches: Iterator[Batch]) -> None:
        """Train, validate and save."""
        started = time.monotonic()
        torch.manual_seed(self.config.seed + 1_000_003 * (self.epoch + 1) + self.process.rank)
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
        self.network.train()
        scores, steps = Scores(), self.training.steps(self.config.batch_size)
        rate = 0.0
        for step, batch in enumerate(itertools.islice(batches, steps)):
            rate = learning_rate(self.config, self.epoch + step / steps)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            scores.add(*self._step(batch))
            if self.average is not None:
                move_average(self.average, self.network, self.config.average_decay, self.epoch * steps + step)
            self.progress("train", step + 1, steps)
        return {"learning_rate": rate} | self.process.mean(scores.row("train"))

    def _step(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Do one optimiser step; return loss, logits, target and valid."""
        image, target, valid = self._prepare(batch)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            logits = self._parallel(image)
        loss = self.objective(logits, target, valid)
        if not torch.isfinite(loss):
            raise DataError(f"The loss became {loss.item()}; lower learning_rate or set gradient_clip.")
        total = loss
        if self.config.l1:
            total = loss + self.config.l1 * sum(weight.abs().sum() for weight in convolution_weights(self.network))
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        if self.config.gradient_clip:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self._start:
            pull(self.network, self._start, self.config.pull_to_start * self.optimiser.param_groups[0]["lr"])
        return loss, structure_logits(logits.detach(), self.config.network), target, valid

    @torch.inference_mode()
    def _validate(self) -> dict[str, float]:
        """Return loss, accuracy and DSC of the weights that will be used; the first process validates for all."""
        if self.validation is None or not self.process.is_first:
            return {f"val_{name}": math.nan for name in ("loss", "accuracy", "dsc", "false_alarms")}
        network = self.average or self.network
        network.eval()
        scores, total = Scores(), len(self.validation.index)
        for done, batch in enumerate(self.validation.in_order(self.config.batch_size), start=1):
            image, target, valid = self._prepare(batch)
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                logits = network(image)
            loss = self.objective(logits, target, valid)
            scores.add(loss, structure_logits(logits, self.config.network), target, valid)
            self.progress("validate", min(done * self.config.batch_size, total), total)
        return scores.row("val")

    def _prepare(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return image, target and valid in the form that the network and the loss need."""
        image = torch.from_numpy(normalise(batch.hu.numpy(), self.config.preprocess))
        image = torch.cat((image, torch.from_numpy(as_channels(batch.coarse.numpy()))), dim=1)
        target = merged(batch.target, self.config.network)
        return (
            image.to(self.device, memory_format=self.memory_format, non_blocking=True),
            target.to(self.device, non_blocking=True),
            batch.valid.to(self.device, non_blocking=True),
        )

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
