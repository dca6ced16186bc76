"""Trains an outcome network by cross-validation, so that every patient is tested by a network that never saw them.

How the paper trained is not public; this is an ordinary training: Adam, binary cross-entropy, no augmentation but
left-right flips. It ends with the area under the ROC curve of the patients that were left out, with its interval.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.splits import choose, split_cases
from LungUNetSegLib.config import check_at_least, check_shares, to_json
from LungUNetSegLib.errors import ConfigError, DataError, WriteError
from LungUNetSegLib.files import csv_text, replacing, write_csv, write_json
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.models.checkpoint import write_tensors
from LungUNetSegLib.outcomes.auc import Auc, auc
from LungUNetSegLib.outcomes.inputs import InputConfig, read_input
from LungUNetSegLib.outcomes.network import Covid19Net
from LungUNetSegLib.progress import Progress, silent

logger = logging.getLogger(__name__)

Load = Callable[[Case], Float32]

CONFIG = "config.json"


@dataclass(frozen=True, kw_only=True)
class OutcomeConfig:
    """The settings of a training on outcomes.

    Attributes:
        inputs: Which part of a scan the network gets.
        folds: Number of folds of the cross-validation; patients are divided, not scans.
        epochs: Number of epochs.
        batch_size: Number of scans in a step; at least 2, for batch normalisation.
        learning_rate: Adam's learning rate.
        flip: Probability of a left-right flip of a scan.
        seed: Seed of the folds, the initial weights, the order and the flips.
    """

    inputs: InputConfig = field(default_factory=InputConfig)
    folds: int = 5
    epochs: int = 20
    batch_size: int = 4
    learning_rate: float = 1e-3
    flip: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least(self, folds=2, epochs=1, batch_size=2, seed=0)
        check_shares(self, "flip")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}.")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The prediction for a case by a network that never saw the patient.

    Attributes:
        case: Its id.
        patient: Its patient.
        fold: The fold of the cross-validation in which it was tested, from 0.
        outcome: The known outcome.
        probability: Predicted probability of the outcome.
    """

    case: str
    patient: str
    fold: int
    outcome: bool
    probability: float


def cross_validate(
    cases: Sequence[Case],
    outcomes: dict[str, bool],
    config: OutcomeConfig,
    folder: Path,
    *,
    device: torch.device | None = None,
    progress: Progress = silent,
) -> tuple[list[Prediction], Auc]:
    """Train a network on all but one fold of the patients, and test that fold, for each fold.

    Results of an earlier training in the folder stay until all folds are done, and are replaced together.

    Args:
        cases: Scans with lung masks.
        outcomes: Outcome by case id; see `inputs.read_outcomes`.
        config: All settings.
        folder: Folder for `fold_<n>.pt`, `predictions.csv`, `auc.json`, `config.json` and the prepared scans.
        device: The device to train on.
        progress: Called as ``(stage, done, total)`` with stages "prepare" and "train".

    Returns:
        A prediction for each case, and the area under the ROC curve over patients, each with the mean of their scans.

    Raises:
        DataError: Too few patients or outcomes of one kind, or an unusable case.
        WriteError: The folder cannot be written.
    """
    counts = {
        value: len({case.patient for case in cases if outcomes[case.case_id] == value}) for value in (True, False)
    }
    if min(counts.values()) < 2:
        raise DataError(
            f"{counts[True]} patient(s) have the outcome and {counts[False]} do not; at least 2 of each are needed."
        )
    device = device or torch.device("cpu")
    load = _prepare(cases, config.inputs, folder, progress)
    predictions: list[Prediction] = []
    weights: list[dict[str, torch.Tensor]] = []
    for fold in range(config.folds):
        split = split_cases(cases, config.seed, folds=config.folds, fold=fold)
        training, test = choose(cases, split.training), choose(cases, split.test)
        network = _train(training, outcomes, config, load, device, _part_of(progress, fold, config.folds))
        weights.append({name: tensor.cpu() for name, tensor in network.state_dict().items()})
        for case, probability in zip(test, _predict(network, test, load, device), strict=True):
            predictions.append(
                Prediction(
                    case=case.case_id,
                    patient=case.patient,
                    fold=fold,
                    outcome=outcomes[case.case_id],
                    probability=probability,
                )
            )
    result = auc_over_patients(predictions)
    _write(folder, config, weights, predictions, result)
    return predictions, result


