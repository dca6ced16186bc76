"""docs/architectures.md."""


def write(out, runs, size):
    pass
