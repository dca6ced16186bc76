"""`lungunetseg web`: opens scans and segments their lungs in a browser."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import LungUNetSegLib
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.errors import ConfigError, MissingDependencyError, install_extra
from LungUNetSegLib.machine import import_extra


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "--port", type=int, default=8765, help="the port of the page, 0 for any free one; %(default)d if not given"
    )
    parser.add_argument(
        "--host", help="address at which other machines may connect, with the token that is printed (docs/web.md)"
    )
    parser.add_argument("--folder", type=Path, help="folder whose scans every user may open")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    limits = parser.add_argument_group("limits")
    given = "%(default)g if not given"
    limits.add_argument("--sessions", type=int, default=10, metavar="N", help=f"users at a time; {given}")
    limits.add_argument(
        "--segmentations", type=int, default=1, metavar="N", help=f"segmentations at a time; others wait; {given}"
    )
    limits.add_argument("--scans", type=int, default=4, metavar="N", help=f"open scans; {given}")
    limits.add_argument(
        "--upload-gb", type=float, default=4.0, metavar="GB", help=f"disk space for uploads, unpacked; {given}"
    )
    limits.add_argument("--memory-gb", type=float, default=8.0, metavar="GB", help=f"memory; {given}")
    limits.add_argument(
        "--idle-minutes", type=float, default=60.0, metavar="MIN", help=f"a session without a click ends then; {given}"
    )
    limits.add_argument(
        "--grace", type=float, default=60.0, metavar="S", help=f"seconds from closing the page to the end; {given}"
    )


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Serve until a signal ends it.

    Raises:
        LungUNetSegError: A package, folder or port that cannot be used.
    """
    serve, limits = _module_files()
    serve.serve(
        serve.Settings(
            port=arguments.port,
            host=arguments.host,
            scans=arguments.folder,
            opens_browser=arguments.open,
            limits=limits.Limits(
                sessions=arguments.sessions,
                segmentations=arguments.segmentations,
                scans=arguments.scans,
                upload_gb=arguments.upload_gb,
                memory_gb=arguments.memory_gb,
                idle_minutes=arguments.idle_minutes,
                grace_s=arguments.grace,
            ),
        )
    )
    return 0


def _module_files() -> tuple[Any, Any]:
    """Import the server from the module for Slicer, which lies beside this library in a checkout."""
    if sys.platform == "win32":
        raise ConfigError("The page's server runs on Linux and macOS, not on Windows; its users may have any system.")
    for package in ("aiohttp", "PIL"):
        import_extra(package, f"The page needs {package}", "web")
    if importlib.util.find_spec("trame_slicer") is None:  # loading it takes seconds, and the users' processes do
        raise MissingDependencyError(f"The page needs trame-slicer: {install_extra('web')}.")
    folder = Path(LungUNetSegLib.__file__).parents[1] / "LungUNetSeg"
    if not (folder / "LungUNetSegSlicer").is_dir():
        raise MissingDependencyError(
            f"The page is part of the module for Slicer, which is not beside {folder.parent / 'LungUNetSegLib'}: "
            f"{install_extra('web')} with the option --editable."
        )
    sys.path.append(str(folder))
    names = ("serve", "limits")
    serve, limits = (importlib.import_module(f"LungUNetSegSlicer.web.{name}") for name in names)
    return serve, limits
