"""Python loads this file at its start when its folder is on PYTHONPATH: the child's command line becomes the stub."""

import sys

import stub_cli

sys.modules["LungUNetSegLib.cli"] = stub_cli
