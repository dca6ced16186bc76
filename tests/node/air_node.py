"""Nodes in processes of their own, to be killed: ``air_node.py FOLDER PORT PACS``, its port or DICOMweb's address.

For each line on stdin a node is forked, which costs no imports, and its process's number is printed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from node.conftest import AirSegmenter  # noqa: E402

from LungUNetSegLib.node import send  # noqa: E402
from LungUNetSegLib.node.config import NodeConfig, Peer, Web  # noqa: E402
from LungUNetSegLib.node.journal import Journal  # noqa: E402
from LungUNetSegLib.node.node import Node  # noqa: E402
from LungUNetSegLib.node.web import WebPacs  # noqa: E402
from LungUNetSegLib.volume.resample import itk  # noqa: E402

folder, port, pacs = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
send.FIRST_WAIT_S = 0.2
itk()  # which each node would import that reads a scan
config = NodeConfig(
    folder=folder,
    port=port,
    quiet_s=0.3,
    send_to=Peer(title="PACS", host="127.0.0.1", port=int(pacs)) if pacs.isdecimal() else None,
    web=None if pacs.isdecimal() else Web(url=pacs, poll_s=0.1),
    most_bytes=1 << 30,
)
objects = WebPacs.objects


def slowly(*of: Any) -> Iterator[Dataset]:
    """Objects as from a PACS that is far away, so that a kill finds a study half fetched."""
    for each in objects(*of):
        time.sleep(0.05)
        yield each


WebPacs.objects = slowly  # type: ignore[method-assign]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        Node(config, AirSegmenter(), Journal()).run()  # type: ignore[arg-type]
    print(child, flush=True)
