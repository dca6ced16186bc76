"""Installing what is missing: only after consent, by name and size, and never in place of what Slicer ships."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path
from subprocess import CalledProcessError
from types import ModuleType, SimpleNamespace

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def installed(monkeypatch):
    """The engines that seem to be installed, none at first; a test adds to them."""
    from LungUNetSegSlicer.panel import dependencies

    names: set[str] = set()
    real = dependencies.find_spec

    def find_spec(name):
        if name in ("onnxruntime", "openvino", "torch", "PyTorchUtils", "slicer.packaging"):
            return name in names or None
        return real(name)

    monkeypatch.setattr(dependencies, "find_spec", find_spec)
    return names


@pytest.fixture
def pip(monkeypatch, installed):
    """Stands for Slicer 5.10's slicer.util.pip_install: notes its arguments and the constraints, and "installs"."""
    import slicer

    calls = []

    def pip_install(arguments):
        constraints = arguments[arguments.index("--constraint") + 1]
        calls.append((arguments[0], Path(constraints).read_text(encoding="utf-8").splitlines()))
        installed.add("onnxruntime")

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    return calls


def test_refused_nothing_is_installed_and_nothing_runs(panel, phantom_node, pip, scene_ids):
    before = scene_ids()
    dialog = panel.answer("Cancel")
    panel.click(panel.ui.applyButton)
    assert "ONNX Runtime" in dialog[0] and "about 30 MB" in dialog[0]
    assert pip == [] and scene_ids() == before
    text = "Nothing was installed. Without ONNX Runtime the lungs cannot be segmented."
    assert panel.ui.statusLabel.text == text
    assert panel.ui.applyButton.enabled and panel.ui.applyButton.text == "Segment lungs"


def test_accepted_it_is_installed_and_the_run_goes_on(panel, phantom_node, pip, wait_until):
    panel.answer("OK")
    panel.run()
    (call,) = pip
    assert call[0] == "onnxruntime>=1.18"
    assert panel.ui.resultsCollapsibleButton.visible
    panel.run()
    assert len(pip) == 1, "nobody is asked twice"


def test_everything_that_is_installed_is_kept_by_constraints(panel, phantom_node, pip):
    panel.answer("OK")
    panel.run()
    constraints = {line.partition("==")[0].lower(): line.partition("==")[2] for line in pip[0][1]}
    for name in ("numpy", "scipy", "pydicom", "simpleitk"):
        assert constraints[name] == version(name)


def test_failed_the_reason_and_the_way_without_a_network_are_told(panel, phantom_node, installed, monkeypatch):
    import slicer

    def fail(_):
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.util, "pip_install", fail)
    panel.answer("OK")
    panel.click(panel.ui.applyButton)
    text = panel.ui.statusLabel.text
    assert text.startswith("ONNX Runtime could not be installed: Command 'pip' returned non-zero exit status 1.")
    assert "--no-index --find-links" in text
    assert not panel.running and panel.ui.applyButton.enabled


def test_pip_that_seems_to_work_but_installs_nothing_is_a_failure(panel, phantom_node, installed, monkeypatch):
    import slicer

    monkeypatch.setattr(slicer.util, "pip_install", lambda _: None)
    panel.answer("OK")
    panel.click(panel.ui.applyButton)
    assert "cannot be imported after the installation" in panel.ui.statusLabel.text


def test_the_dialog_tells_how_to_install_without_a_network(panel, phantom_node, pip):
    dialog = panel.answer("Cancel")
    panel.click(panel.ui.applyButton)
    assert "pip download onnxruntime" in dialog[1]
    assert f"--python-version {sys.version_info.major}.{sys.version_info.minor}" in dialog[1]


def test_slicer_5_12_installs_through_its_own_packaging(panel, phantom_node, installed, monkeypatch):
    calls = []

    def pip_ensure(requirements, constraints=None, prompt_install=True, requester=None):
        calls.append((requirements, constraints.read_text(encoding="utf-8"), prompt_install, requester))
        installed.add("onnxruntime")

    packaging = ModuleType("slicer.packaging")
    packaging.pip_ensure = pip_ensure
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    installed.add("slicer.packaging")
    panel.answer("OK")
    panel.run()
    (call,) = calls
    assert call[0] == ["onnxruntime>=1.18"] and call[2:] == (False, "LungUNetSeg")
    assert f"numpy=={version('numpy')}" in call[1]


def test_while_it_installs_the_button_is_grey(panel, phantom_node, installed, monkeypatch):
    import slicer

    seen = []

    def pip_install(_):
        panel.click(panel.ui.applyButton)
        seen.append((panel.ui.applyButton.enabled, panel.ui.applyButton.toolTip))
        installed.add("onnxruntime")

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    panel.answer("OK")
    panel.run()
    assert seen == [(False, "Packages are being installed.")]


def test_what_changes_while_it_installs_is_noticed(app, panel, phantom_node, installed, monkeypatch):
    """Protects other lungs from a question that was asked about those chosen before, and from a CT that is gone."""
    import slicer

    locked = []

    def pip_install(_):
        locked.append(panel.ui.outputSegmentationSelector.enabled)
        app.mrmlScene().RemoveNode(phantom_node)
        installed.add("onnxruntime")

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    panel.answer("OK")
    panel.click(panel.ui.applyButton)
    assert locked == [False] and not panel.running
    assert panel.ui.statusLabel.text == "Choose a CT first." and panel.ui.outputSegmentationSelector.enabled


