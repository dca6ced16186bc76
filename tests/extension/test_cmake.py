"""The extension as Slicer builds and installs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from extension import file_lists


@pytest.mark.parametrize("package", file_lists.PACKAGES)
@pytest.mark.parametrize("name", file_lists.LISTS)
def test_the_lists_name_every_file(package: str, name: str) -> None:
    """A file that is not listed is not packaged. To mend: python tests/extension/file_lists.py"""
    assert file_lists.listed(package, name) == file_lists.on_disk(package, name)


def test_pip_installs_every_file_that_slicer_packages() -> None:
    """Protects commands after `pip install .`: a model or a style that is no package data is not installed."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 brings it")
    settings = tomllib.loads((file_lists.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["LungUNetSegLib"]
    files = file_lists.on_disk("LungUNetSegLib", "MODULE_PYTHON_RESOURCES")
    assert [file for file in files if not any(PurePosixPath(file).match(each) for each in patterns)] == []


def test_every_listed_file_is_installed_and_only_the_module_is_a_module(installed: Path) -> None:
    """Slicer tries each .py at the top as a module."""
    assert [path.name for path in installed.glob("*.py")] == ["LungUNetSeg.py"]
    for name in file_lists.LISTS:
        for file in file_lists.listed("LungUNetSeg", name):
            assert (installed / file).is_file(), file
        for file in file_lists.listed("LungUNetSegLib", name):
            assert (installed / "LungUNetSegLib" / file).is_file(), file


def test_ctest_knows_the_tests(build: Path) -> None:
    """The self-test, the generic one and those of Testing/Python, for a real Slicer."""
    command = ["ctest", "--test-dir", str(build), "--show-only"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = re.findall(r"Test +#\d+: (\S+)", shown)
    scripts = (file_lists.ROOT / "Testing" / "Python").glob("*.py")
    expected = {"py_LungUNetSeg", "py_nomainwindow_qSlicerLungUNetSegModuleGenericTest"}
    assert set(names) == expected | {f"py_LungUNetSeg_{path.stem}" for path in scripts}


def test_no_stray_module_at_the_top() -> None:
    """Slicer would try it: the root and the module's folder hold no other .py file, and are no packages."""
    root = file_lists.ROOT
    assert list(root.glob("*.py")) == []
    assert [path.name for path in (root / "LungUNetSeg").glob("*.py")] == ["LungUNetSeg.py"]
    assert not (root / "Testing" / "__init__.py").exists()


def test_the_catalogue_entry_is_what_the_schema_asks_for() -> None:
    """Slicer's Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json: three required keys, and no unknown ones."""
    entry = json.loads((file_lists.ROOT / "LungUNetSeg.json").read_text(encoding="utf-8"))
    known = {"scm_revision", "scm_type", "build_dependencies", "build_subdirectory", "enabled", "tier"}
    assert {"$schema", "category", "scm_url"} <= set(entry) <= {"$schema", "category", "scm_url"} | known


def test_every_address_names_a_repository_that_the_index_takes() -> None:
    """The Extensions Index' checker (scripts/check_description_files.py) wants names that begin with "Slicer"."""
    root, repository = file_lists.ROOT, "LungUNetSeg/SlicerLungUNetSeg"
    texts = [(root / name).read_text(encoding="utf-8") for name in ("CMakeLists.txt", "LungUNetSeg.json")]
    module = root / "LungUNetSeg"
    texts += [path.read_text(encoding="utf-8") for path in module.rglob("*.py")]
    addresses = re.findall(r"https://(?:raw\.githubusercontent|github)\.com/([\w-]+/[\w-]+)", "\n".join(texts))
    assert len(addresses) > 5
    assert {each for each in addresses if each.startswith("LungUNetSeg")} == {repository}
    for path in re.findall(rf"{repository}/main/([\w/.]+)", texts[0]):
        assert (root / path).is_file(), path


def test_the_readme_has_what_the_index_asks_of_it() -> None:
    """A sentence for each module, how to cite, the licence, the topic by which the Extensions Catalog finds it."""
    readme = (file_lists.ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"- \*\*LungUNetSeg\*\*: [^.]+\.", readme)
    assert "3d-slicer-extension" in readme and "## Cite" in readme and "LICENSE.txt" in readme


def test_the_icon_is_a_png_of_128_pixels() -> None:
    header = (file_lists.ROOT / "LungUNetSeg" / "Resources" / "Icons" / "LungUNetSeg.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == (128, 128)


def test_a_checkout_stays_small() -> None:
    """Slicer's extension index takes at most 100 MB."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=file_lists.ROOT, capture_output=True, check=False)
    if files.returncode:
        pytest.skip("this is no git checkout")
    paths = [file_lists.ROOT / os.fsdecode(name) for name in files.stdout.split(b"\0") if name]
    assert sum(path.stat().st_size for path in paths if path.is_file()) < 100e6
