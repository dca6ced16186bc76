"""`lungunetseg report`: writes the table and the page of a batch again, from the results on disk."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungUNetSegLib.batch.run import write_tables
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.batch.summary import GROUPS, HEADER, summarise
from LungUNetSegLib.batch.table import row_of
from LungUNetSegLib.cli.lines import print_lines
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.errors import ReadError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument("output", type=Path, metavar="OUT", help="the folder of a batch's results")
    parser.add_argument("--summary", action="store_true", help="print results by site, scanner and kernel")


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Write results.csv, results.parquet and index.html anew.

    Raises:
        ReadError: The folder holds no batch.
    """
    store = Store(arguments.output)
    if not store.scans.is_dir():
        raise ReadError(f"{arguments.output}: is not a folder of a batch's results (it has no folder scans).")
    write_tables(store)
    print(store.page)
    if arguments.summary:
        print_summary(store)
    return 0


def print_summary(store: Store) -> None:
    """Print a table for each way of grouping."""
    rows = [row_of(report) for report in store.reports()]
    for by in GROUPS:
        print()
        print_lines([(by, *HEADER), *summarise(rows, by)])
