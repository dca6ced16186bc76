"""Fetching the sample scan: Slicer goes on meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from host import sample_data
from panel_helpers.heartbeat import LONGEST_MS, Heartbeat

from LungUNetSegLib import sample


@pytest.fixture
def logic(app, tmp_path, monkeypatch):
    """Slicer's module Sample Data with ours registered, whose download takes half a second."""
    from LungUNetSegSlicer.scene.sample_data import register

    def fetch(folder: Path) -> Path:
        time.sleep(0.5)
        path = folder / sample.FILE_NAME
        path.write_bytes(b"scan")
        return path

    monkeypatch.setattr(sample, "fetch", fetch)
    with sample_data.installed(tmp_path) as logic:
        register(Path(__file__))
        logic.sources[0].checksums = [None]
        yield logic


def test_the_event_loop_runs_during_the_download(app, logic):
    """35 MB over a slow network once stopped all of Slicer."""
    heartbeat = Heartbeat()
    logic.sources[0].customDownloader(logic.sources[0])
    heartbeat.stop()
    assert [Path(path).name for path in logic.loaded] == [sample.FILE_NAME]
    assert heartbeat.longest_ms < LONGEST_MS
