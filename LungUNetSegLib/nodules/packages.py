"""The packages of the extra `nodules`, loaded where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from LungUNetSegLib.errors import MissingDependencyError


def load_package(name: str, title: str) -> Any:
    """Return a package or a module of one.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"Nodules need {title}, which cannot be loaded ({error}): in a checkout, `pip install '.[nodules]'`."
        ) from error
