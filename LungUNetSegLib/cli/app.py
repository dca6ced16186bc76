"""Runs a command: parses arguments, reports progress, and turns errors into messages and exit codes.

A command is a module with ``add_arguments(parser)`` and ``run(arguments, progress) -> int``. It is imported only when
it is used, so that segmenting needs neither torch nor the time to import it.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout, suppress
from typing import Any, NoReturn

import LungUNetSegLib
from LungUNetSegLib.cli.progress import KINDS, make_progress
from LungUNetSegLib.cli.streams import (
    Terminated,
    drop_what_cannot_be_written,
    hush_libraries,
    plain_streams,
    stoppable,
)
from LungUNetSegLib.errors import UnknownFormatError, one_line

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
SIGNAL = 128
"""The exit code is this plus the signal's number, as in shells."""

COMMANDS = {
    "segment": ("LungUNetSegLib.cli.segment", "find the lungs in a chest CT"),
    "batch": ("LungUNetSegLib.cli.batch", "segment the lungs in every scan of an archive"),
    "report": ("LungUNetSegLib.cli.report", "write the tables and the page of a batch again"),
    "node": ("LungUNetSegLib.cli.node", "segment the CT studies that a PACS sends, and send the results to it"),
    "web": ("LungUNetSegLib.cli.web", "open scans and segment their lungs in a browser"),
    "info": ("LungUNetSegLib.cli.info", "list the series of a folder and describe the scan that would be segmented"),
    "crop": ("LungUNetSegLib.cli.crop", "cut out the box around the lungs"),
    "train": ("LungUNetSegLib.cli.train", "train a network on scans with masks"),
    "finetune": ("LungUNetSegLib.cli.finetune", "train a model further on corrected scans"),
    "save-case": ("LungUNetSegLib.cli.save_case", "keep a scan and its corrected mask as a case to train on"),
    "followup": ("LungUNetSegLib.cli.followup", "compare two scans of a patient: what changed in the lungs"),
    "evaluate": ("LungUNetSegLib.cli.evaluate", "compare predictions with references"),
    "outcomes": ("LungUNetSegLib.cli.outcomes", "cross-validate a network that predicts an outcome from scans"),
    "nodules": ("LungUNetSegLib.cli.nodules", "cross-validate classifiers of nodules that are painted into lungs"),
    "import-lctsc": ("LungUNetSegLib.cli.import_lctsc", "convert the data of the challenge LCTSC 2017 to cases"),
    "figures": ("LungUNetSegLib.cli.figures", "draw the paper's figures of a training"),
    "export": ("LungUNetSegLib.cli.export", "turn a training's checkpoint into a model for every engine"),
    "quantise": ("LungUNetSegLib.cli.quantise", "add a faster graph of 8-bit numbers to an exported model"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments; the process's own when None.

    Returns:
        0 done, 2 wrong usage, 130 interrupted, 143 ended by SIGTERM, 1 anything else, with one line on stderr that says
        what; without it when the reader of a pipe has left, as `head` does.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if "--debug" not in argv:
        hush_libraries()
    with plain_streams(), stoppable():
        return _main(argv, debug="--debug" in argv)


def run_as_process() -> NoReturn:
    """Run the command of this process's arguments, and end the process with its exit code."""
    code = main()
    if code and any(thread.daemon for thread in threading.enumerate()):
        # Such a thread reads on where nobody waits for it; in C++ it would abort a process whose interpreter ends.
        atexit._run_exitfuncs()  # as Python does before that: temporary folders are removed
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _main(argv: Sequence[str], debug: bool) -> int:
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("LungUNetSegLib").setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        code = _run(argv)
        sys.stdout.flush()  # here, where an error can still be reported
        return code
    except SystemExit as error:  # argparse has reported the error, or shown its help
        return error.code if isinstance(error.code, int) else USAGE
    except Terminated as error:
        print("lungunetseg: ended by a signal", file=sys.stderr)
        return SIGNAL + error.number
    except KeyboardInterrupt:
        print("lungunetseg: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        drop_what_cannot_be_written()
        return FAILED
    except Exception as error:
        if debug:
            raise
        print(f"lungunetseg: {one_line(error)}", file=sys.stderr)
        drop_what_cannot_be_written()
        return USAGE if isinstance(error, UnknownFormatError) else FAILED


def _run(argv: Sequence[str]) -> int:
    name = argv[0] if argv and argv[0] in COMMANDS else None
    command: Any = importlib.import_module(COMMANDS[name][0]) if name else None
    arguments = _parser(name, command).parse_args(argv)
    assert command is not None  # otherwise parsing has failed
    progress = make_progress(arguments.progress)
    # A program that reads progress from stdout must not get anything else there.
    elsewhere = redirect_stdout(sys.stderr) if arguments.progress == "json" else nullcontext()
    try:
        with elsewhere:
            code: int = command.run(arguments, progress)
    finally:
        progress.close()
    return code


def _parser(name: str | None, command: Any) -> argparse.ArgumentParser:
    """Make the parser of all commands; only the command that is used gets its arguments."""
    parser = _Parser(prog="lungunetseg", description="Right and left lung segmentation of chest CT with a 2D U-Net.")
    parser.add_argument("--version", action="version", version=f"lungunetseg {LungUNetSegLib.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each, (_, help_text) in COMMANDS.items():
        subparser = commands.add_parser(each, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
        if each == name:
            command.add_arguments(subparser)
            subparser.add_argument(
                "--progress", choices=KINDS, default="auto",
                help="a bar on a terminal (auto), JSON lines on stdout and all text on stderr (json), or none",
            )  # fmt: skip
            subparser.add_argument("--debug", action="store_true", help="log more, and show where an error came from")
    return parser


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line; the usage is in --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse unknown arguments here, where the command is known; argparse leaves them to the parser of all."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown
