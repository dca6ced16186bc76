"""`python -m LungUNetSegLib` is the command `lungunetseg`."""

from LungUNetSegLib.cli import run_as_process

if __name__ == "__main__":
    run_as_process()
