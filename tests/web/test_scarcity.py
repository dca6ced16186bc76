"""A server whose disk or memory runs out, truly: each place says so, nothing is lost, and the server goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from web_client import Client, new_client, run, socket, state, upload
from web_page import Server, start_server, wait_for

from LungUNetSegLib.io import write_image
from LungUNetSegLib.phantom import phantom_geometry
from LungUNetSegLib.volume import Volume

DISK_BYTES = 60_000_000
NAMES = ("seg.nrrd", "nii", "nii.gz", "json", "csv", "report.html", "dicom:dicom-seg", "dicom:rtstruct")
FULL = "The server's disk is full."


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of its own of 60 MB."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted (only root may): a server with a full disk is not tried")
    yield folder
    # What was killed a moment ago may still hold it.
    wait_for(lambda: not subprocess.run(["umount", str(folder)], check=False, capture_output=True).returncode, 10)


@pytest.fixture(scope="module")
def server(small_disk: Path) -> Iterator[Server]:
    """One whose files are on the small disk."""
    started = start_server(small_disk / "server", "--grace", "60")
    yield started
    started.stop()
    assert started.process.stdout is not None
    started.process.stdout.close()
    assert not list(started.temporary.iterdir())


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill the disk to the last block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(1 << 16))
    yield
    filler.unlink()


def test_an_upload_that_fills_the_disk_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    large = tmp_path / "scan.nii"
    with large.open("wb") as file:
        file.truncate(2 * DISK_BYTES)

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            await state(page, lambda _: True)
            with large.open("rb") as content:
                status, said = await upload(client, server, {"scan.nii": content})
            assert status == 400 and FULL in said and "nothing was kept" in said
            assert not list(server.temporary.rglob("scan.nii"))

    run(work, server)


def test_a_full_disk_is_told_wherever_something_is_written_and_nothing_is_lost(
    server: Server, small_disk: Path
) -> None:
    """Protects the user from half a file and from words for engineers; when there is space again, all of it works."""

    async def refused(client: Client, name: str) -> str:
        async with client.get(f"{server.url}download/{name}") as answer:
            assert answer.status == 400
            return str((await answer.json())["error"])

    async def work(client: Client) -> None:
        async with socket(client, server) as page:
            with full(small_disk):
                await page.send_json({"do": "phantom"})
                said = await state(page, lambda now: now["errors"].get("open"))
                assert said["errors"]["open"].startswith(FULL)
            await page.send_json({"do": "phantom"})
            number = (await state(page, lambda now: now["current"] is not None))["current"]
            with full(small_disk):
                await page.send_json({"do": "segment", "number": number})
                said = await state(page, lambda now: now["scans"][0]["status"] == "failed")
                assert said["scans"][0]["message"].startswith(FULL)
            await page.send_json({"do": "segment", "number": number})
            await state(page, lambda now: now["scans"][0]["share"])
            with full(small_disk):  # while it runs
                said = await state(page, lambda now: now["scans"][0]["status"] == "failed")
                assert said["scans"][0]["message"].startswith(FULL)
            await page.send_json({"do": "segment", "number": number})
            await state(page, lambda now: now["scans"][0]["status"] == "done")
            with full(small_disk):
                for name in NAMES:
                    assert (await refused(client, name)).startswith(FULL)
            for name in NAMES:
                async with client.get(f"{server.url}download/{name}") as answer:
                    assert answer.status == 200 and len(await answer.read()) > 100

    run(work, server)


def test_a_session_that_takes_too_much_memory_is_told_and_the_others_go_on(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    """Protects the other users from one whose scan is too large: 400 MB of voxels where 500 MB are allowed."""
    server = make_server("--memory-gb", "0.5")
    large, shape = tmp_path / "large.nii.gz", (100, 1400, 1400)
    voxels = np.full(shape, -1000, np.int16)
    voxels[::2] = 40  # air and tissue: other images are refused before they are kept
    write_image(large, Volume(voxels, phantom_geometry(shape)))

    async def ended(page: aiohttp.ClientWebSocketResponse) -> str:
        async for message in page:
            if message.type is aiohttp.WSMsgType.TEXT and "ended" in json.loads(message.data):
                return str(json.loads(message.data)["ended"])
        raise AssertionError("it was not told")

    async def work(other: Client) -> None:
        async with socket(other, server) as another, new_client() as client:
            await another.send_json({"do": "phantom"})
            await state(another, lambda now: now["scans"])
            async with socket(client, server) as page:
                await state(page, lambda _: True)
                used = set(server.folders())
                with large.open("rb") as content:
                    assert (await upload(client, server, {large.name: content}))[0] == 200
                assert await asyncio.wait_for(ended(page), 60) == (
                    "This session needed more than 0.5 GB of memory, so it was ended. Open fewer or smaller scans."
                )
            assert len(used & set(server.folders())) == len(used) - 1
            await another.send_json({"do": "close", "number": 0})
            await state(another, lambda now: not now["scans"])

    run(work)
