"""`lungunetseg finetune`: trains a model further on corrected scans, and adds the result to the user's own models."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import tell
from LungUNetSegLib.cases.splits import Split, choose
from LungUNetSegLib.cli.arguments import count
from LungUNetSegLib.cli.meanings import meanings_of
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.cli.training_end import run_to_the_end
from LungUNetSegLib.cli.training_start import (
    add_machine_arguments,
    check_folder,
    checkpoint_to_resume,
    set_up_torch,
    write_settings,
)
from LungUNetSegLib.config import to_json
from LungUNetSegLib.data.cache import cache_cases, default_cache_folder
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.files import draft_folder
from LungUNetSegLib.finetuning.card import comparison_table, scores_json, write_card
from LungUNetSegLib.finetuning.memory import limited
from LungUNetSegLib.finetuning.scores import score
from LungUNetSegLib.finetuning.settings import EPOCHS, finetuning_config, finetuning_split
from LungUNetSegLib.models.manifest import MANIFEST_FILE, Training, TrainingCase, write_manifest
from LungUNetSegLib.models.model import DEFAULT_MODEL, Model, load_model, own_model_folder
from LungUNetSegLib.progress import Progress
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.checks import check_sides
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.device import choose_device
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.preparation import datasets, prepare_views
from LungUNetSegLib.training.start import Start, read_start
from LungUNetSegLib.training.trainer import Trainer

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of corrected cases")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for checkpoints and history")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME|FILE", help="the model to start from; the shipped one if absent"
    )
    parser.add_argument("--name", help="name of the new model; that of OUT if not given")
    parser.add_argument("--epochs", type=count, default=EPOCHS, metavar="N", help=f"{EPOCHS} if not given")
    parser.add_argument("--resume", action="store_true", help="continue from OUT/last.pt, if it exists")
    parser.add_argument("--memory", type=count, metavar="MB", help="stop if more memory is used; --resume continues")
    add_machine_arguments(parser)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Train a model further, score it before and after, and export it.

    Raises:
        LungUNetSegError: The model or cases cannot be used, which is found before training starts; or the training was
            stopped or used too much memory; `--resume` continues it.
    """
    set_up_torch(arguments.threads)
    target = own_model_folder(arguments.name or arguments.out.resolve().name)
    base, start = load_model(arguments.model), read_start(arguments.model)
    config = finetuning_config(start, arguments.model, arguments.epochs)
    cases = find_cases(arguments.data, config.exclude, meanings_of(arguments))
    checkpoint = checkpoint_to_resume(arguments.out, arguments.resume)
    split = checkpoint.split if checkpoint else finetuning_split(cases, start, arguments.data)
    check_folder(arguments.out)
    watched: Progress = limited(progress, arguments.memory) if arguments.memory else progress
    trainer = _trainer(arguments, config, start, split, choose(cases, split.training + split.test), watched)
    trainer.start_from(start.weights)
    if checkpoint:
        trainer.resume(checkpoint)
    write_settings(arguments.out, config, split)
    logger.info("Trains on %s; tests on %s.", ", ".join(split.training), ", ".join(split.test))
    run_to_the_end(trainer, Process())
    model = _export(arguments.out / "last.pt", target, base, choose(cases, split.test), arguments.threads, progress)
    progress.close()
    print(f"model {model.name!r} written to {target}; it is used only with --model {model.name}")
    return 0


def _trainer(
    arguments: argparse.Namespace,
    config: TrainingConfig,
    start: Start,
    split: Split,
    cases: Sequence[Case],
    progress: Progress,
) -> Trainer:
    """Return the trainer, with the coarse network unchanged; cases are those for training, then those for testing."""
    folder = arguments.cache or default_cache_folder()
    cached = cache_cases(cases, config.preprocess, folder, threads=arguments.threads, progress=progress)
    check_sides(cached, config)
    for each in cached:
        tell(each.case.case_id, each.findings)
    training, test = cached[: len(split.training)], cached[len(split.training) :]
    prepared = prepare_views(training, test, config, arguments.out, progress, coarse=start.coarse_weights)
    dataset, validation = datasets(training, test, config, prepared)
    return Trainer(
        config,
        dataset,
        validation,
        arguments.out,
        split=split,
        device=choose_device(arguments.device),
        coarse=prepared.coarse,
        progress=progress,
    )


def _export(
    checkpoint: Path, target: Path, base: Model, test: Sequence[Case], threads: int | None, progress: Progress
) -> Model:
    """Score both models, and write the new one with its scores and its card; it appears when it is complete."""
    state = load_checkpoint(checkpoint)
    before = score(Segmenter(base, threads=threads), test, progress)
    learnt = base.manifest.training.cases if base.manifest else ()
    own = TrainingCase(collection="own", cases=state.split.training, licence="the user's own", citation="")
    training = Training(cases=(*learnt, own), config=to_json(state.config))
    about = f"{base.name}, trained further on corrected scans. Research use, no medical device."
    target.parent.mkdir(parents=True, exist_ok=True)
    with draft_folder(target.parent) as draft:
        folder = draft / target.name
        model = export(checkpoint, folder, target.name, description=about, training=training)
        scores = scores_json(before, score(Segmenter(model, threads=threads), test, progress))
        assert model.manifest is not None
        write_manifest(dataclasses.replace(model.manifest, scores=scores), folder / MANIFEST_FILE)
        write_card(folder, model, base, state.split, scores)
        folder.rename(target)
    print(comparison_table(scores))
    return load_model(target)
