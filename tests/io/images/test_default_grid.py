"""Arrays that were saved without their header lie at 0, 0, 0 in voxels of 1 mm, which is said."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.images.nifti import is_nifti
from LungUNetSegLib.io.images.write import write_image
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import itk


@pytest.fixture(scope="module")
def ct() -> Volume:
    return make_phantom(phantom_geometry((40, 112, 128)), rng=1).ct


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.nrrd", "scan.mha"])
def test_the_grid_of_programs_that_were_given_none(name: str, ct: Volume, tmp_path: Path) -> None:
    """Their lungs would have twice the true volume, or half of it, which is still a human's."""
    path = tmp_path / name
    if is_nifti(path):
        nibabel.save(nibabel.Nifti1Image(ct.array.T, np.eye(4)), path)
    else:
        itk().WriteImage(itk().GetImageFromArray(ct.array), str(path))
    assert [each.code for each in read_scan(path).findings] == ["spacing-in-doubt"]


def test_the_thickness_alone_is_known(ct: Volume, tmp_path: Path) -> None:
    write_image(tmp_path / "scan.nii.gz", Volume(ct.array, Geometry.axial(ct.array.shape, (2.5, 1.0, 1.0), (0, 0, 0))))
    assert [each.code for each in read_scan(tmp_path / "scan.nii.gz").findings] == ["spacing-in-doubt"]


@pytest.mark.parametrize(
    ("spacing_mm", "origin"), [((1.0, 1.0, 1.0), (-60.0, 20.0, 3.0)), ((2.5, 0.7, 0.7), (0.0, 0.0, 0.0))]
)
def test_a_scan_resampled_to_1_mm_and_one_without_its_place(
    spacing_mm: tuple[float, float, float], origin: tuple[float, float, float], ct: Volume, tmp_path: Path
) -> None:
    """Both have volumes that are right."""
    write_image(tmp_path / "scan.nrrd", Volume(ct.array, Geometry.axial(ct.array.shape, spacing_mm, origin)))
    assert "spacing-in-doubt" not in [each.code for each in read_scan(tmp_path / "scan.nrrd").findings]
