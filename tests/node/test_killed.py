"""A node that is killed at any moment loses no study and sends none twice as something else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from node.conftest import Pacs, another, free_port, send, wait_for
from pydicom.dataset import Dataset

from LungUNetSegLib.machine import process_runs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL here"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]

KILLS = 20
STUDIES = 5


def test_killed_at_twenty_moments(study: list[Dataset], pacs: Pacs, tmp_path: Path) -> None:
    """Five studies are sent, each until every image was taken, while the node is killed twenty times meanwhile.

    In the end the PACS has each study's SEG, of one identifier each: what came twice is the same object.
    """
    port, done = free_port(), Event()
    script = Path(__file__).with_name("air_node.py")
    command = [sys.executable, str(script), str(tmp_path / "node"), str(port), str(pacs.port)]
    parent = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdin and parent.stdout
    studies = [another(study, number) for number in range(STUDIES)]
    taken = [0]

    def sender() -> None:
        for each in studies:
            while not done.is_set():
                try:
                    if send(each, port) == [0] * len(each):
                        taken[0] += 1
                        break
                except (RuntimeError, ValueError):
                    pass
                time.sleep(0.1)

    thread = Thread(target=sender)
    thread.start()
    moments = np.random.default_rng(0).uniform(0.0, 0.6, KILLS)  # a study is sent 0.3 s after its last image
    try:
        for moment in moments:
            with _node(parent):
                wait_for(lambda: _listens(port))
                time.sleep(moment)
        with _node(parent):
            wait_for(lambda: taken[0] == STUDIES)
            wait_for(lambda: len(_studies(pacs)) == STUDIES)
            steps = [tmp_path / "node" / step for step in ("incoming", "queue", "outbox")]
            wait_for(lambda: not any(any(step.iterdir()) for step in steps))
    finally:
        done.set()
        thread.join()
        parent.stdin.close()
        parent.wait()
        parent.stdout.close()
    assert _studies(pacs) == {each[0].StudyInstanceUID for each in studies}
    assert len({each.SOPInstanceUID for each in pacs.taken}) == STUDIES, "a study has two results"
    for each in pacs.taken:
        assert len(each.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == len(study), "half a study"
    assert not list((tmp_path / "node" / "failed").iterdir())


@contextmanager
def _node(parent: subprocess.Popen[str]) -> Iterator[None]:
    """A node that is killed at the end of the block."""
    assert parent.stdin and parent.stdout
    parent.stdin.write("node\n")
    parent.stdin.flush()
    number = int(parent.stdout.readline())
    try:
        yield
    finally:
        os.kill(number, signal.SIGKILL)
        wait_for(lambda: not process_runs(number))


def _studies(pacs: Pacs) -> set[str]:
    return {each.StudyInstanceUID for each in pacs.taken}


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as one:
        one.settimeout(1.0)
        return one.connect_ex(("127.0.0.1", port)) == 0
