"""`lungunetseg outcomes`: trains a network to predict outcomes from scans, and prints the area under its ROC curve."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cli.outputs import add_overwrite_argument, check_outputs
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.engines import DEVICES
from LungUNetSegLib.outcomes.inputs import InputConfig, read_outcomes
from LungUNetSegLib.outcomes.training import OutcomeConfig, cross_validate
from LungUNetSegLib.training.device import choose_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    whole = InputConfig()
    default = OutcomeConfig()
    given = "%(default)s if not given"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of cases with lung masks")
    parser.add_argument(
        "--outcomes", type=Path, required=True, metavar="CSV", help="columns case and outcome (1 or 0, yes or no)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for predictions and weights")
    for name, value, what in (
        ("folds", default.folds, "folds of the cross-validation"),
        ("epochs", default.epochs, "epochs of each fold"),
        ("batch-size", default.batch_size, "scans in a step"),
        ("learning-rate", default.learning_rate, "Adam's learning rate"),
        ("seed", default.seed, "seed of folds, initial weights, order and flips"),
    ):
        parser.add_argument(f"--{name}", type=type(value), default=value, metavar="N", help=f"{what}; {given}")
    parser.add_argument(
        "--size", type=int, nargs=3, default=whole.size, metavar=("SLICES", "ROWS", "COLUMNS"),
        help=f"size of the network's input; {' '.join(map(str, whole.size))} if not given",
    )  # fmt: skip
    parser.add_argument("--no-crop", action="store_true", help="use the whole scan, not the lungs' box")
    parser.add_argument("--no-suppress", action="store_true", help="leave tissue outside the lungs unchanged")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="device to train on")
    add_overwrite_argument(parser)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Train and test by cross-validation, and print the area with its confidence interval.

    Raises:
        LungUNetSegError: Data, a table or settings that cannot be used.
    """
    size = tuple(arguments.size)
    config = OutcomeConfig(
        inputs=InputConfig(crop=not arguments.no_crop, suppress=not arguments.no_suppress, size=size),
        folds=arguments.folds,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        seed=arguments.seed,
    )
    written = [arguments.out / name for name in ("predictions.csv", "auc.json", "config.json")]
    check_outputs([arguments.outcomes], written, overwrite=arguments.overwrite)
    cases = find_cases(arguments.data)
    outcomes = read_outcomes(arguments.outcomes, cases)
    device = choose_device(arguments.device)
    _, result = cross_validate(cases, outcomes, config, arguments.out, device=device, progress=progress)
    progress.close()
    print(
        f"area under the ROC curve {result.value:.3f} (95 % interval {result.low:.3f} to {result.high:.3f}) of "
        f"{result.positives} patients with the outcome and {result.negatives} without, each left out once"
    )
    return 0
