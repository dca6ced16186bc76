"""Sessions without a server: when they end, and that each leaves neither files nor a place taken."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def test_a_killed_process_is_noticed_before_its_page_is_closed(tmp_path: Path) -> None:
    """Protects the page that connects again at once: it got the dead process, which asyncio still called running."""
    from LungUNetSegSlicer.web.sessions import Session

    async def runs_after_kill() -> bool:
        process = await asyncio.create_subprocess_exec("sleep", "60")
        session = Session(process, tmp_path)
        os.kill(process.pid, signal.SIGKILL)
        assert session.runs
        await session.end_is_noticed()
        return session.runs

    assert not asyncio.run(runs_after_kill())


def test_a_session_ends_with_a_reason(tmp_path: Path) -> None:
    """Protects the other users: what ends a session, and what it is told."""
    from LungUNetSegSlicer.web.limits import Limits
    from LungUNetSegSlicer.web.sessions import Session

    this_process: Any = SimpleNamespace(pid=os.getpid(), returncode=None)
    session = Session(this_process, tmp_path)
    assert session.verdict(Limits()) == "" and session.memory_bytes() > 10_000_000
    assert session.verdict(Limits(memory_gb=0.01)).startswith("This session needed more than 0.01 GB of memory")
    assert session.verdict(Limits(grace_s=1e-9)) == "The page was closed."
    session.pages = 1
    assert session.verdict(Limits(grace_s=1e-9)) == ""
    assert session.verdict(Limits(idle_minutes=1e-9)).startswith("Nothing was done for 1e-09 minutes")
    session.uploads = 1
    assert session.verdict(Limits(idle_minutes=1e-9)) == "", "an upload over a slow network takes longer"


def test_limits_are_numbers_above_zero() -> None:
    from LungUNetSegLib.errors import ConfigError
    from LungUNetSegSlicer.web.limits import Limits

    with pytest.raises(ConfigError, match="The limit scans is 0; it has to be above 0"):
        Limits(scans=0)


def sessions_of(monkeypatch: pytest.MonkeyPatch, start: Callable[[], Awaitable[Any]], **limits: float) -> Any:
    """Return sessions whose processes are started by a function; made while a loop runs."""
    from LungUNetSegSlicer.web.limits import Limits
    from LungUNetSegSlicer.web.sessions import Sessions

    monkeypatch.setattr(Sessions, "_start", lambda _: start())
    return Sessions(Limits(**limits), None)  # type: ignore[arg-type]


def test_a_session_that_could_not_be_started_ahead_is_started_when_somebody_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the next user from an error that is hours old."""
    from LungUNetSegSlicer.web.limits import Limits
    from LungUNetSegSlicer.web.sessions import Session, SessionError, Sessions

    ended: Any = SimpleNamespace(pid=0, returncode=0)
    starts: list[None] = []

    async def start(_: Sessions) -> Session:
        starts.append(None)
        if len(starts) == 1:
            raise SessionError("its process was not ready.")
        return Session(ended, tmp_path / str(len(starts)))

    async def work() -> None:
        sessions = Sessions(Limits(), None)
        await asyncio.sleep(0.01)
        assert len(starts) == 1
        session, told = await sessions.open("cookie")
        assert session.folder.name == "2" and not told
        await sessions.close()

    monkeypatch.setattr(Sessions, "_start", start)
    asyncio.run(work())


def test_a_viewer_that_ended_while_nobody_looked_leaves_no_scan_and_no_place_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects patients' scans on the server: they stayed until it was stopped, and the place was never free again."""
    from LungUNetSegSlicer.web.sessions import Session

    ended: Any = SimpleNamespace(pid=0, returncode=-9)

    async def start() -> Session:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return Session(ended, folder)

    async def work() -> None:
        sessions = sessions_of(monkeypatch, start, sessions=1, grace_s=0.05)
        session, _ = await sessions.open("gone")
        (session.folder / "scan").touch()
        await asyncio.sleep(0.3)
        assert not session.folder.exists()
        await sessions.open("another")
        await sessions.close()

    asyncio.run(work())


def test_a_start_that_fails_after_its_page_was_closed_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the other users: a failed start that nobody waited for counted as one of the places."""
    from LungUNetSegSlicer.web.sessions import Session, SessionError

    fails = asyncio.Event()

    async def start() -> Session:
        await fails.wait()
        raise SessionError("its process ended at once")

    async def work() -> None:
        sessions = sessions_of(monkeypatch, start, sessions=1, grace_s=0.05)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sessions.open("closed"), 0.05)
        fails.set()
        await asyncio.sleep(0.3)
        with pytest.raises(SessionError, match="could not be started"):
            await sessions.open("another")
        await sessions.close()

    asyncio.run(work())


def test_a_folder_in_which_a_dying_process_still_writes_is_removed_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects from a patient's scan that stays in the server's temporary folder."""
    from LungUNetSegSlicer.web import sessions as module
    from LungUNetSegSlicer.web.sessions import Session

    ended: Any = SimpleNamespace(pid=0, returncode=0)
    removals: list[Path] = []
    rmtree = module.shutil.rmtree

    def remove(folder: Path, ignore_errors: bool) -> None:
        removals.append(folder)
        if len(removals) > 1:
            rmtree(folder, ignore_errors=ignore_errors)

    async def start() -> Session:
        folder = tmp_path / "session"
        folder.mkdir(exist_ok=True)
        return Session(ended, folder)

    async def work() -> None:
        sessions = sessions_of(monkeypatch, start)
        await asyncio.sleep(0.01)
        await sessions.close()

    monkeypatch.setattr(module.shutil, "rmtree", remove)
    asyncio.run(work())
    assert removals == [tmp_path / "session"] * 2 and not removals[0].exists()
