"""Debian's Orthanc with its DICOMweb plugin, started by the tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from node.conftest import free_port, wait_for
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from LungUNetSegLib.node.config import Peer

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class Orthanc:
    """A PACS of our own, on free ports of this machine, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.web, self.folder = free_port(), free_port(), folder
        self.process: subprocess.Popen[bytes] | None = None
        self.configure()

    def configure(self, **more: Any) -> None:
        """Write its settings, before it is started."""
        store = str(self.folder / "store")
        settings = {
            "Name": "test", "StorageDirectory": store, "IndexDirectory": store,
            "DicomAet": "ORTHANC", "DicomPort": self.port, "HttpPort": self.web, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True},
            "DicomAlwaysAllowStore": True, "OverwriteInstances": True, **more,
        }  # fmt: skip
        (self.folder / "orthanc.json").write_text(json.dumps(settings))

    def start(self) -> None:
        """Start it, with what it had when it was stopped."""
        orthanc = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([orthanc, str(self.folder / "orthanc.json")], stdout=log, stderr=log)
        wait_for(self._answers)

    def stop(self) -> None:
        """End it at once: in good order it would take three seconds."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        assert self.process and self.process.poll() is None, "Orthanc ended"
        try:
            self.get("/system")
        except OSError:
            return False
        return True

    def get(self, path: str, accept: str = "application/json") -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def take(self, datasets: Iterable[Dataset]) -> None:
        """Store objects by its own interface."""
        for each in datasets:
            buffer = BytesIO()
            each.save_as(buffer, enforce_file_format=True)
            urllib.request.urlopen(f"http://127.0.0.1:{self.web}/instances", buffer.getvalue()).close()

    def objects(self, study_uid: str) -> list[tuple[str, str]]:
        """Modality and SOP Instance UID of all that it has of a study, as DICOMweb tells (QIDO-RS)."""
        found = json.loads(self.get(f"/dicom-web/studies/{study_uid}/instances?includefield=00080060"))
        return [tuple(each[tag]["Value"][0] for tag in ("00080060", "00080018")) for each in found]

    @property
    def dicomweb(self) -> str:
        return f"http://127.0.0.1:{self.web}/dicom-web"

    def instance(self, sop_uid: str, folder: Path) -> Path:
        """An object as DICOMweb gives it (WADO-RS), as a file."""
        found = json.loads(self.get(f"/dicom-web/instances?00080018={sop_uid}&includefield=0020000E"))
        assert len(found) == 1
        study, series = (found[0][tag]["Value"][0] for tag in ("0020000D", "0020000E"))
        kind = f'multipart/related; type="application/dicom"; transfer-syntax={ExplicitVRLittleEndian}'
        body = self.get(f"/dicom-web/studies/{study}/series/{series}/instances/{sop_uid}", kind)
        path = folder / f"{sop_uid}.dcm"
        head = body.index(b"\r\n\r\n") + 4
        path.write_bytes(body[head : body.rindex(b"\r\n--")])
        return path

    @property
    def peer(self) -> Peer:
        return Peer(title="ORTHANC", host="127.0.0.1", port=self.port)


def need_orthanc() -> None:
    """Skip aloud where it is not installed."""
    if not (shutil.which("Orthanc") or Path("/usr/sbin/Orthanc").exists()) or not PLUGIN.exists():
        pytest.skip("Orthanc with DICOMweb is not installed (Debian: orthanc, orthanc-dicomweb)")
