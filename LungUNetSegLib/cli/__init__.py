"""The command line: `lungunetseg segment | batch | report | info | ...`."""

from LungUNetSegLib.cli.app import main, run_as_process

__all__ = ["main", "run_as_process"]
