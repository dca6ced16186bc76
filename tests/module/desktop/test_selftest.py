"""What ctest runs inside a real Slicer runs in the host too."""

from __future__ import annotations

import runpy

import pytest
from host import application

SCRIPTS = sorted((application.REPOSITORY / "Testing" / "Python").glob("*.py"))


def test_the_modules_self_test(app, panel, capsys):
    """As "Reload and Test" runs it: all of it, and a test that is skipped is no failure."""
    import slicer

    slicer.selfTests["LungUNetSeg"](msec=0)
    report = capsys.readouterr().err
    assert "test_labels_become_segments_on_their_own_voxels" in report and "test_the_network_finds_both_lungs" in report


@pytest.fixture
def no_engine(monkeypatch):
    """As in a Slicer whose user has not yet clicked "Segment lungs"."""
    from LungUNetSegSlicer.panel import dependencies

    monkeypatch.setattr(dependencies, "find_spec", lambda _name: None)


def test_without_an_engine_the_self_test_skips_the_network(app, panel, no_engine, capsys):
    import slicer

    slicer.selfTests["LungUNetSeg"](msec=0)
    assert "skipped 'ONNX Runtime is not installed" in capsys.readouterr().err


def test_a_self_test_that_fails_is_reported(app, panel, no_engine, monkeypatch):
    import slicer

    import LungUNetSeg

    def fail(self):
        self.fail("on purpose")

    monkeypatch.setattr(LungUNetSeg.LungUNetSegTest, "test_labels_become_segments_on_their_own_voxels", fail)
    with pytest.raises(AssertionError, match="on purpose"):
        slicer.selfTests["LungUNetSeg"](msec=0)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_for_ctest(script):
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert not end.value.code
