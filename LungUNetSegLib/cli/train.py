"""`lungunetseg train`: trains a network on a folder of cases."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.cases.labelled import Case, find_cases, leave_out
from LungUNetSegLib.cases.reading import tell
from LungUNetSegLib.cases.splits import Split, choose, load_split, split_cases
from LungUNetSegLib.cli.meanings import meanings_of
from LungUNetSegLib.cli.streams import let_processes_speak
from LungUNetSegLib.cli.training_end import run_to_the_end
from LungUNetSegLib.cli.training_start import (
    add_machine_arguments,
    check_folder,
    checkpoint_to_resume,
    set_up_torch,
    write_settings,
)
from LungUNetSegLib.data.cache import CachedCase, cache_cases, default_cache_folder
from LungUNetSegLib.data.contact_sheet import save_contact_sheet
from LungUNetSegLib.errors import ConfigError, ModelError
from LungUNetSegLib.machine import usable_threads
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.training.checkpoint import Checkpoint, check_settings
from LungUNetSegLib.training.checks import check_patients, check_sides, check_unseen, tell_misnamed, tell_unnamed
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.device import choose_device
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.history import tensorboard_writer
from LungUNetSegLib.training.preparation import datasets, draw_views, prepare_views, training_slices
from LungUNetSegLib.training.presets import PRESETS, read_config
from LungUNetSegLib.training.start import Start, read_start
from LungUNetSegLib.training.trainer import Trainer

logger = logging.getLogger(__name__)

DEFAULT_PRESET = "lungs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of cases with masks")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for checkpoints and history")
    parser.add_argument(
        "--preset", choices=sorted(PRESETS), help=f"settings to start from; {DEFAULT_PRESET} if not given"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON with settings that differ from the preset")
    parser.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="KEY=VALUE",
        help="one setting, e.g. epochs=5 or augment.flip=0 or pathology=null",
    )  # fmt: skip
    parser.add_argument("--folds", type=int, default=0, metavar="K", help="K-fold cross-validation instead of 2:1")
    parser.add_argument("--fold", type=int, default=0, metavar="I", help="the fold to test on, from 0")
    parser.add_argument("--split", type=Path, metavar="FILE", help="a split.json to use instead")
    parser.add_argument("--all", action="store_true", help="train on every case, without a test set")
    parser.add_argument(
        "--resume", action="store_true",
        help="continue from OUT/last.pt, if it exists, with its settings; --set epochs=N trains longer",
    )  # fmt: skip
    add_machine_arguments(parser)
    parser.add_argument(
        "--show-augmentation", action="store_true", help="draw OUT/augmentation.png from the data, and do not train"
    )
    parser.add_argument("--tensorboard", action="store_true", help="also write the history for TensorBoard")
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N",
        help="number of additional processes that make batches ahead; a GPU needs some",
    )  # fmt: skip


def run(arguments: argparse.Namespace, progress: Progress = silent) -> int:
    """Train, and return the exit code.

    Raises:
        LungUNetSegError: Settings, data or a checkpoint that cannot be used; found before training starts.
    """
    set_up_torch(arguments.threads)
    if arguments.workers < 0:
        raise ConfigError(f"--workers must be at least 0, got {arguments.workers}.")
    device = choose_device(arguments.device)
    plan = _plan(arguments)
    config, split = plan.config, plan.split
    check_folder(arguments.out)

    process = Process.from_environment(device)
    if not process.is_first:
        progress = silent
    on_epoch = tensorboard_writer(arguments.out) if arguments.tensorboard and process.is_first else None
    cached = _cache(arguments, choose(plan.cases, split.training + split.test), config, process, progress)
    training, test = cached[: len(split.training)], cached[len(split.training) :]
    if arguments.show_augmentation:
        if process.is_first:
            _show_augmentation(training, config, arguments.out)
        process.leave()
        return 0
    with process.first_alone():
        prepared = prepare_views(training, test, config, arguments.out, progress)
    dataset, validation = datasets(training, test, config, prepared)
    trainer = Trainer(
        config,
        dataset,
        validation,
        arguments.out,
        split=split,
        device=device,
        process=process,
        workers=usable_threads(arguments.workers) or 0,
        coarse=prepared.coarse,
        progress=progress,
        on_epoch=on_epoch,
    )
    if plan.start is not None:
        trainer.start_from(plan.start.weights)
    if plan.checkpoint is not None:
        trainer.resume(plan.checkpoint)
    elif plan.start is None:
        trainer.learner.load_encoder()
    if arguments.workers:
        let_processes_speak()
    if process.is_first:
        write_settings(arguments.out, config, split)
        logger.info("Training on %s; validating after each epoch on %s.", _describe(training), _describe(test))
    run_to_the_end(trainer, process)
    return 0


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be trained, and with what it begins.

    Attributes:
        config: All settings.
        cases: The cases of the folder, without the excluded ones.
        split: Which of them are trained on and which tested on.
        checkpoint: Of the training that is resumed; None for a new one.
        start: The initial weights, if they are those of another network.
    """

    config: TrainingConfig
    cases: list[Case]
    split: Split
    checkpoint: Checkpoint | None
    start: Start | None


