"""Fixtures for all tests: small phantoms, and the place of real CTs where there are any."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawn_once import draw_each_body_once

from LungUNetSegLib.models.model import Model, load_model
from LungUNetSegLib.phantom import Phantom, make_head, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores; torch would take all of them in each, in the children that tests start too.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell starts background jobs with SIGINT ignored, and children inherit that: Ctrl-C could not be tested there.
signal.signal(signal.SIGINT, signal.default_int_handler)

draw_each_body_once()

# Modules make no garbage while they are imported, and there are hundreds of thousands of objects to look through.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was imported out of later searches for garbage, which would take most of a second each."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is headless first: once Qt's application lies around Slicer's scene, views draw otherwise."""
    items.sort(key=lambda item: "desktop" in item.path.parts or "host" in item.path.parts)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real CTs with reviewed masks; it is not part of the repository."""
    if not (SHARED_DATA / "volumes").is_dir():
        pytest.skip(f"real CTs are not here ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """A healthy thorax, 60 x 128 x 128. Shared by all tests: do not write into its arrays."""
    return _frozen(make_phantom(rng=1))


@pytest.fixture(scope="session")
def small_phantom() -> Phantom:
    """The same patient as `phantom` in 24 x 64 x 72 voxels, for tests that read, write and compute often."""
    return _frozen(make_phantom(phantom_geometry((24, 64, 72)), rng=1))


@pytest.fixture(scope="session")
def sick_phantom() -> Phantom:
    """A thorax with a tumour, an effusion and a consolidation, 60 x 128 x 128."""
    return _frozen(make_phantom(rng=5, tumour=True, effusion=True, consolidation=True))


@pytest.fixture(scope="session")
def oblique_phantom() -> Phantom:
    """The same patient as `phantom`, scanned 20 degrees off the body's axes and stored flipped."""
    return _frozen(make_phantom(phantom_geometry(oblique_degrees=20, flips=(True, False, True)), rng=1))


@pytest.fixture(scope="session")
def head_phantom() -> Phantom:
    """A head: no lung anywhere."""
    return _frozen(make_head(phantom_geometry((24, 64, 72)), rng=1))


@pytest.fixture(scope="session")
def tiny_checkpoint() -> Path:
    """A training's checkpoint of a tiny network at random weights."""
    import tiny_models

    return tiny_models.tiny_checkpoint()


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """The folder of the model that `tiny_checkpoint` is exported to. Copy it before you change it."""
    import tiny_models

    return tiny_models.tiny_model()


@pytest.fixture
def model(tiny_model: Path) -> Model:
    """The tiny model, loaded."""
    return load_model(tiny_model)


@pytest.fixture(scope="session")
def thin() -> Volume:
    """13 slices of 10 mm around the heart, 48 x 56 pixels: few enough to write slice by slice often."""
    geometry = Geometry.axial((13, 48, 56), (10.0, 6.0, 6.0), (-165.0, -141.0, -60.0))
    return _frozen(make_phantom(geometry, rng=1)).ct


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of an ordinary user: root could write everywhere."""
    if os.name != "posix":
        pytest.skip("permissions are of another kind here")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o777)


def _frozen(phantom: Phantom) -> Phantom:
    phantom.ct.array.setflags(write=False)
    phantom.labels.array.setflags(write=False)
    return phantom
