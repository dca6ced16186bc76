"""The command line: `lungunetseg segment | batch | report | info | ...`."""

from LungUNetSegLib.cli.app import main

__all__ = ["main"]
