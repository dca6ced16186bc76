"""The server without a browser: who may enter, what it refuses, and that nothing outlives it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import SimpleITK as sitk
from web_client import Client, new_client, refusal, run, socket, state, statuses, upload
from web_page import Server, wait_for

from LungUNetSegLib.io import write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume.resample import to_sitk


@pytest.fixture(scope="module")
def server(make_server: Callable[..., Server]) -> Server:
    """For this machine only, with small limits."""
    return make_server("--grace", "2", "--sessions", "3", "--scans", "2", "--upload-gb", "0.05")


@pytest.fixture(scope="module")
def guarded(make_server: Callable[..., Server]) -> Server:
    """For other machines, too."""
    return make_server("--host", "127.0.0.1")


def test_other_machines_need_the_token_and_get_a_cookie_that_scripts_cannot_read(guarded: Server) -> None:
    async def work(client: Client) -> None:
        asked = await (await client.get(guarded.url)).text()
        assert "asks for the token" in asked and "Segment lungs" not in asked
        assert (await client.get(f"{guarded.url}socket")).status == 403
        wrong = await client.post(f"{guarded.url}enter", data={"token": guarded.token[:-1]})
        assert wrong.url.query_string == "wrong" and not list(client.cookie_jar)
        right = await client.post(f"{guarded.url}enter", data={"token": guarded.token}, allow_redirects=False)
        cookie = right.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and guarded.token not in cookie
        assert "Segment lungs" in await (await client.get(guarded.url)).text()

    run(work)


def test_the_cookie_goes_only_through_tls_where_a_proxy_has_it(guarded: Server) -> None:
    async def work(client: Client) -> None:
        sent = {"X-Forwarded-Proto": "https"}
        answer = await client.post(
            f"{guarded.url}enter", data={"token": guarded.token}, headers=sent, allow_redirects=False
        )
        assert "Secure" in answer.headers["Set-Cookie"]

    run(work)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_pages_of_other_sites_are_refused(server: Server, headers: dict[str, str]) -> None:
    """Protects a user from a site that makes its name, or its scripts, lead to this server."""

    async def work(client: Client) -> None:
        assert (await client.get(server.url, headers=headers)).status == 403

    run(work)


def test_every_answer_forbids_foreign_scripts_and_frames(server: Server) -> None:
    async def work(client: Client) -> None:
        for path in ("", "page/app.js", "nowhere"):
            headers = (await client.get(f"{server.url}{path}")).headers
            assert "default-src 'self'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"

    run(work)


def test_no_session_is_seen_by_another_and_no_more_are_given_than_there_are(make_server: Callable[..., Server]) -> None:
    server = make_server("--sessions", "2")

    async def one_too_many() -> str:
        async with new_client() as client, socket(client, server) as page:
            return str((await page.receive_json())["ended"])

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            await state(page, lambda now: now["scans"])
            async with new_client() as other, socket(other, server) as another:
                assert (await state(another, lambda _: True))["scans"] == []
                assert await one_too_many() == (
                    "All 2 places on this server are taken. Try again when somebody has closed the page."
                )

    run(work)


def test_sessions_that_are_opened_and_dropped_leave_nothing(server: Server) -> None:
    """Protects the server from pages that are closed before they are there."""

    async def drop() -> None:
        async with new_client() as client, socket(client, server):
            pass

    async def work(_: Client) -> None:
        for _number in range(5):
            await asyncio.gather(*(drop() for _each in range(6)))

    run(work)
    wait_for(lambda: len(server.folders()) == 1)  # that of the session that is started ahead


def test_more_scans_than_allowed_are_refused_and_those_that_are_open_wait_for_each_other(server: Server) -> None:
    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            for count in (1, 2):
                await page.send_json({"do": "phantom"})
                await state(page, lambda now, count=count: len(now["scans"]) == count and not now["busy"])
            await page.send_json({"do": "phantom"})
            said = await state(page, lambda now: "are open" in now["errors"].get("open", ""))
            assert said["errors"]["open"] == (
                "2 scans are open, as many as one session may have. Close one of them first."
            )
            await page.send_json({"do": "segment", "all": True})
            first, second = (each["number"] for each in said["scans"])
            await state(page, lambda now: statuses(now) == ["running", "waiting"])
            await page.send_json({"do": "cancel", "number": first})
            await state(page, lambda now: statuses(now) == ["cancelled", "running"])
            await page.send_json({"do": "cancel", "number": second})
            await state(page, lambda now: statuses(now) == ["cancelled", "cancelled"])
            await page.send_json({"do": "close", "number": first})
            assert (await state(page, lambda now: len(now["scans"]) == 1))["current"] == second

    run(work)


def test_a_folder_of_two_series_is_listed_with_reasons(server: Server, tmp_path: Path) -> None:
    """Protects the choice: the longer scan is proposed, and the page says why not the other."""
    files = {}
    for name, slices in (("long", 40), ("short", 20)):
        phantom = make_phantom(phantom_geometry((slices, 64, 64)), rng=1)
        write_dicom_series(phantom.ct, tmp_path / name)
        files |= {f"study/{name}/{file.name}": file.read_bytes() for file in (tmp_path / name).iterdir()}

    async def work(client: Client) -> list[dict[str, str]]:
        async with socket(client, server) as page:
            assert (await upload(client, server, files))[0] == 200
            found: list[dict[str, str]] = (await state(page, lambda now: now["offers"]))["offers"]
            return found

    first, second = run(work, server)
    assert first["reason"].startswith("Proposed: axial") and first["detail"].startswith("40 slices of 64 × 64 pixels")
    assert second["reason"] == "Fewer slices."


def test_files_of_two_folders_stay_apart_and_are_told_apart(server: Server, tmp_path: Path) -> None:
    """Protects pairs of header and voxels with the same names in each case's folder; the list names the folders."""
    ct = make_phantom(phantom_geometry((20, 64, 64)), rng=1).ct
    sitk.WriteImage(to_sitk(ct), str(tmp_path / "ct.mhd"))
    pair = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    files = {f"cases/{case}/{name}": content for case in ("one", "two") for name, content in pair.items()}

    async def work(client: Client) -> str:
        async with socket(client, server) as page:
            await upload(client, server, files)
            now = await state(page, lambda now: now["offers"] and not now["busy"])
            assert [each["title"] for each in now["offers"]] == ["cases/one/ct.mhd", "cases/two/ct.mhd"]
            await page.send_json({"do": "open", "index": 1})
            opened = await state(page, lambda now: now["scans"] or now["errors"])
            return str(opened["scans"][0]["name"])

    assert len(pair) == 2 and run(work) == "cases/two/ct.mhd"


