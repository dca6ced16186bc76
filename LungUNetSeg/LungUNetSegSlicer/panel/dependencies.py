"""Finds the packages that a run needs beyond Slicer's own, asks the user at the first click, and installs them.

Nothing is imported or installed before the user clicks and agrees, and no installed package is ever replaced: pip gets
each installed version as a constraint, and fails if it cannot keep them.
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from subprocess import CalledProcessError

import slicer
from slicer.i18n import tr as _

from LungUNetSegLib.errors import MissingDependencyError
from LungUNetSegSlicer.run.settings import Engine, RunSettings

_VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[\w.]+)?")
"""A version in the form of PEP 440; pip refuses a constraint with any other."""


@dataclass(frozen=True)
class Package:
    """A package to install.

    Attributes:
        module: Its import name, which is also its name on PyPI.
        requirement: The requirement that pip gets.
        title: Its display name.
        size: Size of the download, as shown to the user.
    """

    module: str
    requirement: str
    title: str
    size: str


ONNX_RUNTIME = Package("onnxruntime", "onnxruntime>=1.18", "ONNX Runtime", "30 MB")
OPENVINO = Package("openvino", "openvino>=2024.4", "OpenVINO", "60 MB")
TORCH = Package("torch", ">=2.4", "PyTorch", "200 MB – 3 GB")

ONNX = Package("onnx", "onnx>=1.16", "ONNX", "20 MB")
ONNXSCRIPT = Package("onnxscript", "onnxscript>=0.5", "ONNX Script", "1 MB")

HIGHDICOM = Package("highdicom", "highdicom>=0.25", "highdicom", "5 MB")

_under_way: list[Package] = []
"""What is being installed."""

_BY_ENGINE = {Engine.ONNX_RUNTIME: ONNX_RUNTIME, Engine.OPENVINO: OPENVINO, Engine.TORCH: TORCH}


def missing(settings: RunSettings) -> Package | None:
    """Return the package that must be installed before a run with these settings; None if none is missing."""
    package = TORCH if settings.needs_torch else _BY_ENGINE.get(settings.engine)
    if package is not None:
        return None if find_spec(package.module) else package
    return None if any(find_spec(each.module) for each in _BY_ENGINE.values()) else ONNX_RUNTIME


def is_installed(package: Package) -> bool:
    """Whether a package can be imported."""
    return find_spec(package.module) is not None


def install_with_consent(package: Package) -> bool:
    """Ask the user whether to install a package, with its name and size, and install it.

    Returns:
        Whether it can be imported now; False if the user refused, or Slicer runs tests.

    Raises:
        MissingDependencyError: It could not be installed; the message says what to do.
    """
    if package is TORCH and find_spec("PyTorchUtils") is None:
        raise MissingDependencyError(
            _(
                "A GPU, a training's checkpoint and the engine PyTorch need PyTorch. Install the extension PyTorch in "
                "Slicer's Extensions Manager, restart Slicer, and try again; or choose another device, model or engine."
            )
        )
    text = _(
        "LungUNetSeg needs {title} for this. Download it from the Python Package Index (about {size}) and "
        "install it in Slicer's Python?\n\nNothing that is installed already is replaced. The details show how to "
        "install it without a network."
    ).format(title=package.title, size=package.size)
    if not _user_agrees(text, _("Install {title}").format(title=package.title), package):
        return False
    try:
        with _one_at_a_time(package), slicer.util.WaitCursor(), installed_versions_file() as constraints:
            _install(package, constraints)
    except (CalledProcessError, RuntimeError, OSError, ImportError) as error:
        raise _failure(package, error) from error
    importlib.invalidate_caches()
    if not is_installed(package):
        raise _failure(package, _("it cannot be imported after the installation"))
    return True


def engine_of(settings: RunSettings) -> Package:
    """Return the engine that runs the network with these settings."""
    return missing(settings) or (TORCH if settings.needs_torch else _BY_ENGINE.get(settings.engine, ONNX_RUNTIME))


def reinstall_with_consent(package: Package) -> bool:
    """Ask the user, and install a fresh copy of an engine; this repairs an incomplete installation.

    Returns:
        Whether it was installed; False if the user refused, or Slicer runs tests.

    Raises:
        MissingDependencyError: It could not be installed; the message says what to do.
    """
    if package is TORCH:
        raise MissingDependencyError(
            _("PyTorch is reinstalled by the extension PyTorch: open its module PyTorch Util in Slicer.")
        )
    text = _(
        "Download {title} again (about {size}) and replace the copy in Slicer's Python? No other package is replaced."
    ).format(title=package.title, size=package.size)
    if not _user_agrees(text, _("Reinstall {title}").format(title=package.title), package):
        return False
    options = ["--force-reinstall", "--no-deps", "--no-cache-dir"]
    try:
        with _one_at_a_time(package), slicer.util.WaitCursor():
            slicer.util.pip_install([package.requirement, *options])
    except (CalledProcessError, RuntimeError, OSError) as error:
        raise _failure(package, error) from error
    importlib.invalidate_caches()
    return True


def _user_agrees(text: str, title: str, package: Package) -> bool:
    """Ask the user; nobody can answer while Slicer runs tests, which counts as a refusal."""
    agrees = slicer.util.confirmOkCancelDisplay(text, title, detailedText=offline_way(package))
    return bool(agrees) and not slicer.app.testingEnabled()


def offline_way(package: Package) -> str:
    """Return instructions for installing a package without a network."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    platforms = " ".join(f"--platform {each}" for each in _pip_platforms())
    return _(
        "Without a network: on a computer that has one, run\n\n"
        "  pip download {module} -d wheels --only-binary :all: --python-version {python} {platforms}\n\n"
        "Bring the folder here, and type in Slicer's Python console\n\n"
        '  slicer.util.pip_install("--no-index --find-links FOLDER/wheels {module}")'
    ).format(module=package.module, python=python, platforms=platforms)


