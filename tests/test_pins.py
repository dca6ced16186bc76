"""The pinned dependencies of a release: all of them, each at one version with its hashes, none that we refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 brings it")

ROOT = Path(__file__).resolve().parents[1]


def pinned(name: str) -> list[tuple[Requirement, int]]:
    """The requirements of a file, and how many hashes each has."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^([a-z0-9].*?) \\\n((?:    --hash=.*\n)+)", text, re.MULTILINE)
    assert len(blocks) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), "a line without a hash"
    return [(Requirement(requirement), hashes.count("--hash=sha256:")) for requirement, hashes in blocks]


@pytest.mark.parametrize(("name", "extras"), [("release.txt", ["openvino"]), ("training.txt", ["openvino", "train"])])
def test_every_dependency_is_pinned_to_a_version_that_is_allowed(name: str, extras: list[str]) -> None:
    """Protects who installs a release from other files than it was made with. Written by `make pins`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra])]
    found = pinned(name)
    for each, hashes in found:
        assert hashes and re.fullmatch(r"==[^,*]+", str(each.specifier)), each
    for each in map(Requirement, wanted):
        versions = [
            str(pin.specifier)[2:] for pin, _ in found if canonicalize_name(pin.name) == canonicalize_name(each.name)
        ]
        assert versions and all(each.specifier.contains(version) for version in versions), each


def test_torch_is_the_one_that_everybody_trains_with() -> None:
    pins = re.search(r"^PINS := (torch==\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert pins and pins[1] in {str(each) for each, _ in pinned("training.txt")}
