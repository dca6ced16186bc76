"""Starts the server and stops it: the part of `lungunetseg web` that needs the module's own files."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from LungUNetSegLib.errors import ConfigError, ReadError
from LungUNetSegSlicer.web.access import Access
from LungUNetSegSlicer.web.limits import Limits
from LungUNetSegSlicer.web.sessions import Sessions
from LungUNetSegSlicer.web.site import Site

LOCALHOST = "127.0.0.1"
STOP_S = 2.0
"""Requests that are being answered may take this long when the server is stopped."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the server runs.

    Attributes:
        port: 0 for any free one.
        host: The address to listen at; None for this machine only, where no token is needed.
        scans: A folder whose scans every user may open.
        opens_browser: Whether a browser is opened with the page.
        limits: For each user.
    """

    port: int = 8765
    host: str | None = None
    scans: Path | None = None
    opens_browser: bool = False
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; print the address, and the token if one is needed.

    Raises:
        ConfigError: The address or port cannot be used.
        ReadError: The folder of scans is not there.
    """
    if settings.scans is not None and not settings.scans.is_dir():
        raise ReadError(f"{settings.scans}: there is no such folder; --folder is a folder with scans.")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    access = Access(needs_token=settings.host is not None)
    sessions = Sessions(settings.limits, settings.scans.resolve() if settings.scans else None)
    runner = web.AppRunner(Site(access, sessions).application(), access_log=None, shutdown_timeout=STOP_S)
    await runner.setup()
    try:
        await _listen(runner, settings)
        port = runner.addresses[0][1]
        address = f"http://{settings.host or 'localhost'}:{port}/"
        print(f"The lungs are at {address}  (Ctrl+C ends it)", flush=True)
        if access.token:
            print(f"Token: {access.token}", flush=True)
        if settings.opens_browser:
            webbrowser.open(address)
        await stop.wait()
    finally:
        await sessions.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    host = settings.host or LOCALHOST
    try:
        await web.TCPSite(runner, host, settings.port).start()
    except OSError as error:
        raise ConfigError(
            f"Port {settings.port} of {host} cannot be used ({error.strerror}). Give another one with --port."
        ) from error
