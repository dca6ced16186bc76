"""`lungunetseg figures`: draws the paper's figures 2 to 11 for a training."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.splits import choose
from LungUNetSegLib.cli.meanings import add_map_argument, meanings_of
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.data.cache import cache_cases, default_cache_folder
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.paper.figures import write_figures
from LungUNetSegLib.paper.slices import SliceScores, evaluate_slices
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.device import keep_freed_memory
from LungUNetSegLib.training.prediction import predict_slices


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a training, with last.pt")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the training's folder of cases")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder for the figures; default RUN/figures")
    parser.add_argument("--longer", type=Path, metavar="RUN", help="a longer training, for figure 3")
    add_map_argument(parser)
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder for preprocessed slices; the user's cache if not given"
    )


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Score every slice of the training and test cases, and draw the figures.

    Raises:
        LungUNetSegError: No checkpoint, other data, or a folder that cannot be written.
    """
    keep_freed_memory()
    checkpoint = load_checkpoint(arguments.run / "last.pt")
    longer = load_checkpoint(arguments.longer / "last.pt").history if arguments.longer else None
    if not checkpoint.split.test:
        raise DataError(f"{arguments.run} was trained on every case, so there are no test results to draw.")
    cases = find_cases(arguments.data, checkpoint.config.exclude, meanings_of(arguments))

    def scores(case_ids: tuple[str, ...]) -> SliceScores:
        folder = arguments.cache or default_cache_folder()
        cached = cache_cases(choose(cases, case_ids), checkpoint.config.preprocess, folder, progress=progress)
        return evaluate_slices(**vars(predict_slices(checkpoint, cached, progress)))

    training, test = scores(checkpoint.split.training), scores(checkpoint.split.test)
    paths = write_figures(arguments.output or arguments.run / "figures", checkpoint.history, training, test, longer)
    progress.close()
    for name, each in (("training", training), ("test", test)):
        dsc, accuracy = each.summaries["dsc"], each.summaries["accuracy"]
        print(f"{name}: binary accuracy {accuracy.mean:.4f}; DSC {dsc.mean:.4f} over {dsc.finite} slices,", end=" ")
        print(f"{each.false_alarms} false alarms, {each.misses} missed, {dsc.undefined} correctly empty")
    print(f"figures in {paths[-1]}")
    return 0
