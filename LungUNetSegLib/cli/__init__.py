"""The command line: `lungunetseg segment | info | train | evaluate | figures | export`."""

from LungUNetSegLib.cli.app import main

__all__ = ["main"]
