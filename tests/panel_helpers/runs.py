"""Runs in a child process without a panel, with what they report."""

from __future__ import annotations


class Run:
    """A run with what it reported."""

    def __init__(self, volume, target=None, child=None, **settings):
        from LungUNetSegSlicer.run.qt_loop import QtLoop
        from LungUNetSegSlicer.run.segmentation_run import SegmentationRun
        from LungUNetSegSlicer.run.settings import RunSettings

        self.progress, self.ends, self.child = [], [], child
        settings = RunSettings(**({"model": "lungs"} | settings))
        loop = QtLoop()
        if child is not None:
            loop.make_child = lambda *_: child
        self.run = SegmentationRun(
            volume, target, settings, lambda *progress: self.progress.append(progress), self.ends.append, loop
        )

    @property
    def stages(self):
        return list(dict.fromkeys(stage for stage, *_ in self.progress))

    def ended(self):
        return bool(self.ends)


class IdleChild:
    """Is given a folder, and does nothing."""

    def start(self, _arguments, folder):
        self.folder = folder

    def cancel(self):
        pass
