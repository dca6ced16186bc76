"""The command line inside Slicer, for machines that have no other Python.

Slicer --no-splash --no-main-window --python-script LungUNetSegLib/scripts/lungunetseg_command.py segment CT -o OUT
"""

import sys
from pathlib import Path

try:
    import LungUNetSegLib  # noqa: F401
except ModuleNotFoundError:
    # Slicer puts only this script's folder on sys.path; the library lies two folders above.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from LungUNetSegLib.cli import main

# Slicer does not end with the script, unless it is told to.
raise SystemExit(main())
