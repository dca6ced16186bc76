"""Importing an engine's package when it is needed, and saying so where it cannot be."""

from __future__ import annotations

import importlib
from typing import Any

from LungUNetSegLib.errors import MissingDependencyError


def import_package(name: str, title: str) -> Any:
    """Return an engine's package.

    Args:
        name: To import it and to install it.
        title: For people.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # a driver's missing library, a numpy of another ABI: each raises what it likes
        reason = " ".join(str(error).split())
        raise MissingDependencyError(
            f"{title} cannot be loaded ({reason}): install it with `pip install {name}`, or use another --engine."
        ) from error
