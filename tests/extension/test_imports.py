"""The library imports in each of the four ways in which people get it, and from there and nowhere else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from children import CHECKOUT, MODULE_FOLDER, TESTS, clean_python

from LungUNetSegLib import __version__

WHERE = "import LungUNetSegLib, LungUNetSegLib.cli; print(LungUNetSegLib.__file__)"

AS_A_SLICER_MODULE = """
# Slicer's core is started with the library at hand, which is then forgotten: Slicer itself does not have it.
sys.path.append({checkout!r})
from LungUNetSegSlicer import server
server.start()
sys.path.remove({checkout!r})
for name in [name for name in sys.modules if name.startswith("LungUNetSeg")]:
    del sys.modules[name]
import module_base_classes
module_base_classes.install()
import LungUNetSeg
import LungUNetSegLib
from LungUNetSegSlicer.scene import segmentation_node
from LungUNetSegSlicer.scene import volume_bridge
print(LungUNetSegLib.__file__)
"""


def test_from_an_installed_extension(installed: Path, tmp_path: Path) -> None:
    """CMake puts the library beside the module: one folder on the path has both."""
    run = clean_python("import LungUNetSegSlicer.server.core\n" + WHERE, installed, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()) == installed / "LungUNetSegLib" / "__init__.py"


def test_the_installed_module_finds_lungs_labels(installed: Path, tmp_path: Path) -> None:
    """The module's self-test passes from what CMake installed, shipped model and all."""
    code = (
        "import unittest\nfrom LungUNetSegSlicer import server\nserver.start()\n"
        "import module_base_classes\nmodule_base_classes.install()\nimport LungUNetSeg\n"
        "suite = unittest.defaultTestLoader.loadTestsFromTestCase(LungUNetSeg.LungUNetSegTest)\n"
        "sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())"
    )
    run = clean_python(code, installed, TESTS, cwd=tmp_path)
    assert run.returncode == 0, run.stderr


def test_from_a_checkout_as_an_additional_module_path(tmp_path: Path) -> None:
    """Slicer puts only the folder LungUNetSeg on the path; LungUNetSeg.py finds the library beside it."""
    run = clean_python(AS_A_SLICER_MODULE.format(checkout=str(CHECKOUT)), MODULE_FOLDER, TESTS, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()) == CHECKOUT / "LungUNetSegLib" / "__init__.py"


def test_as_slicers_python_script(tmp_path: Path) -> None:
    """Slicer runs a launcher with its own folder first on the path, and arguments in sys.argv."""
    script = CHECKOUT / "LungUNetSegLib" / "scripts" / "lungunetseg_command.py"
    code = f"import runpy; sys.argv[1:] = ['--version']; runpy.run_path({str(script)!r}, run_name='__main__')"
    run = clean_python(code, script.parent, cwd=tmp_path)
    assert (run.returncode, run.stdout.split()[-1:]) == (0, [__version__]), run.stderr


def test_launchers_stay_launchers() -> None:
    """Slicer puts their folder first on the path, so nothing else lies there, and each is short."""
    folder = CHECKOUT / "LungUNetSegLib" / "scripts"
    for path in folder.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 25, path.name
    assert not (folder / "__init__.py").exists()


@pytest.fixture(scope="module")
def pip_installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install .` puts into site-packages, from a copy of the checkout (building leaves files behind)."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site-packages")
    for name in ("pyproject.toml", "README.md", "LICENSE.txt"):
        shutil.copy(CHECKOUT / name, source)
    library, ignored = CHECKOUT / "LungUNetSegLib", shutil.ignore_patterns("__pycache__")
    shutil.copytree(library, source / "LungUNetSegLib", ignore=ignored)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    run = subprocess.run([*command, "--target", target, source], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return target


def test_from_pip(pip_installed: Path, tmp_path: Path) -> None:
    """With its command, its type marker and its models, and without the tests."""
    run = clean_python(WHERE, pip_installed, cwd=tmp_path)
    assert Path(run.stdout.strip()) == pip_installed / "LungUNetSegLib" / "__init__.py", run.stderr
    assert (pip_installed / "bin" / "lungunetseg").exists()
    packaged = {path.relative_to(pip_installed).as_posix() for path in pip_installed.rglob("*") if path.is_file()}
    assert "LungUNetSegLib/py.typed" in packaged
    models = (CHECKOUT / "LungUNetSegLib" / "models").rglob("*")
    assert {path.relative_to(CHECKOUT).as_posix() for path in models if path.is_file()} <= packaged
    assert not any(name.startswith(("tests/", "LungUNetSeg/")) for name in packaged)
