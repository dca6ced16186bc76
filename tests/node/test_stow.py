"""What a destination's answers by DICOMweb (STOW) mean: stored, refused, or to be sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from node.conftest import new_study
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from LungUNetSegLib.node.send import NotSentError, store
from LungUNetSegLib.node.web import WebPacs

pytest.importorskip("dicomweb_client")

NO_SUCH_CLASS, OUT_OF_RESOURCES, FAILED, DUPLICATE = 0x0122, 0xA700, 0x0110, 0x0111
JSON = "application/dicom+json"


@dataclass
class Archive:
    """A DICOMweb server that answers as it is told, and has what it is told."""

    status: int = 200
    body: dict[str, object] = field(default_factory=dict)
    kind: str = JSON
    has: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[WebPacs]:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                archive.asked.append("store")
                self.answer(archive.status, archive.kind, archive.body)

            def do_GET(self) -> None:
                archive.asked.append("query")
                found = [{"00080018": {"vr": "UI", "Value": [uid]}} for uid in archive.has if uid in self.path]
                self.answer(200, JSON, found)

            def answer(self, status: int, kind: str, body: object) -> None:
                text = json.dumps(body).encode() if body else b""
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever)
            thread.start()
            try:
                yield WebPacs(f"http://127.0.0.1:{server.server_address[1]}/dicom-web")
            finally:
                server.shutdown()
                thread.join()


def failure(reason: int) -> dict[str, object]:
    """A Store Instances Response (PS3.18 I.2) by which an object was not stored."""
    return {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [reason]}}]}}


@pytest.fixture
def result(study: list[Dataset], tmp_path: Path) -> Dataset:
    """An object, in the file `one.dcm`."""
    dataset = new_study(study)[0]
    dcmwrite(tmp_path / "one.dcm", dataset, enforce_file_format=True)
    return dataset


@pytest.mark.parametrize(
    ("status", "body", "kind", "is_refused", "told"),
    [
        (409, failure(NO_SUCH_CLASS), JSON, True, "it refused CT with 0122H"),
        (409, failure(FAILED), f"{JSON}; charset=utf-8", True, "it refused CT with 0110H"),
        (409, {}, "text/plain", True, "it refused CT with status 409"),
        (409, failure(OUT_OF_RESOURCES), JSON, False, "it refused CT with A700H"),
        (202, failure(NO_SUCH_CLASS), JSON, True, "it refused CT with 0122H"),
        (202, failure(NO_SUCH_CLASS), f"{JSON}; charset=utf-8", True, "it refused CT with 0122H"),
        (202, failure(OUT_OF_RESOURCES), JSON, False, "it refused CT with A700H"),
        (415, {}, "text/plain", True, "it answers with status 415"),
        (503, {}, "text/plain", False, "it answers with status 503"),
    ],
)
def test_an_object_that_was_not_stored_is_told_with_its_reason(
    result: Dataset, tmp_path: Path, status: int, body: dict[str, object], kind: str, is_refused: bool, told: str
) -> None:
    """Protects results from being lost: a full archive is asked again for ever, and no failure is success.

    One object is sent at a time. So "some were stored" (202) with a failure, and "none was" (409), both mean it.
    """
    with Archive(status=status, body=body, kind=kind).running() as pacs, pytest.raises(NotSentError) as error:
        store([tmp_path / "one.dcm"], pacs)
    assert str(error.value) == f"The PACS did not take one: {told}"
    assert error.value.refused == is_refused


@pytest.mark.parametrize("status", [200, 202])
def test_an_object_that_was_stored_with_a_warning_has_arrived(result: Dataset, tmp_path: Path, status: int) -> None:
    """Coercion of Data Elements (B000H): the archive changed a value. It is not asked whether it has the object."""
    item = {"00081196": {"vr": "US", "Value": [0xB000]}}
    archive = Archive(status=status, body={"00081199": {"vr": "SQ", "Value": [item]}})
    with archive.running() as pacs:
        store([tmp_path / "one.dcm"], pacs)
    assert archive.asked == ["store"]


@pytest.mark.parametrize("body", [failure(DUPLICATE), failure(FAILED), {}])
def test_an_object_that_is_there_already_has_arrived(result: Dataset, tmp_path: Path, body: dict[str, object]) -> None:
    """Protects the report after a SEG that was stored before, in an archive that replaces nothing.

    Archives give different reasons for that, or none; so it is asked what it has.
    """
    archive = Archive(status=409, body=body, has=[str(result.SOPInstanceUID)])
    with archive.running() as pacs:
        store([tmp_path / "one.dcm"] * 2, pacs)
    assert archive.asked == ["store", "query"] * 2
