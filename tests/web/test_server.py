"""The server without a browser: its users stay apart, it outlives what ends around it, and nothing outlives it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from web_client import Client, new_client, run, socket, state, statuses
from web_page import Server, wait_for


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
    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            number = (await state(page, lambda now: now["current"] is not None))["current"]
            await page.send_json({"do": "segment", "number": number})
            while not (child := server.pid_of("run.segmentation_child")):
                await asyncio.sleep(0.02)
            os.kill(child, signal.SIGKILL)
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
    async def work(client: Client) -> str:
        async with socket(client, server) as page:
            await page.send_json({"do": "phantom"})
            await state(page, lambda now: now["scans"])
            used = next(each for each in server.folders() if (each / "phantom").exists())
            os.kill(server.pid_of(used.name), signal.SIGKILL)
            async for _ in page:
                pass
        async with socket(client, server) as page:
            return str((await page.receive_json())["told"])

    assert run(work, server).startswith("The viewer ended unexpectedly")


def test_an_idle_session_is_told_that_it_ended(make_server: Callable[..., Server]) -> None:
    server = make_server("--idle-minutes", "0.03")

    async def work(client: Client) -> str:
        async with socket(client, server) as page:
            async for message in page:
                if message.type is aiohttp.WSMsgType.TEXT and "ended" in message.data:
                    return str(json.loads(message.data)["ended"])
        raise AssertionError("it was not told")

    assert run(work) == "Nothing was done for 0.03 minutes, so this session ended. Its files are gone."


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
