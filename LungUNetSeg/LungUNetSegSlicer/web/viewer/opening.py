"""Opens what a user gives: finds the scans in it, reads one, and puts it into the scene."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import slicer

from LungUNetSegLib import sample
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import Scan, read_scan, write_dicom_series, write_labels
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.run.error_texts import error_text
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node, show_lung_window, voxels
from LungUNetSegSlicer.web.sessions import UPLOADS
from LungUNetSegSlicer.web.viewer.offers import Offer, facts
from LungUNetSegSlicer.web.viewer.scans import OpenScan

PHANTOM = "Phantom"

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_TEXTS = (*map(os.strerror, FULL), "is the disk full?")
"""How the library and child processes say that the disk is full; of their errors only the text arrives."""

Value = TypeVar("Value")


async def in_thread(work: Callable[[], Value]) -> Value:
    """Run work that uses no node in a thread."""
    return await asyncio.get_running_loop().run_in_executor(None, work)


class ImageFiles:
    """Stands for Slicer's DICOM database: knows the files of the scans that are open, by their instances."""

    isOpen = True

    def __init__(self) -> None:
        self._files: dict[str, str] = {}

    def add(self, scan: Scan) -> None:
        """Remember a scan's files."""
        self._files |= {each.sop_uid: str(each.path) for each in scan.slices}

    def fileForInstance(self, uid: str) -> str:
        """Return an instance's file."""
        return self._files.get(uid, "")


async def sample_offer() -> tuple[Offer, Path]:
    """Return the sample scan and its mask.

    Raises:
        ReadError: It cannot be fetched.
    """
    path = await in_thread(sample.fetch)
    return _known(sample.NAME, path), sample.MASK


async def phantom_offer(folder: Path) -> tuple[Offer, Path]:
    """Make the synthetic thorax as a DICOM series, once; return it and its true lungs."""
    images, mask = folder / "phantom", folder / "phantom-lungs.nrrd"
    if not mask.exists():
        phantom = await in_thread(partial(make_phantom, rng=1))
        await in_thread(partial(write_dicom_series, phantom.ct, images))
        await in_thread(partial(write_labels, mask, phantom.labels))
    return _known(PHANTOM, *sorted(images.iterdir())), mask


def _known(title: str, *files: Path) -> Offer:
    return Offer(title=title, detail="", reason="", files=files, series_uid=None, first=files[0])


async def read(offer: Offer, number: int, reference: Path | None, database: ImageFiles) -> OpenScan:
    """Read a scan and put it into the scene.

    Raises:
        LungUNetSegError: It cannot be read reliably; says why.
        OSError, MemoryError: A file cannot be read, or there is too little memory.
    """
    source = offer.files[0] if len(offer.files) == 1 else offer.files
    scan = await in_thread(partial(read_scan, source, offer.series_uid))
    node = add_volume_node(scan.volume, offer.title)
    show_lung_window(node)
    if scan.slices:
        node.SetAttribute("DICOM.instanceUIDs", " ".join(dict.fromkeys(each.sop_uid for each in scan.slices)))
        database.add(scan)
    # The node has a copy of the voxels; one is enough.
    scan = replace(scan, volume=Volume(voxels(node), scan.volume.geometry))
    known, patient = await in_thread(partial(facts, scan))
    return OpenScan(
        number=number, name=offer.title, scan=scan, node=node, facts=known, patient=patient, reference=reference
    )


def is_full(error: Exception) -> bool:
    """Whether an error means that the disk is full."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return any(each in str(error) for each in FULL_TEXTS)


def told(error: Exception, folder: Path, scans: Path | None) -> str:
    """Return what a user is told of an error: no path of the server, and no words for engineers.

    Args:
        error: What happened.
        folder: The session's.
        scans: The server's folder of scans.
    """
    if is_full(error):
        return "The server's disk is full. Ask its administrator to free some space, and try again."
    text = error_text(error)
    tops = [rf"{re.escape(str(folder))}(?:/{UPLOADS}/[0-9]+)?", *([re.escape(str(scans))] if scans else [])]
    place = f"(?:{'|'.join(tops)})"
    text, is_about_all = re.subn(f"^{place}: ", "", text)
    text = re.sub(f"{place}/", "", text)
    return text[:1].upper() + text[1:] if is_about_all else text


def refuse_if_full(scans: int, most: int) -> None:
    """Raise ReadError if no more scans may be open."""
    if scans >= most:
        raise ReadError(f"{most} scans are open, as many as one session may have. Close one of them first.")


def start_database() -> ImageFiles:
    """Give the scene's code the database that it asks for a volume's files."""
    database: Any = ImageFiles()
    slicer.dicomDatabase = database
    return database