@contextmanager
def _one_at_a_time(package: Package) -> Iterator[None]:
    """Refuse a second installation, which the user can ask for elsewhere: the event loop runs during the first."""
    if _under_way:
        text = _("{title} is being installed. Wait until that is done, and try again.")
        raise MissingDependencyError(text.format(title=_under_way[0].title))
    _under_way.append(package)
    try:
        yield
    finally:
        _under_way.clear()


@contextmanager
def installed_versions_file() -> Iterator[Path]:
    """Provide a constraints file for pip that pins every installed package, and remove it afterwards."""
    lines = {f"{each.name}=={each.version}" for each in distributions() if _VERSION.fullmatch(each.version or "")}
    with tempfile.TemporaryDirectory(prefix="LungUNetSeg-pip-") as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
        yield path


def _install(package: Package, constraints: Path) -> None:
    if package is TORCH:
        _install_torch(constraints)
    elif find_spec("slicer.packaging"):
        from slicer.packaging import pip_ensure  # Slicer 5.12 and later

        # The user has been asked already, with more details than pip_ensure gives.
        pip_ensure([package.requirement], constraints=constraints, prompt_install=False, requester="LungUNetSeg")
    else:
        slicer.util.pip_install([package.requirement, "--constraint", str(constraints)])


def _install_torch(constraints: Path) -> None:
    """Let the PyTorch extension choose the build for this computer's GPU; it runs pip, which reads PIP_CONSTRAINT."""
    from PyTorchUtils import PyTorchUtilsLogic

    os.environ["PIP_CONSTRAINT"] = str(constraints)
    try:
        PyTorchUtilsLogic().installTorch(torchVersionRequirement=TORCH.requirement)
    finally:
        del os.environ["PIP_CONSTRAINT"]


def _failure(package: Package, reason: object) -> MissingDependencyError:
    return MissingDependencyError(
        _(
            "{title} could not be installed: {reason}. Slicer's Python console shows pip's output. Check the network "
            "and its proxy, or install it by hand.\n\n{offline}"
        ).format(title=package.title, reason=str(reason).rstrip("."), offline=offline_way(package))
    )


def _pip_platforms() -> list[str]:
    """Return pip's names for this platform."""
    machine = platform.machine().lower()
    if sys.platform == "win32":
        return ["win_amd64"]
    if sys.platform == "darwin":
        return [f"macosx_14_0_{machine}"]
    return [f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}"]
