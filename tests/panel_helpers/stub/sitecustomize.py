"""Python loads this file at its start when its folder is on PYTHONPATH: the child's command line becomes the stub."""

import os
import sys

import stub_cli

sys.modules["LungUNetSegLib.cli"] = stub_cli
if os.environ.get("STUB_HOLD") == "surface":
    from LungUNetSegSlicer.scene import surfaces

    surfaces.make_surface = lambda *_: stub_cli.hold("surface")
