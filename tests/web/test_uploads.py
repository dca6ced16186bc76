"""What is uploaded to the server: what is listed of it, what is refused, and that nothing of that stays."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import SimpleITK as sitk
from web_client import Client, refusal, run, socket, state, upload
from web_page import Server

from LungUNetSegLib.io import write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume.resample import to_sitk


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


def test_a_full_disk_is_told() -> None:
    """Protects what is open: the sentence names the disk, and not the server's folders."""
    import errno

    from LungUNetSegSlicer.web.uploads import _explained

    error = _explained(OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), 1)
    assert str(error) == "The server's disk is full. Ask its administrator to free some space; nothing was kept."
