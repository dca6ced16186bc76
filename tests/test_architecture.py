"""Which package may import which, and what importing the library may load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "LungUNetSegLib"
MODULE = ROOT / "LungUNetSeg" / "LungUNetSegSlicer"

BASE = {
    "arrays", "breathing", "cgroups", "config", "errors", "files", "findings", "grouping", "kernels", "locking",
    "machine", "progress", "segments", "texts",
}  # fmt: skip
"""What every other package or file of the library may import."""

MAY_IMPORT: dict[str, set[str]] = {
    **{package: BASE - {package} for package in BASE},
    "volume": set(),
    "networks": set(),
    "losses": set(),
    "metrics": {"volume"},
    "sample": set(),
    "preprocessing": {"volume"},
    "region": {"volume"},
    "measures": {"volume"},
    "phantom": {"volume"},
    "io": {"volume"},
    "cases": {"volume", "io"},
    "models": {"preprocessing"},
    "environment": {"models", "engines"},
    "engines": {"preprocessing", "models", "networks"},
    "data": {"volume", "preprocessing", "cases"},
    "evaluation": {"volume", "measures", "io", "metrics", "cases"},
    "segmentation": {"volume", "measures", "metrics", "preprocessing", "models", "engines"},
    "node": {"volume", "io", "models", "segmentation"},
    "training": {"volume", "preprocessing", "cases", "models", "networks", "losses", "metrics", "data"},
    "followup": {"volume", "measures", "io", "cases", "evaluation", "segmentation"},
    "finetuning": {
        "volume",
        "cases",
        "models",
        "networks",
        "evaluation",
        "segmentation",
        "training",
    },
    "batch": {"volume", "measures", "io", "cases", "models", "engines", "segmentation", "evaluation"},
    "outcomes": {"volume", "region", "cases", "models"},
    "nodules": {"volume", "cases", "networks", "losses", "metrics"},
    "paper": {
        "volume",
        "preprocessing",
        "io",
        "cases",
        "networks",
        "losses",
        "metrics",
        "data",
        "evaluation",
        "training",
    },
}
"""The library's packages, each after those that it may import, as in docs/architecture.md."""

MAY_IMPORT_ALL = {"__init__", "cli", "__main__", "scripts"}
WITH_TORCH = {"networks", "losses", "data", "models", "engines", "training", "outcomes", "nodules", "paper"}

MODULE_MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "background": set(),
    "scene": {"background"},
    "run": {"background", "scene"},
    "compare": {"background", "scene", "run"},
    "logic": {"scene", "run", "compare"},
    "panel": {"background", "logic", "scene", "run", "compare"},
    "server": {"logic", "scene", "run", "compare"},
    # Of the panel only the texts and the time that is left: the page says the same as the panel does.
    "web": {"background", "logic", "scene", "run", "compare", "server", "panel"},
}
"""The packages of LungUNetSegSlicer. LungUNetSeg.py may import all of them, and none of them may import it."""

SLICER_ONLY = {"slicer", "qt", "ctk", "vtk", "LungUNetSegSlicer", "LungUNetSeg"}


