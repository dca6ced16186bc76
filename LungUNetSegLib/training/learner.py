"""A network that learns from batches: its weights and their average, the optimiser, the loss, the device."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.dataset import Batch, SliceDataset
from LungUNetSegLib.errors import DataError, ModelError
from LungUNetSegLib.networks import Weights, build_network, load_encoder, structure_logits
from LungUNetSegLib.networks.folding import is_folded, unfold_batch_norm
from LungUNetSegLib.preprocessing import normalise
from LungUNetSegLib.preprocessing.coarse import as_channels
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.averaging import move_average
from LungUNetSegLib.training.checkpoint import Checkpoint
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.device import choose_precision
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.objective import make_objective, merged
from LungUNetSegLib.training.optimiser import convolution_weights, make_optimiser, pull
from LungUNetSegLib.training.scores import Scores

logger = logging.getLogger(__name__)


class Learner:
    """A network with all that changes its weights; random ones at first.

    Args:
        config: All settings.
        cases: The training cases; their class frequencies are counted if the loss balances them.
        device: The device to train on.
        process: This process among those that train together.

    Attributes:
        network: The network that is trained.
        average: The moving average of its weights; None without one.
        optimiser: Of the network's parameters.
        scaler: The loss scaler, for float16 training.
    """

    def __init__(
        self,
        config: TrainingConfig,
        cases: Sequence[CachedCase],
        device: torch.device | None = None,
        process: Process | None = None,
    ) -> None:
        self._config, self._process = config, process or Process()
        self._device = device or torch.device("cpu")
        self._dtype = choose_precision(config.precision, self._device)
        self._memory_format = torch.channels_last if config.channels_last else torch.contiguous_format

        torch.manual_seed(config.seed)
        self.network = build_network(config.network).to(self._device)
        self.network.to(memory_format=self._memory_format)  # type: ignore[call-overload]  # missing in torch's stub
        self.average = copy.deepcopy(self.network) if config.average_decay else None
        self.optimiser = make_optimiser(self.network, config)
        self.scaler = torch.amp.GradScaler(self._device.type, enabled=self._dtype == torch.float16)
        self._objective = make_objective(config, cases)
        self._start: list[Tensor] = []
        self._parallel: nn.Module = self.network

    def load_encoder(self) -> None:
        """Load the encoder's weights that the network's settings name, if any.

        Raises:
            ModelError: They cannot be read, or are of another encoder.
        """
        load_encoder(self.network, self._config.network)
        if self.average is not None:
            self.average.load_state_dict(self.network.state_dict())

    def start_from(self, weights: Weights, first_batches: Iterator[Batch]) -> None:
        """Start with the weights of another network instead of random ones, and be pulled to them if that is set.

        Args:
            weights: If their batch normalisation is folded, they get it back.
            first_batches: Whose statistics the unfolded normalisation begins with; the same ones in each process.

        Raises:
            ModelError: They are of another network.
        """
        if is_folded(weights, self.network):
            images = (self._prepare(batch)[0] for batch in first_batches)
            weights = unfold_batch_norm(weights, self._config.network, images)
            if self._process.is_first:
                logger.info("The initial weights get back the batch normalisation that their export had folded.")
        try:
            for network in filter(None, (self.network, self.average)):
                network.load_state_dict(weights)
        except RuntimeError as error:
            raise ModelError(f"The weights to start from are of another network: {error}.") from error
        if self._config.pull_to_start:
            self._start = [each.detach().clone() for each in self.network.parameters()]

    def resume(self, checkpoint: Checkpoint) -> None:
        """Take over the state of a checkpoint, which is not checked here.

        Raises:
            RuntimeError, ValueError, KeyError, TypeError, AttributeError: It is another network's, or corrupt.
        """
        self.network.load_state_dict(checkpoint.network)
        if self.average is not None:
            self.average.load_state_dict(checkpoint.average or {})
        self.optimiser.load_state_dict(checkpoint.optimiser)
        self.scaler.load_state_dict(checkpoint.scaler)

    @property
    def state_bytes(self) -> int:
        """Size of the weights, their average, and the optimiser's two moments of each."""
        weights: int = sum(value.nbytes for value in self.network.state_dict().values())
        return weights * (3 + (self.average is not None))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Average the gradients of `step` over the processes that train together."""
        self._parallel = self._process.wrap(self.network)
        try:
            yield
        finally:
            self._parallel = self.network  # see `Process.leave`

    def set_learning_rate(self, rate: float) -> None:
        """Use another learning rate from now on."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def step(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Do one step of the optimiser.

        Returns:
            The loss, the (N, C, H, W) logits and targets of the structures, and (N, 1, H, W) valid.

        Raises:
            DataError: The loss became NaN or infinite.
        """
        image, target, valid = self._prepare(batch)
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            logits = self._parallel(image)
        loss = self._objective(logits, target, valid)
        if not torch.isfinite(loss):
            raise DataError(f"The loss became {loss.item()}; lower learning_rate or set gradient_clip.")
        total = loss
        if self._config.l1:
            total = loss + self._config.l1 * sum(weight.abs().sum() for weight in convolution_weights(self.network))
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        if self._config.gradient_clip:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.network.parameters(), self._config.gradient_clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        if self._start:
            pull(self.network, self._start, self._config.pull_to_start * self.optimiser.param_groups[0]["lr"])
        return loss, structure_logits(logits.detach(), self._config.network), target, valid

    def move_average(self, step: int) -> None:
        """Move the average, if there is one, after a step, numbered from 0 over all epochs."""
        if self.average is not None:
            move_average(self.average, self.network, self._config.average_decay, step)

    @torch.inference_mode()
    def score(self, dataset: SliceDataset, progress: Progress = silent) -> Scores:
        """Return the scores of the weights that will be used, the average if there is one.

        Args:
            dataset: Slices, each of which is used once.
            progress: Called as ``("validate", done, total)``.
        """
        network = self.average or self.network
        network.eval()
        scores, total = Scores(), len(dataset.index)
        for done, batch in enumerate(dataset.in_order(self._config.batch_size), start=1):
            image, target, valid = self._prepare(batch)
            with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
                logits = network(image)
            loss = self._objective(logits, target, valid)
            scores.add(loss, structure_logits(logits, self._config.network), target, valid)
            progress("validate", min(done * self._config.batch_size, total), total)
        return scores

    def _prepare(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return image, target and valid in the form that the network and the loss need."""
        image = torch.from_numpy(normalise(batch.hu.numpy(), self._config.preprocess))
        image = torch.cat((image, torch.from_numpy(as_channels(batch.coarse.numpy()))), dim=1)
        target = merged(batch.target, self._config.network)
        return (
            image.to(self._device, memory_format=self._memory_format, non_blocking=True),
            target.to(self._device, non_blocking=True),
            batch.valid.to(self._device, non_blocking=True),
        )