def auc_over_patients(predictions: Sequence[Prediction]) -> Auc:
    """Return the area under the ROC curve, with one score for each patient: the mean over their scans."""
    by_patient = grouped(predictions, lambda each: each.patient)
    scores = [float(np.mean([each.probability for each in theirs])) for theirs in by_patient]
    return auc(scores, [theirs[0].outcome for theirs in by_patient])


def _prepare(cases: Sequence[Case], config: InputConfig, folder: Path, progress: Progress) -> Load:
    """Prepare every scan once, on disk, as all together may not fit into memory."""
    inputs = folder / "inputs"
    try:
        inputs.mkdir(parents=True, exist_ok=True)
        for done, case in enumerate(cases, start=1):
            with replacing(inputs / f"{case.case_id}.npy", ".npy") as draft:
                np.save(draft, read_input(case, config))
            progress("prepare", done, len(cases))
    except OSError as error:
        raise WriteError(f"{inputs} cannot be written: {error.strerror}.") from error
    return lambda case: np.load(inputs / f"{case.case_id}.npy", allow_pickle=False)


def _train(
    cases: Sequence[Case],
    outcomes: dict[str, bool],
    config: OutcomeConfig,
    load: Load,
    device: torch.device,
    progress: Callable[[int, int], None],
) -> Covid19Net:
    if len(cases) < config.batch_size:
        raise DataError(f"A batch of {config.batch_size} is larger than the {len(cases)} scans that are trained on.")
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    network = Covid19Net().to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    steps = len(cases) // config.batch_size
    for epoch in range(config.epochs):
        order = rng.permutation(len(cases))
        losses = []
        for step in range(steps):
            chosen = [cases[index] for index in order[step * config.batch_size : (step + 1) * config.batch_size]]
            arrays = [load(case)[..., :: -1 if rng.random() < config.flip else 1] for case in chosen]
            lungs = torch.from_numpy(np.ascontiguousarray(np.stack(arrays))[:, None]).to(device)
            target = torch.tensor([float(outcomes[case.case_id]) for case in chosen], device=device)
            loss = F.binary_cross_entropy_with_logits(network(lungs), target)
            if not torch.isfinite(loss):
                raise DataError(f"The loss became {loss.item()}; lower learning_rate.")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(loss.item())
            progress(epoch * steps + step + 1, config.epochs * steps)
        logger.info("Epoch %d of %d: loss %.4f", epoch + 1, config.epochs, np.mean(losses))
    return network


@torch.inference_mode()
def _predict(network: Covid19Net, cases: Sequence[Case], load: Load, device: torch.device) -> list[float]:
    network.eval()
    return [float(network(torch.from_numpy(load(case))[None, None].to(device)).sigmoid()) for case in cases]


def _part_of(progress: Progress, fold: int, folds: int) -> Callable[[int, int], None]:
    """Return a progress callback for one fold as a part of all folds."""
    return lambda done, total: progress("train", fold * total + done, folds * total)


def _write(
    folder: Path,
    config: OutcomeConfig,
    weights: Sequence[dict[str, torch.Tensor]],
    predictions: Sequence[Prediction],
    result: Auc,
) -> None:
    rows = (
        [csv_text(each.case), csv_text(each.patient), each.fold, int(each.outcome), f"{each.probability:.6f}"]
        for each in predictions
    )
    folds_before = _folds_of(folder / CONFIG)
    for fold, each in enumerate(weights):
        write_tensors(each, folder / f"fold_{fold}.pt")
    for fold in range(len(weights), folds_before):
        (folder / f"fold_{fold}.pt").unlink(missing_ok=True)
    write_csv(folder / "predictions.csv", ["case", "patient", "fold", "outcome", "probability"], rows)
    write_json(folder / "auc.json", asdict(result))
    write_json(folder / CONFIG, to_json(config))


def _folds_of(config: Path) -> int:
    """Return the number of folds of the training whose settings these are; 0 if there is none."""
    try:
        return int(json.loads(config.read_text(encoding="utf-8"))["folds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
