"""What ctest runs inside a real Slicer runs in the host too."""

from __future__ import annotations

import runpy

import pytest
from host import application

SCRIPTS = sorted((application.REPOSITORY / "Testing" / "Python").glob("*.py"))


def test_the_modules_self_test(app, panel):
    import slicer

    slicer.selfTests["LungUNetSeg"](msec=0)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_scripts_for_ctest(script):
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(script), run_name="__main__")
    assert not end.value.code