def modules_imported_by(path: Path) -> set[str]:
    """Return the dotted names that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it out"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def package_of(path: Path, root: Path) -> str:
    """Return the first part of a file's path within a package: a package in it, or the file's own name."""
    relative = path.relative_to(root)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def packages_imported_by(path: Path, root: Path) -> set[str]:
    """Return which packages and files of `root` a file imports."""
    prefix = f"{root.name}."
    names = {name.split(".")[1] for name in modules_imported_by(path) if name.startswith(prefix)}
    return names - {"__version__"}


LIBRARY_FILES, MODULE_FILES = sorted(LIBRARY.rglob("*.py")), sorted(MODULE.rglob("*.py"))


@pytest.mark.parametrize("path", LIBRARY_FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_each_file_imports_only_what_its_package_may(path: Path) -> None:
    """Protects the one-way flow of docs/architecture.md."""
    package, imported = package_of(path, LIBRARY), modules_imported_by(path)
    foreign = {name.split(".")[0] for name in imported} & SLICER_ONLY
    assert not foreign, f"the library must not know {foreign}"
    if package in MAY_IMPORT_ALL:
        return
    assert packages_imported_by(path, LIBRARY) <= MAY_IMPORT[package] | BASE | {package}
    assert package in WITH_TORCH or not any(name.split(".")[0] == "torch" for name in imported)


@pytest.mark.parametrize("path", MODULE_FILES, ids=lambda path: str(path.relative_to(MODULE)))
def test_each_file_of_the_module_imports_only_what_its_package_may(path: Path) -> None:
    """Protects the way Widget -> panel -> logic -> (run, compare, scene); the server goes without LungUNetSeg.py."""
    package = package_of(path, MODULE)
    assert packages_imported_by(path, MODULE) <= MODULE_MAY_IMPORT[package] | {package}
    assert not any(name.split(".")[0] == "LungUNetSeg" for name in modules_imported_by(path))


@pytest.mark.parametrize("root", [LIBRARY, MODULE], ids=lambda root: root.name)
def test_no_files_import_each_other(root: Path) -> None:
    """Protects who reads a file: what it uses can be read before it, be it imported in a function or for types only.

    The library itself is left out: its `__init__` gives the public names of all packages, and loads each at its use.
    """
    files = {_dotted_name(path, root): path for path in root.rglob("*.py") if path != root / "__init__.py"}
    imported = {
        name: {each if each in files else each.rpartition(".")[0] for each in modules_imported_by(path)} & files.keys()
        for name, path in files.items()
    }
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        pytest.fail(f"files that import each other: {' <- '.join(error.args[1])}")


def _dotted_name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")


def test_each_kind_of_array_has_one_name_in_one_place() -> None:
    """Protects who meets `Mask` or `FloatArray` from looking up, file by file, whether it is the same."""
    kinds = re.compile(r"^(\w+) = (npt\.NDArray\[.*\])$", re.MULTILINE)
    files = [*LIBRARY_FILES, *MODULE_FILES]
    found = [(kind, path.name) for path in files for kind in kinds.findall(path.read_text("utf-8"))]
    names = Counter(name for (name, _), _ in found)
    assert [each for each in found if names[each[0][0]] > 1] == []


def test_one_file_of_the_module_knows_both_spaces() -> None:
    """Protects sides: who turns x or y by hand does it once too often or once too few."""
    by_hand = re.compile(r"volume\.ras import|-1, -1, 1|-x, -y|-float\(x\)")
    assert [path.name for path in MODULE_FILES if by_hand.search(path.read_text("utf-8"))] == ["volume_bridge.py"]


def test_importing_the_library_and_its_light_packages_loads_no_torch() -> None:
    """Protects the panel and the ONNX way: torch is loaded only where it is used."""
    packages = "LungUNetSegLib.cli, LungUNetSegLib.segmentation.segmenter, LungUNetSegLib.io, LungUNetSegLib.metrics"
    script = f"import sys, LungUNetSegLib, {packages}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=ROOT, check=False).returncode == 0


def test_the_command_loads_simpleitk_only_where_it_is_needed() -> None:
    """Protects 0.1 s and 100 MB of every run on DICOM files or NIfTI that ends in NIfTI."""
    script = "import sys, LungUNetSegLib.cli.segment; sys.exit('SimpleITK' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=ROOT, check=False).returncode == 0


def test_tensors_are_written_in_one_place() -> None:
    """Protects the sentence about a full disk, of which torch tells in an error of its own."""
    found = [path for path in (ROOT / "LungUNetSegLib").rglob("*.py") if "torch.save(" in path.read_text("utf-8")]
    assert [path.name for path in found] == ["checkpoint.py"] and found[0].parent.name == "models"


def test_make_demo_installs_no_torch() -> None:
    """Protects who only wants lungs from a download of gigabytes: follows every requirement of what is installed."""
    demo, page, test = re.findall(r'--editable "\.\[(.*?)\]"', (ROOT / "Makefile").read_text())
    assert "torch" not in _required(f"lungunetseg[{demo},{page}]") and "torch" in _required(f"lungunetseg[{test}]")


def _required(requirement: str) -> set[str]:
    """Names of the installed packages that a requirement needs, itself and theirs included."""
    found, waiting = set(), [Requirement(requirement)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, *wanted.extras) in found:
            continue
        found.add((name, *wanted.extras))
        try:
            texts = requires(name) or []
        except PackageNotFoundError:
            continue  # not for this machine
        needs = [Requirement(text) for text in texts]
        waiting += [
            need
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras))
        ]
    return {name for name, *_ in found}


def test_errors_of_the_library_name_no_option_of_the_command_line() -> None:
    """Protects users of Slicer's panel, the web page and Python, who see the same messages and have no such options."""
    trees = (
        ast.parse(path.read_text("utf-8")) for path in LIBRARY_FILES if package_of(path, LIBRARY) not in MAY_IMPORT_ALL
    )
    raised = (ast.unparse(each) for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Raise))
    options = [text for text in raised if re.search(r"[ (]--[a-z]", text)]
    assert [text for text in options if "on the command line" not in text] == []


def test_files_stay_small() -> None:
    """Protects the reader: a file has one subject and at most 300 lines."""
    packages = LIBRARY, ROOT / "LungUNetSeg", ROOT / "benchmarks"
    files = [
        path for package in packages for path in package.rglob("*") if path.suffix in (".py", ".js", ".html", ".css")
    ]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: count for name, count in lengths.items() if count > 300} == {}