def test_a_click_while_it_installs_starts_no_second_batch(panel, phantom_node, installed, monkeypatch, tmp_path):
    """Protects from two batches in one folder, of which one could not be cancelled."""
    import slicer

    started = []

    def pip_install(_):
        panel.click(panel.ui.batchButton)
        installed.add("onnxruntime")

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)

    def start(*_):
        started.append("batch")
        return SimpleNamespace(running=False, cancel=lambda: None)

    monkeypatch.setattr(panel.widget.logic, "startBatch", start)
    panel.ui.batchSourceComboBox.setCurrentIndex(1)
    monkeypatch.setattr(panel.widget.batchPanel, "_output", tmp_path)
    panel.widget.batchPanel.update()
    panel.click(panel.ui.batchButton)
    assert started == ["batch"]
    panel.widget.batchPanel.close()


def test_one_package_is_installed_at_a_time(app, installed, monkeypatch):
    """Protects Slicer's Python from two runs of pip at once: the event loop runs while the first one works."""
    import slicer

    from LungUNetSegLib.errors import MissingDependencyError
    from LungUNetSegSlicer.panel.dependencies import ONNX_RUNTIME, OPENVINO, install_with_consent

    def pip_install(_):
        with pytest.raises(MissingDependencyError, match="ONNX Runtime is being installed"):
            install_with_consent(OPENVINO)
        installed.add("onnxruntime")

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)
    assert install_with_consent(ONNX_RUNTIME)


def test_torch_is_asked_for_only_where_nothing_else_will_do(installed, tmp_path):
    from LungUNetSegSlicer.panel.dependencies import ONNX_RUNTIME, TORCH, missing
    from LungUNetSegSlicer.run.settings import Device, RunSettings

    assert missing(RunSettings(model="lungs")) is ONNX_RUNTIME
    assert missing(RunSettings(model="lungs", device=Device.GPU)) is TORCH
    assert missing(RunSettings(model=str(tmp_path / "best.pt"))) is TORCH
    installed.add("torch")
    assert missing(RunSettings(model="lungs")) is None
    installed.remove("torch")
    installed.add("openvino")
    assert missing(RunSettings(model="lungs")) is None


def test_the_engine_that_is_chosen_is_the_one_that_is_asked_for(installed):
    from LungUNetSegSlicer.panel.dependencies import ONNX_RUNTIME, OPENVINO, TORCH, missing
    from LungUNetSegSlicer.run.settings import Engine, RunSettings

    packages = {Engine.ONNX_RUNTIME: ONNX_RUNTIME, Engine.OPENVINO: OPENVINO, Engine.TORCH: TORCH}
    for engine, package in packages.items():
        installed.clear()
        installed.update({each.module for each in packages.values()} - {package.module})
        assert missing(RunSettings(model="lungs", engine=engine)) is package
        installed.add(package.module)
        assert missing(RunSettings(model="lungs", engine=engine)) is None


def test_the_panel_names_engines_as_the_library_does():
    """Protects the child from an option that the command line does not know."""
    from LungUNetSegLib.engines import ENGINES
    from LungUNetSegSlicer.run.settings import Engine

    assert tuple(engine.value for engine in Engine) == ENGINES


def test_torch_comes_through_the_pytorch_extension_with_the_same_constraints(
    panel, phantom_node, installed, monkeypatch
):
    import os

    calls = []

    class PyTorchUtilsLogic:
        def installTorch(self, torchVersionRequirement):
            calls.append((torchVersionRequirement, Path(os.environ["PIP_CONSTRAINT"]).read_text(encoding="utf-8")))
            installed.add("torch")

    module = ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    panel.choose(panel.ui.deviceComboBox, "GPU")
    panel.click(panel.ui.applyButton)
    assert "Install the extension PyTorch in Slicer's Extensions Manager" in panel.ui.statusLabel.text
    installed.add("PyTorchUtils")
    dialog = panel.answer("OK")
    panel.run()
    assert "PyTorch" in dialog[0] and "200 MB – 3 GB" in dialog[0]
    assert calls[0][0] == ">=2.4" and f"numpy=={version('numpy')}" in calls[0][1]
    assert "PIP_CONSTRAINT" not in os.environ


def test_slicer_in_testing_mode_installs_nothing(app, panel, phantom_node, pip, monkeypatch):
    monkeypatch.setattr(app, "_testing", True)
    panel.click(panel.ui.applyButton)
    assert pip == [] and not panel.running


def test_pip_itself_refuses_to_replace_numpy(tmp_path):
    """With our constraints, pip fails for a package that wants another numpy, rather than bring it."""
    from LungUNetSegSlicer.panel.dependencies import installed_versions_file

    wheel = tmp_path / "wants_old_numpy-1.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\nName: wants-old-numpy\nVersion: 1.0\nRequires-Dist: numpy==1.0\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("wants_old_numpy.py", "")
        archive.writestr("wants_old_numpy-1.0.dist-info/METADATA", metadata)
        archive.writestr("wants_old_numpy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("wants_old_numpy-1.0.dist-info/RECORD", "")
    with installed_versions_file() as constraints:
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--constraint", str(constraints)]
        run = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "conflict" in run.stderr + run.stdout