def _plan(arguments: argparse.Namespace) -> _Plan:
    """Read settings, cases, split, checkpoint and initial weights, and check that they go together."""
    _check_choice(arguments)
    checkpoint = None if arguments.show_augmentation else checkpoint_to_resume(arguments.out, arguments.resume)
    config = _read_settings(arguments, checkpoint)
    start = read_start(config.start_from) if _needs_start(config, checkpoint) else None
    every = find_cases(arguments.data, meanings=meanings_of(arguments))
    cases = leave_out(every, config.exclude)
    split = _split(arguments, cases, config, checkpoint)
    tell_misnamed(config.exclude, every)
    tell_unnamed(split, cases)
    if start is not None:
        check_unseen(start.learnt, split, every, config.start_from)
    return _Plan(config, cases, split, checkpoint, start)


def _check_choice(arguments: argparse.Namespace) -> None:
    """Refuse options of which one would be followed and the other not."""
    ways = ("all", "split", "folds")
    given = [f"--{name}" for name in ways if getattr(arguments, name)]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} choose the test set in different ways; give one of them.")
    if arguments.fold and not arguments.folds:
        raise ConfigError(f"--fold {arguments.fold} needs --folds K, the number of folds.")


def _show_augmentation(training: Sequence[CachedCase], config: TrainingConfig, folder: Path) -> None:
    """Draw slices as a training sees them, without a coarse network's output, which does not exist yet."""
    slices = training_slices(training, config, draw_views(training, config))
    save_contact_sheet(slices, config.pathology, folder / "augmentation.png")


def _cache(
    arguments: argparse.Namespace, cases: Sequence[Case], config: TrainingConfig, process: Process, progress: Progress
) -> list[CachedCase]:
    """Return the cases preprocessed and checked; the first process fills the cache, before the others read it."""
    folder = arguments.cache or default_cache_folder()
    with process.first_alone():
        cached = cache_cases(cases, config.preprocess, folder, threads=arguments.threads, progress=progress)
    check_sides(cached, config)
    if process.is_first:
        for each in cached:
            tell(each.case.case_id, each.findings)
    return cached


def _needs_start(config: TrainingConfig, checkpoint: Checkpoint | None) -> bool:
    """Whether the initial weights are read: a resumed training has its own, but is pulled to those."""
    return bool(config.start_from) and (checkpoint is None or config.pull_to_start > 0)


def _read_settings(arguments: argparse.Namespace, checkpoint: Checkpoint | None) -> TrainingConfig:
    """Return the requested settings; a resumed training keeps its own unless a preset is named.

    Raises:
        ConfigError: An unknown setting, or a value that it cannot take.
        ModelError: The resumed training has other settings.
    """
    own = checkpoint.config if checkpoint else DEFAULT_PRESET
    config = read_config(arguments.preset or own, arguments.config, arguments.settings)
    if checkpoint:
        check_settings(checkpoint, config)
        logger.info("Continuing after epoch %d of %d.", checkpoint.epoch, config.epochs)
        if config.schedule != "constant" and config.epochs > checkpoint.config.epochs:
            logger.info(
                "The learning rate rises again to that of a training of %d epochs; the weights will not be those of "
                "such a training from its start.", config.epochs,
            )  # fmt: skip
    return config


def _split(
    arguments: argparse.Namespace, cases: list[Case], config: TrainingConfig, checkpoint: Checkpoint | None
) -> Split:
    """Return the requested split, or that of the resumed training."""
    if checkpoint and not (arguments.all or arguments.split or arguments.folds or arguments.fold):
        return checkpoint.split
    if arguments.all:
        split = Split(training=tuple(case.case_id for case in cases), test=())
    elif arguments.split:
        split = load_split(arguments.split)
        check_patients(split, cases, arguments.split)
    else:
        split = split_cases(cases, config.seed, folds=arguments.folds, fold=arguments.fold)
    if checkpoint and split != checkpoint.split:
        raise ModelError("The checkpoint was made with another split; resume without one, or train into a new folder.")
    return split


def _describe(cases: Sequence[CachedCase]) -> str:
    patients = len({cached.case.patient for cached in cases})
    slices = sum(cached.hu.shape[0] for cached in cases)
    return f"{slices} slice(s) of {len(cases)} case(s) of {patients} patient(s)"
