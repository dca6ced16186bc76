"""`lungunetseg batch`: all scans of an archive, planned, resumed, on one machine or on a cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from LungUNetSegLib.batch.index import HeaderIndex
from LungUNetSegLib.batch.jobs import FORMATS, IDENTIFY
from LungUNetSegLib.batch.plan import LEAST_SLICES, WHICH, Plan, PlanOptions, check_places, make_plan
from LungUNetSegLib.batch.plan_text import left_out_text, print_plan, save_plan
from LungUNetSegLib.batch.rules import parse_rule
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.cli.arguments import count, thread_count
from LungUNetSegLib.cli.network_arguments import add_network_arguments
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.segments import LABEL_KINDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "source", type=Path, metavar="SOURCE",
        help="a folder of any depth, a DICOMDIR, a zip archive, an image file, or a list of scans (.csv "
        "with a column path, or .json)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the folder of the results")
    _add_choice(parser)
    _add_work(parser)
    parser.add_argument("--summary", action="store_true", help="print results by site, scanner and kernel at the end")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("which scans")
    which.add_argument("--dry-run", action="store_true", help="say what would be done and why, and stop")
    which.add_argument(
        "--series", choices=WHICH, default="best", help="take the best chest CT of each study (if not given), or all"
    )
    which.add_argument(
        "--include", type=_rule, action="append", default=[], metavar="RULE",
        help="take only scans for which all rules hold: description=TEXT, kernel=TEXT, site=TEXT, path=TEXT (regular "
        "expressions), thickness<=MM, slices>=N",
    )  # fmt: skip
    which.add_argument(
        "--exclude", type=_rule, action="append", default=[], metavar="RULE",
        help="leave out scans for which any of these rules holds",
    )  # fmt: skip
    which.add_argument(
        "--least-slices", type=count, default=LEAST_SLICES, metavar="N",
        help=f"leave out scans of fewer slices; {LEAST_SLICES} if not given",
    )  # fmt: skip
    which.add_argument("--retry-failed", action="store_true", help="try scans again that failed before")
    which.add_argument("--redo", action="store_true", help="segment all scans again; needed for other settings")


def _add_work(parser: argparse.ArgumentParser) -> None:
    how = parser.add_argument_group("how")
    how.add_argument(
        "--format", choices=FORMATS, action="append", metavar="KIND",
        help=f"format of the lungs' files; may be repeated: {', '.join(FORMATS)}; {FORMATS[0]} if not given",
    )  # fmt: skip
    how.add_argument(
        "--identify", choices=IDENTIFY, default="path",
        help="how results name scans: by path (if not given), by a pseudonym, or by their DICOM identifiers",
    )  # fmt: skip
    add_network_arguments(how)
    how.add_argument("--labels", choices=LABEL_KINDS, default="lr", help="right and left lung, or both as one")
    how.add_argument("--raw", action="store_true", help="write the network's output without postprocessing")
    how.add_argument(
        "--jobs", type=_jobs, metavar="N",
        help="number of processes, as many as cores and memory allow if not given; 0 to work in this process",
    )  # fmt: skip
    where = how.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="use the Dask cluster of this scheduler, such as tcp://host:8786"
    )
    where.add_argument("--cluster", choices=("local",), help="start a Dask cluster on this machine, of --jobs workers")
    how.add_argument(
        "--send", action="store_true",
        help="send scans to workers that cannot read SOURCE or write OUT, and get the results back",
    )  # fmt: skip
    how.add_argument(
        "--threads", type=thread_count, metavar="N",
        help="CPU threads of each process; its share of the cores if not given",
    )  # fmt: skip


def _rule(text: str) -> object:
    try:
        return parse_rule(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _jobs(text: str) -> int:
    return 0 if text == "0" else count(text)


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Plan a batch, and segment the scans that are left.

    Returns:
        0, or 1 if a scan failed, now or before.

    Raises:
        LungUNetSegError: Nothing can be planned or done at all.
    """
    source, store = arguments.source, Store(arguments.output)
    check_places(source, arguments.output)
    if arguments.dry_run and not store.index.exists():
        plan = _plan(arguments, HeaderIndex(None), progress)
        print_plan(plan)
        return 0
    store.make()
    with store.locked():
        plan = _plan(arguments, HeaderIndex(store.index), progress)
        if arguments.dry_run:  # the page of the results names their own plan
            print_plan(plan)
            return 0
        save_plan(plan, store.plan)
        print_plan(plan, store.plan)
        if not plan.taken:
            raise DataError(f"{source}: no chest CT was found. Left out: {left_out_text(plan)}.")
        from LungUNetSegLib.cli.batch_work import work  # takes a third of a plan's time to import

        totals = work(arguments, plan, store, progress)
    others = f"; the table also has {totals.others} of earlier runs" if totals.others else ""
    changed = totals.changed
    again = f", {changed} again as {'their' if changed > 1 else 'its'} files had changed" if changed else ""
    print(f"{store.page}: {totals.done} of {totals.scans} scans done, {totals.failed} failed{again}{others}")
    if arguments.summary:
        from LungUNetSegLib.cli.report import print_summary

        print_summary(store)
    if totals.failed:
        print(f"{store.page.name} says why scans failed, and --retry-failed tries them again")
        print(f"lungunetseg: {totals.failed} of {totals.scans} scans failed", file=sys.stderr)
    return int(totals.failed > 0)


def _plan(arguments: argparse.Namespace, index: HeaderIndex, progress: ProgressView) -> Plan:
    options = PlanOptions(
        series=arguments.series,
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        least_slices=arguments.least_slices,
    )
    try:
        return make_plan(arguments.source, options, index, progress)
    finally:
        index.close()
        progress.close()
