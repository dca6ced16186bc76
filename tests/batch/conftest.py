"""Fixtures of batches: a source with scans of every kind, and the command run in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from batch_results import Command
from dicom_files import save, slices_of

from LungUNetSegLib.batch.jobs import BatchSettings
from LungUNetSegLib.cli import main
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.geometry import Geometry
from LungUNetSegLib.volume.volume import Volume


@pytest.fixture
def source(thin: Volume, tmp_path: Path) -> Path:
    """One DICOM series of 13 slices, one NIfTI file of another place: at the same it would be the series' copy."""
    folder = tmp_path / "source"
    save(slices_of(thin, SeriesDescription="Chest"), folder / "patient" / "ct")
    geometry = Geometry.axial(thin.array.shape, thin.geometry.spacing_mm, (-165.0, -141.0, 40.0))
    write_image(folder / "scan.nii.gz", Volume(thin.array, geometry))
    return folder


@pytest.fixture
def batch(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `lungunetseg batch SOURCE -o tmp_path/out` with a tiny network; gives (exit code, stdout, stderr)."""

    def run(source: object, *words: object) -> tuple[int, str, str]:
        fixed = ["-o", tmp_path / "out", "--model", tiny_model]
        if "--jobs" not in words:
            fixed += ["--jobs", 0]
        code = main([str(word) for word in ("batch", source, *fixed, *words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def model_settings(tiny_model: Path, tmp_path: Path) -> BatchSettings:
    """Settings with a tiny model, for jobs without a plan."""
    (tmp_path / "out" / "scans").mkdir(parents=True)
    return BatchSettings(output=tmp_path / "out", model=str(tiny_model), threads=1)
