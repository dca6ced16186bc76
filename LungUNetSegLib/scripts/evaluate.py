"""`lungunetseg evaluate` inside Slicer; ends Slicer with the command's exit code.

Slicer --no-splash --no-main-window --python-script LungUNetSegLib/scripts/evaluate.py ARGUMENTS
"""

import runpy
import sys
from pathlib import Path

sys.argv.insert(1, "evaluate")
runpy.run_path(str(Path(__file__).with_name("lungunetseg_command.py")))
