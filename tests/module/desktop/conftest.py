"""Fixtures for the panel's tests: the application, a child without a network, and eyes on what must not stay behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from host import application
from panel_helpers.panel import Panel

STUB = Path(__file__).parents[2] / "panel_helpers" / "stub"


@pytest.fixture(scope="session")
def app():
    """`slicer.app`."""
    return application.start()


@pytest.fixture
def slot_errors():
    """What slots raised, which Qt only prints; a test that expects some empties the list."""
    raised: list[BaseException] = []
    before, sys.excepthook = sys.excepthook, lambda _kind, error, _traceback: raised.append(error)
    yield raised
    sys.excepthook = before


@pytest.fixture(scope="module", autouse=True)
def empty_scene(app):
    """The first test of a file starts with an empty scene, whatever ran before."""
    app.mrmlScene().Clear(1)


@pytest.fixture(autouse=True)
def clean_scene(app, slot_errors):
    """Each test leaves an empty scene, and must leave no error in a slot. Emptying it takes a tenth of a second."""
    yield
    app.mrmlScene().Clear(1)
    if slot_errors:
        raise slot_errors[0]


@pytest.fixture
def stub_child(monkeypatch) -> Callable[..., None]:
    """Let the child run the stub; call it to say how: ``stub_child(end="crash")``."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUB), os.environ.get("PYTHONPATH", "")]))

    def configure(**values: object) -> None:
        for key, value in values.items():
            monkeypatch.setenv(f"STUB_{key.upper()}", str(value))

    return configure


@pytest.fixture
def phantom_node(app, phantom):
    """The phantom as a volume in the scene."""
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    return add_volume_node(phantom.ct, "Phantom")


@pytest.fixture
def wait_until(app) -> Callable[..., None]:
    """Run the event loop until a condition holds."""

    def wait(condition: Callable[[], bool], seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            app.processEvents()
            time.sleep(0.01)

    return wait


@pytest.fixture
def nothing_left(app, wait_until):
    """Fail when the test leaves a child process or a file of the run behind."""
    from LungUNetSegSlicer.run.process_tree import descendants

    before = set(descendants(os.getpid()))
    yield
    left = set(descendants(os.getpid())) - before
    assert not left, f"processes still run: {left}"
    # A folder in use is removed a little later.
    wait_until(lambda: not list(Path(app.temporaryPath).glob("LungUNetSeg-*")), seconds=5)


@pytest.fixture
def scene_ids(app) -> Callable[[], list[str]]:
    """Return the ids of all nodes, which a run that does not finish must not change."""
    scene = app.mrmlScene()
    return lambda: [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]


@pytest.fixture(autouse=True)
def quick_clicks(app, monkeypatch):
    """Two clicks of a test are never a double click, however quick they are; `test_clicks.py` makes double clicks."""
    from LungUNetSegSlicer.panel import clicks

    monkeypatch.setattr(clicks, "DOUBLE_CLICK_S", 0.0)


@pytest.fixture
def panel(app, wait_until):
    """The module's panel in a main window, as the user sees it; without 3D, which is slower."""
    opened = Panel(app, wait_until)
    opened.parameters.show3d = False
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def window_model(tmp_path_factory) -> Path:
    """A model that finds lungs by their density, in a folder with other letters and a space."""
    from panel_helpers.window_model import write_window_model

    return write_window_model(tmp_path_factory.mktemp("models") / "Dichte ä")
