"""However a run in a child process ends, nothing stays behind, and the user is told why."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
import time

import pytest
from panel_helpers.runs import IdleChild, Run

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def waiting(phantom_node, wait_until, stub_child):
    """A run whose child waits in the middle."""
    stub_child(hold="segment")
    run = Run(phantom_node)
    wait_until(lambda: run.progress)
    return run


@pytest.mark.parametrize("moment", ["start", "read", "segment", "surface", "load"])
def test_cancel_at_five_moments_leaves_no_child_and_an_unchanged_scene(
    phantom_node, wait_until, stub_child, scene_ids, moment
):
    stub_child(hold=moment)
    before = scene_ids()
    run = Run(phantom_node)
    wait_until(lambda: moment == "start" or moment in run.stages)
    start = time.monotonic()
    run.run.cancel()
    assert time.monotonic() - start < 2
    assert [end.state for end in run.ends] == ["cancelled"]
    assert scene_ids() == before


def test_cancel_ends_a_child_of_the_child_too(phantom_node, wait_until, stub_child):
    from LungUNetSegSlicer.run.process_tree import descendants

    before = set(descendants(os.getpid()))
    stub_child(hold="segment", family=1)
    run = Run(phantom_node)
    wait_until(lambda: ("segment", 31, 60) in run.progress)
    assert len(set(descendants(os.getpid())) - before) >= 2
    run.run.cancel()


def test_a_crash_of_the_child_is_told_in_a_sentence(phantom_node, wait_until, stub_child, scene_ids):
    stub_child(end="crash")
    before = scene_ids()
    run = Run(phantom_node)
    wait_until(run.ended)
    (end,) = run.ends
    assert (end.state, scene_ids()) == ("failed", before)
    assert end.message.startswith("The computation ended unexpectedly.")


def test_the_childs_own_sentence_is_passed_on_with_the_volumes_name(phantom_node, wait_until, stub_child):
    stub_child(end="fail")
    run = Run(phantom_node)
    wait_until(run.ended)
    assert run.ends[0].message == "Phantom: this is no chest CT. Choose another."


def test_removing_the_volume_cancels(app, phantom_node, waiting):
    app.mrmlScene().RemoveNode(phantom_node)
    assert [end.state for end in waiting.ends] == ["cancelled"]


def test_removing_the_segmentation_to_replace_cancels(app, phantom_node, wait_until, stub_child):
    stub_child(hold="segment")
    target = app.mrmlScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    run = Run(phantom_node, target)
    wait_until(lambda: run.progress)
    app.mrmlScene().RemoveNode(target)
    assert [end.state for end in run.ends] == ["cancelled"]


def test_closing_the_scene_cancels(app, waiting):
    app.mrmlScene().Clear(0)
    assert [end.state for end in waiting.ends] == ["cancelled"]


def test_when_slicer_dies_the_child_removes_its_files_and_ends(waiting, wait_until):
    waiting.run._child._process.closeWriteChannel()  # what the death of this process would do
    wait_until(lambda: not waiting.run._folder.exists())
    wait_until(waiting.ended)
    assert waiting.ends[0].state == "failed"


def test_when_slicer_dies_while_it_hands_over_the_scan_nothing_stays_either(phantom_node, wait_until):
    run = Run(phantom_node).run
    run._steps.stop()
    (run._folder / "scan.part").write_text("half a patient")
    run._child._process.closeWriteChannel()
    wait_until(lambda: not run._folder.exists(), seconds=20)
    run.cancel()


def test_what_a_dying_child_still_writes_is_removed_too(phantom_node, wait_until):
    """Behind PythonSlicer's launcher the real Python may live a moment longer; on Windows it keeps its files open."""

    class DyingChild(IdleChild):
        def cancel(self):
            self.thread = threading.Thread(target=self._write)
            self.thread.start()

        def _write(self):
            deadline = time.monotonic() + 0.2
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    (self.folder / "labels.nrrd").write_text("a patient's")

    run = Run(phantom_node, child=DyingChild())
    run.run.cancel()
    run.child.thread.join()
    wait_until(lambda: not run.child.folder.exists())


def test_a_folder_in_use_is_removed_later_and_keeps_nobody_waiting(phantom_node, wait_until, monkeypatch):
    attempts, remove = [], shutil.rmtree

    def busy_twice(folder, **options):
        attempts.append(folder)
        if len(attempts) > 2:
            remove(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", busy_twice)
    run = Run(phantom_node, child=IdleChild())
    run.run.cancel()
    assert [end.state for end in run.ends] == ["cancelled"] and len(attempts) == 1
    wait_until(lambda: not run.child.folder.exists())


def test_a_folder_that_cannot_be_removed_is_named_in_slicers_log(phantom_node, wait_until, monkeypatch, caplog):
    """It holds a patient's scan."""
    from LungUNetSegSlicer.run import private_folder

    with monkeypatch.context() as patch:
        patch.setattr(private_folder, "REMOVAL_PAUSES_MS", (0, 0))
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        run = Run(phantom_node, child=IdleChild())
        run.run.cancel()
        wait_until(lambda: str(run.child.folder) in caplog.text)
    shutil.rmtree(run.child.folder)


def test_the_files_are_private_to_the_user(waiting):
    assert stat.S_IMODE(waiting.run._folder.stat().st_mode) == 0o700
    waiting.run.cancel()


def test_the_child_touches_no_folder_but_its_own(tmp_path):
    import subprocess
    import sys

    from host import application

    (tmp_path / "mine.txt").write_text("keep")
    command = [sys.executable, "-m", "LungUNetSegSlicer.run.segmentation_child", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(application.REPOSITORY / "LungUNetSeg")}
    run = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert run.returncode == 1 and b"not a folder that Slicer made" in run.stderr
    assert (tmp_path / "mine.txt").exists()
