"""The commands in the documents run, in their order, on phantoms: what a reader types must work as it stands."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from documents.test_json import explained
from phantom_cases import TINY_TRAINING, write_three_patients

from LungUNetSegLib.cli import main
from LungUNetSegLib.io import write_dicom_series
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "docs/tutorial.md", "docs/training.md")
OTHERS_RUN = re.compile(r"make demo|make test|pip install '?\.|python benchmarks/")
"""Commands that other tests or `make` itself run, or nobody here: benchmarks need the real scans."""

STARTS = (
    re.compile(r"lungunetseg (?=\w)"),
    re.compile(r"(?:PythonSlicer|torchrun --nproc-per-node 2) -m LungUNetSegLib "),
    re.compile(r"Slicer .*--python-script LungUNetSegLib/scripts/(?=train\.py)"),
)
"""What stands before a command's name; tests/cli/test_launchers.py is about the launchers themselves."""


def commands_of(document: str) -> list[str]:
    """Return each line of a document's shell blocks, without its remark; `console` marks what other tests run."""
    text = (ROOT / document).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    blocks = [block for language, block in fenced if language in ("", "sh")]
    lines = (line.split(" #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def arguments_of(command: str) -> list[str] | None:
    """Return what our command line gets, its wildcards expanded in this folder; None for what others run."""
    if OTHERS_RUN.match(command):
        return None
    start = next((match for match in (each.match(command) for each in STARTS) if match), None)
    assert start, f"nobody runs this command: {command}"
    words = shlex.split(command[start.end() :].replace("train.py", "train"))
    return [name for word in words for name in (map(str, sorted(Path().glob(word))) if "*" in word else [word])]


@pytest.fixture(scope="module")
def training_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three phantoms of 16 slices with masks, each of another patient."""
    folder = tmp_path_factory.mktemp("data")
    return write_three_patients(folder, slices=16)


@pytest.fixture
def desk(
    tmp_path: Path, thin: Volume, small_phantom: Phantom, training_data: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder with all that the documents' commands name, and the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    for name in ("path/to/dicom", "scan", "CT"):
        write_dicom_series(thin, tmp_path / name)
    for name in ("DATA", "my-scans"):
        shutil.copytree(training_data, tmp_path / name)
    for name, ending in (("scans", ""), ("references", "_seg")):
        (tmp_path / name).mkdir()
        for case in ("p0", "p1"):
            shutil.copy(training_data / f"{case}{ending}.nii.gz", tmp_path / name / f"{case}.nii.gz")
    shutil.copytree(tmp_path / "references", tmp_path / "predictions")  # as a `segment` of other scans left them
    (tmp_path / "tiny.json").write_text(json.dumps(TINY_TRAINING | {"epochs": 1}), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_run(document: str, desk: Path, tiny_model: Path) -> None:
    """Protects the first hour of whoever tries this: each command as it is written, but for a tiny network."""
    done = 0
    for command in commands_of(document):
        words = arguments_of(command)
        if words is None:
            continue
        if words[0] == "train":
            words = ["0" if word == "I" else word for word in words]  # the documents' name for any fold
            words += ["--config", "tiny.json", "--cache", "cache", "--device", "cpu", "--threads", "1"]
            shutil.rmtree(words[words.index("--out") + 1], ignore_errors=True)  # each trains into a new folder
        elif words[0] == "segment":
            shutil.rmtree(words[words.index("-o") + 1], ignore_errors=True)  # what is there would not be replaced
            words += [] if "--model" in words else ["--model", str(tiny_model)]
        elif words[0] == "batch":
            words += ["--jobs", "0", "--model", str(tiny_model)]
            shutil.rmtree(words[words.index("-o") + 1], ignore_errors=True)
        elif words[0] == "figures":
            words += ["--cache", "cache"]
        assert main(words) == 0, command
        done += 1
    assert done >= 2
    for history in desk.glob("**/history.csv"):
        with history.open(encoding="utf-8", newline="") as file:
            assert set(next(csv.reader(file))) - explained("The history") == set()


def test_a_command_that_nobody_runs_is_noticed() -> None:
    with pytest.raises(AssertionError, match="nobody runs this command: rm -rf"):
        arguments_of("rm -rf runs")


def test_the_python_of_the_api_s_page_runs(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs/api.md, with the shipped network."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    for block in blocks:
        exec(block, {})
    assert "total" in capsys.readouterr().out and (desk / "lungs.nii.gz").exists()
