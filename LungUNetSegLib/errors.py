"""Defines the errors that this library raises on purpose.

Each message says what is wrong, with which file or value, and what to do. They are caught only at the edges: command
line (an exit code), panel and web page (a readable message), node (that study) and batch (that scan).
"""

from __future__ import annotations


def install_extra(extra: str) -> str:
    """Return how to install an extra's packages. This project is not on PyPI."""
    return f"in a checkout of LungUNetSeg, run `pip install '.[{extra}]'`"


INSTALL_TRAIN = install_extra("train")
"""The command that installs all packages for training, export and figures."""


class LungUNetSegError(Exception):
    """Base class of all errors that a user can cause and fix."""


class GeometryError(LungUNetSegError):
    """A grid that cannot be used: singular, of the wrong size, or not the one it must match."""


class ReadError(LungUNetSegError):
    """A file, folder or series that cannot be read as what it should be."""


class WriteError(LungUNetSegError):
    """A result that cannot be written where the user wants it."""


class DicomResultError(WriteError):
    """A scan or its lungs that no DICOM object can rightly refer to or say, wherever it is written."""


class UnknownFormatError(WriteError):
    """A result's name with an unknown ending: wrong usage."""


class ConfigError(LungUNetSegError):
    """A setting with an unknown name, a wrong type or a value out of range."""


class DataError(LungUNetSegError):
    """Cases that cannot be trained on or compared: missing, unpaired or with wrong values."""


class ModelError(LungUNetSegError):
    """Weights or a manifest that are missing, changed, corrupt or made for something else."""


class EngineError(LungUNetSegError):
    """An inference engine or device that is missing or has failed."""


class MissingDependencyError(LungUNetSegError):
    """An optional package is needed and not installed; the message names it and how to get it."""


def message_of(error: Exception) -> str:
    """Return an error's message, of any length and layout, in one line."""
    return " ".join(str(error).split())


def one_line(error: Exception, *, has_debug: bool = True) -> str:
    """Return an error's message for the user in one line.

    Args:
        error: The error.
        has_debug: Whether the user can repeat what failed with ``--debug``, to report an unexpected error: a bug.
    """
    message = message_of(error)
    if isinstance(error, LungUNetSegError):
        return message
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("LungUNetSegLib"):
        package = error.name.partition(".")[0]
        return f"This command needs {package}, which is not installed: {INSTALL_TRAIN}."
    if _is_want_of_memory(error):
        return "There is not enough memory: close other programs, or crop the scan if it is a large one."
    if isinstance(error, OSError):
        return f"The system refused to read or write: {message}. Check its permissions and the free disk space."
    how = " with the output of --debug" if has_debug else ""
    return f"internal error, please report it{how}: {type(error).__name__}: {message}"


_MEMORY_SIGNS = (
    *("failed to map segment", "allocate memory", "bad_alloc", "bad allocation"),  # the loader, torch, C++
    *("could not create a primitive", "without exception set"),  # oneDNN, Python itself
)
_PROBE_BYTES = 1 << 26


def _is_want_of_memory(error: Exception) -> bool:
    """Whether an error came of too little memory: libraries that get none end in errors of any kind."""
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in _MEMORY_SIGNS):
        return True
    if isinstance(error, OSError):
        return False
    try:
        bytearray(_PROBE_BYTES)
    except MemoryError:
        return True
    return False
