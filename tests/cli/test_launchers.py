"""The launchers for `Slicer --python-script`: found from anywhere, and with the command's exit code."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from LungUNetSegLib.cli.app import COMMANDS
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.phantom import Phantom

SCRIPTS = Path(__file__).resolve().parents[2] / "LungUNetSegLib" / "scripts"

EXECUTE = """
import sys
file, *arguments = sys.argv[1:]
sys.path.insert(0, file.rpartition("/")[0])
sys.argv = [file, *arguments]
exec(compile(open(file, encoding="utf-8").read(), file, "exec"), {"__name__": "__main__", "__file__": file})
print("Slicer goes on: the launcher has not ended it")
"""
"""What Slicer does with a script: executes its text, with the script's folder first on the path."""


SLICERS_OWN = {
    "additional-module-path", "additional-module-paths", "application-information", "attach-process", "c",
    "disable-builtin-cli-modules", "disable-builtin-loadable-modules", "disable-builtin-modules",
    "disable-builtin-scripted-loadable-modules", "disable-cli-modules", "disable-loadable-modules",
    "disable-message-handlers", "disable-modules", "disable-python", "disable-scripted-loadable-modules",
    "disable-settings", "disable-terminal-outputs", "disable-tooltips", "exit-after-startup", "h", "help", "home",
    "ignore-rest", "ignore-slicerrc", "keep-temporary-settings", "launch", "launcher-additional-settings",
    "launcher-additional-settings-exclude-groups", "launcher-detach", "launcher-dump-environment",
    "launcher-generate-exec-wrapper-script", "launcher-generate-template", "launcher-help",
    "launcher-ignore-user-additional-settings", "launcher-load-environment", "launcher-no-splash",
    "launcher-show-set-environment-commands", "launcher-timeout", "launcher-verbose", "launcher-version",
    "modules-to-ignore", "no-main-window", "no-splash", "program-path", "python-code", "python-script", "qt-testing",
    "report-startup-timing", "settings-path", "show-python-console", "show-python-interactor", "temporary-path",
    "testing", "verbose-module-discovery", "version",
}  # fmt: skip
"""Names of arguments in qSlicerCoreCommandOptions.cxx, qSlicerCommandOptions.cxx and CTK's ctkAppLauncher.cpp; with one
hyphen or with two they are the same to ctkCommandLineParser."""


def launch(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", EXECUTE, str(SCRIPTS / name), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [("train.py",), ("lungunetseg_command.py", "segment")])
def test_wrong_usage_ends_slicer_with_2(words: tuple[str, ...], tmp_path: Path) -> None:
    result = launch(*words, "--no-such-option", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert "required" in result.stderr


def test_failure_ends_slicer_with_1_and_a_sentence(tmp_path: Path) -> None:
    result = launch("train.py", "--data", "nowhere", "--out", "out", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("lungunetseg: There is no folder nowhere")


def test_success_ends_slicer_with_0(small_phantom: Phantom, tmp_path: Path) -> None:
    write_labels(tmp_path / "lungs.nrrd", small_phantom.labels)
    result = launch(
        "lungunetseg_command.py", "evaluate", "lungs.nrrd", "lungs.nrrd", "--json", "scores.json", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "Binary accuracy" in result.stdout and "Slicer goes on" not in result.stdout
    assert (tmp_path / "scores.json").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_slicer_takes_no_argument_for_itself_but_the_call_for_help(command: str) -> None:
    """It hands on what it does not know, and takes what it knows from behind the script's name, too."""
    parser = argparse.ArgumentParser()
    importlib.import_module(COMMANDS[command][0]).add_arguments(parser)
    ours = {name.lstrip("-") for name in parser._option_string_actions} | {"progress", "debug"}
    assert ours & SLICERS_OWN == {"h", "help"}
