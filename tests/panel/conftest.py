"""Fixtures for the panel's tests: the application, a child without a network, and eyes on what must not stay behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from host import application

STUB = Path(__file__).parent / "stub"


@pytest.fixture(scope="session")
def app():
    """`slicer.app`."""
    return application.start()


@pytest.fixture(autouse=True)
def clean_scene(app):
    """Each test starts with an empty scene, and slots must not raise: Qt would only print it."""
    app.mrmlScene().Clear(1)
    raised: list[BaseException] = []
    before, sys.excepthook = sys.excepthook, lambda _kind, error, _traceback: raised.append(error)
    yield
    sys.excepthook = before
    app.mrmlScene().Clear(1)
    if raised:
        raise raised[0]


@pytest.fixture
def stub_child(monkeypatch) -> Callable[..., None]:
    """Let the child run the stub; call it to say how: ``stub_child(end="crash", seconds=0.1)``."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUB), os.environ.get("PYTHONPATH", "")]))

    def configure(**values: object) -> None:
        for key, value in values.items():
            monkeypatch.setenv(f"STUB_{key.upper()}", str(value))

    return configure


@pytest.fixture
def phantom_node(app, phantom):
    """The phantom as a volume in the scene."""
    from LungUNetSegSlicer.volume_bridge import add_volume_node

    return add_volume_node(phantom.ct, "Phantom")


@pytest.fixture
def wait_until(app) -> Callable[..., None]:
    """Run the event loop until a condition holds."""

    def wait(condition: Callable[[], bool], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            app.processEvents()
            time.sleep(0.002)

    return wait


@pytest.fixture
def nothing_left(app):
    """Fail when the test leaves a child process or a file of the run behind."""
    from LungUNetSegSlicer.process_tree import descendants

    before = set(descendants(os.getpid()))
    yield
    left = set(descendants(os.getpid())) - before
    assert not left, f"processes still run: {left}"
    assert not list(Path(app.temporaryPath).glob("LungUNetSeg-*"))


def scene_ids(scene) -> list[str]:
    """Return the ids of all nodes, which a run that does not finish must not change."""
    return [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]
