"""From arguments to an exit code: the commands, how they report progress, and what becomes of errors.

A command is a module with ``add_arguments(parser)`` and ``run(arguments, progress) -> int``. It is imported only when
it is asked for, so that segmenting needs neither torch nor the time to import it.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from io import TextIOWrapper
from typing import Any, NoReturn

import LungUNetSegLib
from LungUNetSegLib.cli.progress import KINDS, make_progress
from LungUNetSegLib.errors import LungUNetSegError, UnknownFormatError
from LungUNetSegLib.machine import INSTALL_TRAIN

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

COMMANDS = {
    "segment": ("LungUNetSegLib.cli.segment", "find the lungs in a chest CT"),
    "info": ("LungUNetSegLib.cli.info", "say what a scan is"),
    "crop": ("LungUNetSegLib.cli.crop", "cut out the box around the lungs"),
    "train": ("LungUNetSegLib.cli.train", "train a network on scans with masks"),
    "evaluate": ("LungUNetSegLib.cli.evaluate", "compare predictions with references"),
    "outcomes": ("LungUNetSegLib.cli.outcomes", "train a network on scans with an outcome each, and judge it"),
    "figures": ("LungUNetSegLib.cli.figures", "draw the paper's figures of a training"),
    "export": ("LungUNetSegLib.cli.export", "turn a training's checkpoint into a model for every engine"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments; the process's own when None.

    Returns:
        0 done, 2 wrong usage, 130 interrupted, 1 anything else, with one line on stderr that says what; without it
        when the reader of a pipe has left, as `head` does.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    if isinstance(sys.stdout, TextIOWrapper):
        # A series or file may have a name that a terminal cannot show; stderr is so already.
        sys.stdout.reconfigure(errors="backslashreplace")
    if not debug:
        _hush_libraries()
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("LungUNetSegLib").setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        code = _run(argv)
        sys.stdout.flush()  # here, where an error can still be told
        return code
    except SystemExit as error:  # argparse has said what is wrong, or shown its help
        return error.code if isinstance(error.code, int) else USAGE
    except KeyboardInterrupt:
        print("lungunetseg: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_what_cannot_be_written()
        return FAILED
    except Exception as error:
        if debug:
            raise
        print(f"lungunetseg: {_one_line(error)}", file=sys.stderr)
        _drop_what_cannot_be_written()
        return USAGE if isinstance(error, UnknownFormatError) else FAILED


def _run(argv: Sequence[str]) -> int:
    name = argv[0] if argv and argv[0] in COMMANDS else None
    command: Any = importlib.import_module(COMMANDS[name][0]) if name else None
    arguments = _parser(name, command).parse_args(argv)
    assert command is not None  # otherwise parsing has failed
    progress = make_progress(arguments.progress)
    # A program that reads progress from stdout must find nothing else there.
    elsewhere = redirect_stdout(sys.stderr) if arguments.progress == "json" else nullcontext()
    try:
        with elsewhere:
            code: int = command.run(arguments, progress)
    finally:
        progress.close()
    return code


def _parser(name: str | None, command: Any) -> argparse.ArgumentParser:
    """Make the parser of all commands; only the one that is asked for knows its arguments."""
    parser = _Parser(prog="lungunetseg", description="Right and left lung segmentation of chest CT with a 2D U-Net.")
    parser.add_argument("--version", action="version", version=f"lungunetseg {LungUNetSegLib.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each, (_, help_text) in COMMANDS.items():
        subparser = commands.add_parser(each, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
        if each == name:
            command.add_arguments(subparser)
            subparser.add_argument(
                "--progress", choices=KINDS, default="auto",
                help="a bar on a terminal (auto), a JSON object a line on stdout and all words on stderr, or none",
            )  # fmt: skip
            subparser.add_argument("--debug", action="store_true", help="log more, and show where an error came from")
    return parser


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is in --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def _hush_libraries() -> None:
    """Keep off stderr what C libraries print there themselves, such as MetaIO's lines when a disk is full.

    Only where stderr is the process's own: within another program, as Slicer or a test, it is not ours to move.
    """
    if sys.stderr is None or sys.stderr is not sys.__stderr__:
        return
    ours = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stderr = os.fdopen(ours, "w", buffering=1, errors="backslashreplace")


def _drop_what_cannot_be_written() -> None:
    """Keep Python from complaining when it flushes once more at its end (its library reference, "Note on SIGPIPE")."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(error: Exception) -> str:
    """Return an error's message; what no user can mend is named as a bug."""
    message = " ".join(str(error).split())
    if isinstance(error, LungUNetSegError):
        return message
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("LungUNetSegLib"):
        package = error.name.partition(".")[0]
        return f"This command needs {package}, which is not installed: {INSTALL_TRAIN}."
    if isinstance(error, MemoryError):
        return "There is not enough memory for this scan: close other programs, or crop the scan."
    if isinstance(error, OSError):
        return f"The system refused to read or write: {message}. Check the place's permissions and its free space."
    return f"internal error, please report it with the output of --debug: {type(error).__name__}: {message}"
