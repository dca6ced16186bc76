"""Files and folders may have any name that a disk holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from batch_results import Command, rows_of
from dicom_files import save, slices_of

from LungUNetSegLib.volume.volume import Volume


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_utf8_costs_no_table(batch: Command, thin: Volume, tmp_path: Path) -> None:
    """One folder named by an old Windows archive (Latin-1) ended the batch with an internal error, without tables."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/source/Mart\xedn"))
    save(slices_of(thin), folder / "a")
    (folder / "b.nii.gz").write_bytes(b"broken")
    code, stdout, _ = batch(tmp_path / "source")
    assert code == 0 and "1 of 1 scans done" in stdout
    (row,) = rows_of(tmp_path / "out")
    assert row["path"] == f"{tmp_path}/source/Mart\\udcedn/a"
    parquet = pytest.importorskip("pyarrow.parquet")
    (same,) = parquet.read_table(tmp_path / "out" / "results.parquet").to_pylist()
    assert same["path"] == row["path"]
    assert "Mart" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
