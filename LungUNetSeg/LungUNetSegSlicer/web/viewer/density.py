"""Shows the map of local density of a scan's lungs; makes it in steps, once, so that the views stay usable."""

from __future__ import annotations

from typing import Any

from LungUNetSegSlicer.panel.texts import averaging_text
from LungUNetSegSlicer.run.asyncio_loop import AsyncioLoop
from LungUNetSegSlicer.run.event_loop import Steps
from LungUNetSegSlicer.scene.local_density import density_node_steps
from LungUNetSegSlicer.web.viewer.display import Display
from LungUNetSegSlicer.web.viewer.page_tasks import PageTasks
from LungUNetSegSlicer.web.viewer.scans import OpenScan

PLACE = "density"


class DensityMaps:
    """Makes one map at a time; it stays with its scan, so that it is shown again at once.

    Args:
        loop: Runs between the steps.
        display: Shows the maps.
        page_tasks: Tells errors.
    """

    def __init__(self, loop: AsyncioLoop, display: Display, page_tasks: PageTasks) -> None:
        self._loop, self._display, self._page_tasks = loop, display, page_tasks
        self._steps: Steps | None = None
        self._scan: OpenScan | None = None

    @property
    def busy(self) -> dict[str, str]:
        """What is said, and at which place of the page, while a map is being made."""
        return {PLACE: averaging_text()} if self._scan is not None else {}

    def show(self, scan: OpenScan | None, is_wanted: bool) -> None:
        """Show the map of a scan's lungs, or show it no more; without lungs nothing happens."""
        if scan is None or scan.result is None:
            return
        self._display.show_density(is_wanted)
        self._page_tasks.clear(PLACE)
        if is_wanted and scan.density is None and self._scan is not scan:
            self.stop()
            self._scan = scan
            self._steps = Steps(density_node_steps(scan.segmentation), self._finish, self._give_up, self._loop)

    def stop(self) -> None:
        """Give up what is being made, and forget errors."""
        if self._steps is not None:
            self._steps.stop()
        self._scan = self._steps = None
        self._page_tasks.clear(PLACE)

    def forget(self, scan: OpenScan) -> None:
        """Give up or remove the map of a scan whose lungs are others now."""
        if scan is self._scan:
            self.stop()
        scan.drop_density()

    def _finish(self, nodes: Any) -> None:
        if self._scan is not None:
            self._scan.density = nodes
        self.stop()
        self._display.apply()

    def _give_up(self, error: Exception) -> None:
        self.stop()
        self._display.show_density(False)
        self._page_tasks.fail(PLACE, error)
