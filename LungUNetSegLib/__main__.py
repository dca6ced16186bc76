"""`python -m LungUNetSegLib` is the command `lungunetseg`."""

import sys

from LungUNetSegLib.cli import main

if __name__ == "__main__":
    sys.exit(main())
