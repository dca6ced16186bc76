"""The public names: there, light, documented, and volumes that go to other libraries and come back in place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import LungUNetSegLib
from LungUNetSegLib.errors import GeometryError, MissingDependencyError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "api.md"


def test_every_public_name_is_there_and_documented() -> None:
    """Protects who writes `from LungUNetSegLib import ...` after the document."""
    document = DOCUMENT.read_text(encoding="utf-8")
    for name in LungUNetSegLib.__all__:
        assert getattr(LungUNetSegLib, name) is not None
        assert re.search(rf"`[^`]*\b{name}\b", document), name
    with pytest.raises(AttributeError, match="no attribute 'lungs'"):
        LungUNetSegLib.lungs  # noqa: B018


def test_reading_and_segmenting_load_no_torch() -> None:
    """Protects the start of every command and the installation without torch."""
    code = "from LungUNetSegLib import Segmenter, evaluate_pair, read_scan, segment, write_labels; import sys"
    run = [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"]
    assert subprocess.run(run, check=False).returncode == 0


def test_an_affine_of_nibabel_by_hand() -> None:
    """Protects sides: nibabel's first axis is the column, and its x runs to the right."""
    nibabel = pytest.importorskip("nibabel")
    geometry = Geometry.axial((2, 3, 4), (5.0, 2.0, 1.0), (10.0, 20.0, 30.0))
    image = LungUNetSegLib.to_nibabel(Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), geometry))
    assert image.shape == (4, 3, 2)
    np.testing.assert_array_equal(image.affine, [[-1, 0, 0, -10], [0, -2, 0, -20], [0, 0, 5, 30], [0, 0, 0, 1]])
    assert image.dataobj[3, 0, 1] == 15 and nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
    with pytest.raises(GeometryError, match="three axes"):
        LungUNetSegLib.from_nibabel(nibabel.Nifti1Image(np.zeros((2, 2, 2, 2), np.int16), np.eye(4)))


@pytest.mark.parametrize("library", ["nibabel", "sitk"])
def test_a_volume_goes_to_other_libraries_and_back(oblique_phantom: Phantom, library: str) -> None:
    """Protects each voxel and its place, on an oblique and flipped scan."""
    pytest.importorskip("nibabel")
    there, back = (getattr(LungUNetSegLib, f"{way}_{library}") for way in ("to", "from"))
    volume = back(there(oblique_phantom.ct))
    assert volume.geometry.matches(oblique_phantom.ct.geometry)
    np.testing.assert_array_equal(volume.array, oblique_phantom.ct.array)


def test_a_missing_nibabel_is_no_missing_engine(small_phantom: Phantom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects from the advice to use another engine, which helps with no image and no checkpoint."""
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingDependencyError, match="nibabel cannot be loaded") as caught:
        LungUNetSegLib.to_nibabel(small_phantom.ct)
    assert str(caught.value).endswith(": install it with `pip install nibabel`.")


def test_orientation_by_hand() -> None:
    """Protects what a user reads of a scan: head, back, left; then each axis turned."""
    geometry = Geometry.axial((2, 3, 4))
    assert geometry.orientation == "SPL"
    assert geometry.reordered((1, 2, 0), (False, True, True)).orientation == "PRI"


def test_a_notebook_shows_what_a_volume_and_a_segmentation_are(small_phantom: Phantom, tiny_model: Path) -> None:
    """Protects who looks at a value and would otherwise see an address."""
    assert "24 x 64 x 72" in small_phantom.ct._repr_html_() and "SPL" in small_phantom.ct._repr_html_()
    result = LungUNetSegLib.segment(small_phantom.ct, str(tiny_model))
    assert f"{result.volumes_ml['right']:.0f} ml" in result._repr_html_()
