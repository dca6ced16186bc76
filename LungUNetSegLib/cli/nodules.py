"""`lungunetseg nodules`: classifies painted nodules and vessels, and cuts nodules out, by the methods of Khan 2021."""

from __future__ import annotations

import argparse
from collections import Counter
from math import isnan
from pathlib import Path

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cli.lines import print_lines
from LungUNetSegLib.cli.outputs import add_overwrite_argument, check_outputs
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.files import check_replaceable, make_folder
from LungUNetSegLib.nodules.deep import DeepConfig
from LungUNetSegLib.nodules.study import (
    StudyConfig,
    cross_validate,
    cross_validate_masks,
    paint_candidates,
    write_results,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    whole, deep = StudyConfig(), DeepConfig()
    given = "%(default)s if not given"
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of cases with lung masks")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the tables")
    parser.add_argument("--slices", type=int, default=whole.slices, metavar="N", help=f"most slices of a case; {given}")
    parser.add_argument(
        "--folds", type=int, default=whole.folds, metavar="K", help=f"folds of the cross-validation; {given}"
    )
    parser.add_argument(
        "--epochs", type=int, default=deep.epochs, metavar="N",
        help=f"epochs of the networks for features and masks; {given}",
    )  # fmt: skip
    parser.add_argument(
        "--width", type=int, default=deep.first_features, metavar="N",
        help=f"their first channels, 64 in VGG19; {given}",
    )  # fmt: skip
    parser.add_argument(
        "--encoder-weights", default="", metavar="FILE", help="their initial VGG19 weights; need --width 64"
    )
    parser.add_argument("--exclude", action="append", default=[], metavar="NAME", help="a case or patient to leave out")
    parser.add_argument(
        "--seed", type=int, default=whole.seed, metavar="N", help=f"seed of candidates, folds and networks; {given}"
    )
    add_overwrite_argument(parser)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Paint candidates, train and score by cross-validation over patients, and print two tables.

    Raises:
        LungUNetSegError: Data or settings cannot be used, or scikit-learn or scikit-image is not installed.
    """
    deep = DeepConfig(
        first_features=arguments.width,
        encoder_weights=arguments.encoder_weights,
        epochs=arguments.epochs,
        seed=arguments.seed,
    )
    config = StudyConfig(slices=arguments.slices, folds=arguments.folds, seed=arguments.seed, deep=deep)
    out: Path = arguments.out
    make_folder(out)
    check_replaceable(out / "results.csv")
    written = [out / name for name in ("results.csv", "masks.csv", "candidates.csv", "config.json")]
    check_outputs([], written, overwrite=arguments.overwrite)
    candidates = paint_candidates(find_cases(arguments.data, arguments.exclude), config, progress)
    results = cross_validate(candidates, config, progress)
    masks = cross_validate_masks(candidates, config, progress)
    write_results(out, candidates, results, masks, config)
    progress.close()
    counts = Counter(each.kind for each in candidates)
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    print(f"{len(candidates)} candidates of {len({each.patient for each in candidates})} patients: {listed}")
    lines = [["", "accuracy", "SD", "precision", "sensitivity", "specificity", "F1", *sorted(counts)]]
    for each in results:
        scores = each.scores
        numbers = [scores.accuracy, each.spread, scores.precision, scores.sensitivity, scores.specificity, scores.f1]
        numbers += [each.rightly[kind] for kind in sorted(counts)]
        lines.append([f"{each.features}, {each.classifier}", *(f"{number:.3f}" for number in numbers)])
    print_lines(lines)
    print("\nMasks by the VGG-SegNet:")
    lines = [["", "found", "DSC", "Jaccard"]]
    for mask in masks:
        scored = ["n/a" if isnan(number) else f"{number:.3f}" for number in (mask.dsc, mask.jaccard)]
        lines.append([mask.kind, f"{mask.found:.3f}", *scored])
    print_lines(lines)
    return 0
