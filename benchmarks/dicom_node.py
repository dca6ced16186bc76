"""How long a study takes through the node and back, beside `lungunetseg segment` of the same files.

    python benchmarks/dicom_node.py [--slices 300] [--rounds 5]

The study is a phantom of 512 x 512 pixels, sent by DCMTK's storescu (of Debian's package `dcmtk`). Of the node the time
counts from the sender's start until the SEG has come back, and from the sender's end; of `segment`, from the command's
start until its end. The node runs already and takes a study as complete when its association ends
(`--by-association`); each round has a study of its own. The ways take turns.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pynetdicom

from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry

COMMAND = [sys.executable, "-m", "LungUNetSegLib"]
SEG = "1.2.840.10008.5.1.4.1.1.66.4"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    times: dict[str, list[float]] = {"segment": [], "node, from the first image": [], "node, from the last image": []}
    with tempfile.TemporaryDirectory() as name:
        folder, arrived = Path(name), threading.Event()
        ct = make_phantom(phantom_geometry((arguments.slices, 512, 512)), rng=0).ct
        studies = [folder / f"ct{number}" for number in range(arguments.rounds + 1)]
        for study in studies:
            write_dicom_series(ct, study, study.name)  # identifiers depend on the name
        os.sync()  # what a scanner has written is not still on its way to the node's disk
        with pacs(arrived) as pacs_port, node(folder, pacs_port) as port:
            send(studies[-1], port, arrived)  # the first study warms the engine up
            for number, study in enumerate(studies[:-1]):
                times["segment"].append(segment(study, folder / f"lungs{number}.dcm"))
                since_first, since_last = send(study, port, arrived)
                times["node, from the first image"].append(since_first)
                times["node, from the last image"].append(since_last)
    for way, seconds in times.items():
        ratio = statistics.median(seconds) / statistics.median(times["segment"])
        rounds = ", ".join(f"{each:.1f}" for each in seconds)
        print(f"{way:27}{statistics.median(seconds):5.1f} s, {ratio:.2f} of segment  ({rounds})")


def segment(study: Path, output: Path) -> float:
    """Return the seconds of the command."""
    started = time.perf_counter()
    subprocess.run([*COMMAND, "segment", study, "-o", output], check=True, capture_output=True)
    return time.perf_counter() - started


def send(study: Path, port: int, arrived: threading.Event) -> tuple[float, float]:
    """Send a study; return the seconds until its SEG is back, from the first and from the last image."""
    arrived.clear()
    started = time.perf_counter()
    # By its path: pynetdicom installs a Python program of the same name.
    words = ["/usr/bin/storescu", "-aec", "LUNGUNETSEG", "127.0.0.1", str(port), "+sd", str(study)]
    subprocess.run(words, check=True)
    sent = time.perf_counter()
    assert arrived.wait(1800), "nothing came back"
    return time.perf_counter() - started, time.perf_counter() - sent


@contextmanager
def pacs(arrived: threading.Event) -> Iterator[int]:
    """Take what the node sends."""

    def take(_: object) -> int:
        arrived.set()
        return 0

    entity = pynetdicom.AE(ae_title="PACS")
    entity.add_supported_context(SEG)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(pynetdicom.evt.EVT_C_STORE, take)])
    yield server.socket.getsockname()[1]
    server.shutdown()


@contextmanager
def node(folder: Path, pacs_port: int) -> Iterator[int]:
    """Run a node that sends to the PACS."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    words = ["--folder", folder / "node", "--send", f"PACS@127.0.0.1:{pacs_port}", "--port", port, "--by-association"]
    process = subprocess.Popen([*COMMAND, "node", *map(str, words)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()  # it says what it exposes when it hears
    yield port
    process.terminate()
    process.wait(30)


if __name__ == "__main__":
    main()
