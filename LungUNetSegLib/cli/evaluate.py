"""`lungunetseg evaluate`: compares one prediction or many with their references."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegLib.cases.compared import pair_cases
from LungUNetSegLib.cli.arguments import add_outside_argument, json_file
from LungUNetSegLib.cli.lctsc_table import print_lctsc
from LungUNetSegLib.cli.lines import print_lines
from LungUNetSegLib.cli.meanings import add_map_argument, meanings_of
from LungUNetSegLib.cli.outputs import add_overwrite_argument, check_outputs
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.evaluation.compare import RegionScores
from LungUNetSegLib.evaluation.evaluate import EvaluatedCase, evaluate_pair, evaluate_pairs
from LungUNetSegLib.evaluation.lctsc import write_lctsc_csv
from LungUNetSegLib.evaluation.report.report import OVERVIEW, about, write_report
from LungUNetSegLib.evaluation.report.tables import (
    COLUMNS,
    Column,
    describe_slices,
    write_cases_csv,
    write_scores_json,
    write_slices_csv,
)
from LungUNetSegLib.files import check_replaceable, make_folder
from LungUNetSegLib.io.images.files import data_files_anywhere
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.segments import LABEL_KINDS

MASKS = "label map, DICOM SEG or RTSTRUCT"

REPORT_FILES = ("report.html", "scores.json", "cases.csv", "slices.csv", "lctsc.csv")
"""Files in the folder of ``--report``; the last is written with the scores of LCTSC 2017 only."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("prediction", type=Path, help=f"{MASKS}, or a folder with one for each case")
    parser.add_argument("reference", type=Path, help=f"{MASKS}, or a folder with one for each case")
    parser.add_argument("--images", type=Path, metavar="PATH", help="the CT or the folder of CTs, for the pictures")
    parser.add_argument(
        "--labels", choices=LABEL_KINDS, default="lr", help="score right and left lung, or only both as one"
    )
    parser.add_argument(
        "--metrics", choices=("lctsc",), help="add the scores of the challenge LCTSC 2017 (docs/lctsc.md)"
    )
    add_map_argument(parser)
    add_outside_argument(parser)
    parser.add_argument("--model", metavar="NAME", help="the model that made the predictions, named in the report")
    parser.add_argument("--json", type=json_file, metavar="FILE", help="write all scores as JSON (docs/json.md)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write report.html, and scores as CSV and JSON here")
    add_overwrite_argument(parser)


def run(arguments: argparse.Namespace, progress: Progress = silent) -> int:
    """Compare, and print the scores.

    Returns:
        0, or 1 if one of several cases failed.

    Raises:
        LungUNetSegError: Nothing can be compared, or the results cannot be written.
    """
    with_lctsc = arguments.metrics == "lctsc"
    if with_lctsc and arguments.labels != "lr":
        raise ConfigError("--metrics lctsc needs right and left lung; leave out --labels binary.")
    _check_outputs(arguments)
    pairs, unused = pair_cases(arguments.prediction, arguments.reference, arguments.images, meanings_of(arguments))
    with data_files_anywhere(arguments.allow_outside):
        if arguments.prediction.is_file():
            cases = [evaluate_pair(pairs[0], arguments.labels, with_lctsc=with_lctsc)]
        else:
            cases = evaluate_pairs(pairs, arguments.labels, progress=progress, with_lctsc=with_lctsc)
    facts = about(Predictions=str(arguments.prediction), References=str(arguments.reference))
    if arguments.model:
        facts["Model"] = arguments.model
    if unused:
        facts["Predictions without reference"] = ", ".join(unused)
    if arguments.json:
        write_scores_json(arguments.json, cases, facts)
    if arguments.report:
        page, scores, by_case, by_slice, challenge = (arguments.report / name for name in REPORT_FILES)
        write_report(page, cases, facts)
        write_scores_json(scores, cases, facts)
        write_cases_csv(by_case, cases)
        write_slices_csv(by_slice, cases)
        if with_lctsc:
            write_lctsc_csv(challenge, [(case.name, case.lctsc) for case in cases])
    _print_scores(cases, unused)
    if with_lctsc:
        print_lctsc({case.name: case.lctsc for case in cases})
    return int(any(case.error for case in cases))


def _check_outputs(arguments: argparse.Namespace) -> None:
    outputs = [arguments.json] if arguments.json else []
    if arguments.report:
        make_folder(arguments.report)
        names = REPORT_FILES if arguments.metrics == "lctsc" else REPORT_FILES[:-1]
        outputs += [arguments.report / name for name in names]
    for output in outputs:
        check_replaceable(output)
    check_outputs([arguments.prediction, arguments.reference], outputs, overwrite=arguments.overwrite)


def _print_scores(cases: Sequence[EvaluatedCase], unused: Sequence[str]) -> None:
    """Print a table to stdout, and errors and findings to stderr."""
    if len(cases) == 1:
        lines = [["", *(region.title for region in cases[0].regions)]]
        lines += [[column.heading, *_cells(column, cases[0].regions)] for column in COLUMNS] if cases[0].regions else []
    else:
        lines = [["", *(column.heading for column in OVERVIEW)]]
        for case in cases:
            for region in case.regions:
                scores = (cell for column in OVERVIEW for cell in _cells(column, [region]))
                lines.append([f"{case.name}: {region.title}", *scores])
    print_lines(lines)
    if any(case.regions for case in cases):
        print(describe_slices(cases))
    for case in cases:
        for message in [finding.message for finding in case.findings] + [case.error or ""]:
            if message:
                print(f"{case.name}: {message}", file=sys.stderr)
    if unused:
        print(f"Without a reference: {', '.join(unused)}", file=sys.stderr)


def _cells(column: Column, regions: Sequence[RegionScores]) -> list[str]:
    return [column.text(getattr(region, column.field)) for region in regions]
