"""dcmtk's small PACS, dcmqrscp, started by the tests: a second one beside Orthanc, by other authors."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

from node.conftest import free_port, wait_for
from outside_programs import program

from LungUNetSegLib.node.config import Peer

TITLE = "ARCHIVE"
CONFIG = """NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
{hosts}
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{title} {store} RW (20, 1024mb) ANY
AETable END
"""


class Archive:
    """A PACS that finds and moves, on a free port of this machine, in a folder of its own."""

    def __init__(self, folder: Path, moves_to: Peer) -> None:
        """`moves_to` is whom, besides `fetch`, it may send to."""
        self.port, self._mover = free_port(), Peer(title="MOVER", host="127.0.0.1", port=free_port())
        self._folder = folder
        (folder / "store").mkdir(parents=True)
        hosts = "\n".join(
            f"h{each.port} = ({each.title}, {each.host}, {each.port})" for each in (moves_to, self._mover)
        )
        (folder / "config").write_text(CONFIG.format(port=self.port, hosts=hosts, title=TITLE, store=folder / "store"))

    def start(self) -> None:
        command = [program("dcmqrscp", "dcmtk"), "--config", str(self._folder / "config")]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._answers)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"dcmqrscp ended: {(self._folder / 'log').read_text()}"
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def peer(self) -> Peer:
        return Peer(title=TITLE, host="127.0.0.1", port=self.port)

    def take(self, folder: Path) -> None:
        """Store a folder's files by dcmtk's C-STORE."""
        self._ask("storescu", "+sd", *self._address(), str(folder))

    def modalities(self, study_uid: str) -> list[str]:
        """Modality of each series that it has of a study, sorted, by C-FIND."""
        keys = ("QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study_uid}", "SeriesInstanceUID", "Modality")
        said = self._ask("findscu", "-S", *_keys(keys), *self._address())
        return sorted(re.findall(r"\(0008,0060\) CS \[(\w+) *\]", said))

    def move(self, study_uid: str, title: str) -> None:
        """Have it send a study to `title` by C-MOVE."""
        keys = ("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study_uid}")
        self._ask("movescu", "-S", "-aem", title, *_keys(keys), *self._address())

    def fetch(self, study_uid: str, folder: Path) -> list[Path]:
        """All objects of a study as files, by C-MOVE to a receiver of dcmtk."""
        folder.mkdir()
        keys = ("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study_uid}")
        title, port = self._mover.title, str(self._mover.port)
        receiver = ("-aet", title, "-aem", title, "+P", port, "-od", str(folder))
        self._ask("movescu", "-S", *receiver, *_keys(keys), *self._address())
        return sorted(folder.iterdir())

    def _address(self) -> list[str]:
        return ["127.0.0.1", str(self.port)]

    def _ask(self, name: str, *arguments: str) -> str:
        command = [program(name, "dcmtk"), "-v", "-aec", TITLE, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr


def _keys(keys: tuple[str, ...]) -> list[str]:
    return [word for key in keys for word in ("-k", key)]