def test_a_zip_that_leads_out_of_its_folder_is_not_unpacked(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escaped.txt", "out")

    assert "would be written outside" in refusal(server, {"scan.zip": path.read_bytes()}, "outside")
    assert not list(server.temporary.rglob("escaped*"))


def test_a_zip_that_unpacks_to_more_than_allowed_is_refused(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scan.nii", bytes(60_000_000))

    assert "holds more than the 0.05 GB" in refusal(server, {"bomb.zip": path.read_bytes()}, "more than")


def test_other_images_are_named(server: Server, tmp_path: Path) -> None:
    """Protects the user's time: the sentence says what the files are instead, and not where the server keeps them."""
    import pydicom

    write_dicom_series(make_phantom(phantom_geometry((20, 64, 64)), rng=1).ct, tmp_path)
    image = pydicom.dcmread(next(tmp_path.iterdir()))
    image.Modality, image.SOPClassUID = "DX", "1.2.840.10008.5.1.4.1.1.1.1"
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.save_as(tmp_path / "x-ray.dcm")
    said = refusal(server, {"x-ray.dcm": (tmp_path / "x-ray.dcm").read_bytes()}, "No CT")
    assert said.startswith("No CT to segment. Found: X-ray images (1).") and "/" not in said


@pytest.mark.parametrize("name", ["../../../escaped.nii", "..", "a/../../escaped.nii", "\\\\server\\escaped.nii", ""])
def test_names_of_files_lead_nowhere(name: str) -> None:
    """Protects the server's disk: whatever a browser claims, a path stays below its folder."""
    from LungUNetSegSlicer.web.uploads import safe_path

    path = safe_path(name)
    assert path.parts and not path.is_absolute()
    assert not {"", ".", ".."} & set(path.parts) and "\\" not in str(path)


def test_an_upload_that_breaks_off_leaves_nothing(server: Server) -> None:
    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await state(page, lambda _: True)

            async def half() -> AsyncIterator[bytes]:
                yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.nii"\r\n\r\n' + bytes(1000)
                raise ConnectionResetError

            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            with pytest.raises((aiohttp.ClientError, ConnectionResetError)):
                await client.post(f"{server.url}upload", data=half(), headers=headers)
            await asyncio.sleep(0.5)
            assert not list(server.temporary.rglob("a.nii"))

    run(work, server)


def test_malformed_commands_change_nothing(server: Server) -> None:
    """Protects a session from another program that has its cookie, and from a second click on what has gone."""

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            before = await state(page, lambda _: True)
            for text in ("", "[]", "{", '{"do": "__init__"}', '{"do": "slice", "view": "axial", "index": "x"}'):
                await page.send_str(text)
            await page.send_json({"do": "size", "view": "axial", "width": 10**9, "height": 10**9})
            for command in ({"do": "open", "index": 7}, {"do": "close", "number": 7}, {"do": "segment", "number": 7}):
                await page.send_json(command)
            await page.send_json({"do": "display", "key": "opacity", "value": 1})
            after = await state(page, lambda now: now["display"]["opacity"] == 1)
            assert after | {"display": 0, "slices": 0} == before | {"display": 0, "slices": 0}

    run(work, server)


def test_a_child_that_is_killed_is_told_and_the_session_goes_on(server: Server) -> None:
    from LungUNetSegSlicer.run.process_tree import descendants

    def children() -> list[int]:
        found = descendants(server.process.pid)
        return [each for each in found if b"run.segmentation_child" in Path(f"/proc/{each}/cmdline").read_bytes()]

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            number = (await state(page, lambda now: now["current"] is not None))["current"]
            await page.send_json({"do": "segment", "number": number})
            while not children():
                await asyncio.sleep(0.02)
            os.kill(children()[0], signal.SIGKILL)
            scan = (await state(page, lambda now: now["scans"][0]["status"] == "failed"))["scans"][0]
            assert scan["message"].startswith("The computation ended unexpectedly.")

    run(work, server)


def test_a_scan_can_be_closed_while_it_is_compared(server: Server) -> None:
    """Protects the button, which did nothing then: why was said in a part of the page that may be hidden."""

    def open_scans(now: dict[str, Any]) -> list[int]:
        return [each["number"] for each in now["scans"] if each["status"] == "open"]  # one of an earlier test failed

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            (number,) = open_scans(await state(page, lambda now: now["current"] in open_scans(now)))
            await page.send_json({"do": "segment", "number": number})
            await state(page, lambda now: now["result"] is not None)
            await page.send_json({"do": "compare"})
            await state(page, lambda now: "compare" in now["busy"])
            await page.send_json({"do": "close", "number": number})
            now = await state(page, lambda now: number not in [each["number"] for each in now["scans"]])
            assert not now["busy"] and not now["errors"]
            await page.send_json({"do": "phantom"})
            await state(page, open_scans)

    run(work, server)


def test_a_viewer_that_is_killed_is_told_and_another_one_starts(server: Server) -> None:
    from LungUNetSegSlicer.run.process_tree import descendants

    async def work(client: Client) -> str:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            await state(page, lambda now: now["scans"])
            used = next(each for each in server.folders() if (each / "phantom").exists())
            viewer = next(
                each
                for each in descendants(server.process.pid)
                if used.name.encode() in Path(f"/proc/{each}/cmdline").read_bytes()
            )
            os.kill(viewer, signal.SIGKILL)
            async for _ in page:
                pass
        async with socket(client, server) as page:
            return str((await page.receive_json())["told"])

    assert run(work, server).startswith("The viewer ended unexpectedly")


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


def test_an_upload_to_a_viewer_that_has_just_ended_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Protects who reads the page, which showed the server's own "500 Internal Server Error"."""
    from aiohttp.test_utils import TestClient, TestServer

    from LungUNetSegSlicer.web.access import COOKIE, Access
    from LungUNetSegSlicer.web.limits import Limits
    from LungUNetSegSlicer.web.sessions import Session
    from LungUNetSegSlicer.web.site import Site

    running: Any = SimpleNamespace(pid=0, returncode=None)
    session, access = Session(running, tmp_path), Access(needs_token=False)

    async def present(_: str) -> Session:
        return session

    async def work() -> None:
        sessions: Any = SimpleNamespace(limits=Limits(), present=present)
        site = TestServer(Site(access, sessions).application())
        async with TestClient(site, cookies={COOKIE: access.new_cookie()}) as client:
            answer = await client.post("/upload", data={"file": io.BytesIO(b"x")})
            assert (answer.status, session.uploads) == (400, 0)
            assert (await answer.json())["error"].startswith("The viewer ended before it had opened the files.")

    asyncio.run(work())


def test_a_download_over_a_slow_network_is_not_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects large files: aiohttp ends a request after five minutes, here after 0.2 s, and with it the download."""
    from aiohttp import web
    from aiohttp.test_utils import TestClient, TestServer

    from LungUNetSegSlicer.web.access import COOKIE, Access
    from LungUNetSegSlicer.web.sessions import Session
    from LungUNetSegSlicer.web.site import Site

    running: Any = SimpleNamespace(pid=0, returncode=None)
    session, access = Session(running, tmp_path), Access(needs_token=False)

    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(10):
            await answer.write(b"x")
            await asyncio.sleep(0.05)
        return answer

    async def present(_: str) -> Session:
        return session

    async def work() -> None:
        viewer = web.Application()
        viewer.router.add_get("/download/csv", slow)
        runner = web.AppRunner(viewer)
        await runner.setup()
        await web.UnixSite(runner, str(session.socket)).start()
        site = TestServer(Site(access, SimpleNamespace(present=present)).application())  # type: ignore[arg-type]
        timeout = aiohttp.ClientTimeout(total=60)
        async with TestClient(site, cookies={COOKIE: access.new_cookie()}, timeout=timeout) as client:
            assert await (await client.get("/download/csv")).read() == b"x" * 10
        await runner.cleanup()

    monkeypatch.setattr("aiohttp.client.DEFAULT_TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    asyncio.run(work())


def test_a_full_disk_is_told(server: Server) -> None:
    """Protects what is open: the sentence names the disk, and not the server's folders."""
    import errno

    from LungUNetSegSlicer.web.uploads import _explained

    error = _explained(OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), 1)
    assert str(error) == "The server's disk is full. Ask its administrator to free some space; nothing was kept."


def test_an_idle_session_is_told_that_it_ended(make_server: Callable[..., Server]) -> None:
    server = make_server("--idle-minutes", "0.03")

    async def work(client: Client) -> str:
        async with socket(client, server) as page:
            async for message in page:
                if message.type is aiohttp.WSMsgType.TEXT and "ended" in message.data:
                    return str(json.loads(message.data)["ended"])
        raise AssertionError("it was not told")

    assert run(work) == "Nothing was done for 0.03 minutes, so this session ended. Its files are gone."


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


def sessions_of(monkeypatch: pytest.MonkeyPatch, start: Callable[[], Awaitable[Any]], **limits: float) -> Any:
    """Return sessions whose processes are started by a function; made while a loop runs."""
    from LungUNetSegSlicer.web.limits import Limits
    from LungUNetSegSlicer.web.sessions import Sessions

    monkeypatch.setattr(Sessions, "_start", lambda _: start())
    return Sessions(Limits(**limits), None)  # type: ignore[arg-type]


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


def test_limits_are_numbers_above_zero() -> None:
    from LungUNetSegLib.errors import ConfigError
    from LungUNetSegSlicer.web.limits import Limits

    with pytest.raises(ConfigError, match="The limit scans is 0; it has to be above 0"):
        Limits(scans=0)


def test_sigterm_ends_a_busy_server_cleanly(make_server: Callable[..., Server]) -> None:
    """Protects a restart: within 5 s, no process and no file left."""
    from LungUNetSegSlicer.run.process_tree import descendants

    server = make_server()
    processes: list[int] = []

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            number = (await state(page, lambda now: now["current"] is not None))["current"]
            await page.send_json({"do": "segment", "number": number})
            await state(page, lambda now: now["scans"][0]["status"] == "running")
            processes.extend(descendants(server.process.pid))
            assert server.stop() < 5

    run(work)
    assert server.process.returncode == 0 and not server.folders()
    wait_for(lambda: not any(Path(f"/proc/{each}").exists() for each in processes), 5)


def test_a_port_that_is_taken_is_told(server: Server) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "LungUNetSegLib", "web", "--port", str(server.port)]
    run_again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run_again.returncode == 1
    assert run_again.stderr.startswith(f"lungunetseg: Port {server.port} of 127.0.0.1 cannot be used")
