"""Adds the options for network, engine and device to each command that segments."""

from __future__ import annotations

from argparse import _ActionsContainer as Options

from LungUNetSegLib.engines import DEVICES, ENGINES
from LungUNetSegLib.models.model import DEFAULT_MODEL


def add_network_arguments(options: Options) -> None:
    """Add ``--model``, ``--engine`` and ``--device`` to a parser or a group of one."""
    options.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME|FILE",
        help="name of a shipped model or one of your own, a model's folder or a checkpoint; %(default)s if not given",
    )  # fmt: skip
    options.add_argument("--engine", choices=ENGINES, default="auto", help="software that runs the network")
    options.add_argument("--device", choices=DEVICES, default="auto", help="device that runs it")
