"""Draws docs/images/panel.png: the panel in the middle of a run and after it.

From the repository: ``PYTHONPATH=tests python -m panel_helpers.screenshot SCAN``, with the sample scan or its folder.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

WIDTH, GAP, SCALE = 430, 20, "2"


def main(scan_path: str) -> None:
    """Run the module on a scan and save the picture."""
    os.environ["QT_SCALE_FACTOR"] = SCALE
    from host import application
    from panel_helpers.panel import Panel

    app = application.start()
    import qt

    from LungUNetSegLib.io import read_scan
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    def wait_until(condition, seconds=300.0):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            app.processEvents()
            time.sleep(0.01)

    panel = Panel(app, wait_until)
    panel.window.resize(WIDTH, 1000)
    add_volume_node(read_scan(scan_path).volume, "LIDC-IDRI-0001")
    panel.click(panel.ui.applyButton)
    wait_until(lambda: "left" in panel.ui.statusLabel.text and panel.ui.progressBar.value > 60)
    during = _grab(app, panel)
    wait_until(lambda: not panel.running)
    panel.ui.applyButton.clearFocus()
    after = _grab(app, panel)
    picture = qt.QPixmap(during.width() + after.width() + GAP * int(SCALE), max(during.height(), after.height()))
    picture.fill(qt.QColor("white"))
    painter = qt.QPainter(picture)
    for left, each in ((0, during), (during.width() + GAP * int(SCALE), after)):
        each.setDevicePixelRatio(1)
        painter.fillRect(left, 0, each.width(), picture.height(), panel.window.palette.window())
        painter.drawPixmap(left, 0, each)
    painter.end()
    target = application.REPOSITORY / "docs" / "images" / "panel.png"
    assert picture.save(str(target))
    print(target, panel.ui.timeLabel.text)
    panel.close()


def _grab(app, panel):
    """Return a picture of the panel down to its last widget."""
    app.processEvents()
    frame = panel.module.widgetRepresentation()
    frame.setFixedSize(WIDTH, frame.sizeHint.height())
    app.processEvents()
    picture = frame.grab()
    frame.setMinimumSize(0, 0)
    frame.setMaximumSize(16777215, 16777215)
    return picture


if __name__ == "__main__":
    main(str(Path(sys.argv[1])))
