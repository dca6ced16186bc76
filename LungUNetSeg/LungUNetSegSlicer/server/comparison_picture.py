"""Draws the picture of a comparison off screen: the six views of its layout. For servers and the documentation.

``python -m LungUNetSegSlicer.server.comparison_picture FOLDER`` segments the sample scan, compares it with its reviewed
mask, and writes ``comparison.png`` and ``report.html``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from LungUNetSegLib.segments import LUNGS
from LungUNetSegSlicer import server

PICTURE, REPORT = "comparison.png", "report.html"


def render_comparison(core: Any, result: Any, index: int, path: Path) -> None:
    """Write a PNG with six views: the CT with prediction, reference and differences; distances, plot and table.

    Args:
        core: What `server.start` returned.
        result: A `SceneComparison` with a CT.
        index: The slice to show.
        path: The file to write.

    Raises:
        MissingDependencyError: The machine has no OpenGL.
        WriteError: The file cannot be written.
    """
    from LungUNetSegSlicer.compare import layout
    from LungUNetSegSlicer.compare.slices import error_position_ras
    from LungUNetSegSlicer.server import comparison_panes, offscreen

    offscreen.require_graphics()
    compared = (result.prediction_node, result.reference_node)
    with offscreen.ct_below([*compared, result.differences]):
        views = _views(core)
        views.aim(result, error_position_ras(result.comparison, index))
    for node in compared:
        node.GetDisplayNode().SetOpacity2DFill(0.35)
    layout.fill_slices(result)
    layout.limit_displays(result)
    offscreen.face(views.surface)
    views.write_captions(result, index)
    tags, colours = (*layout.SLICES, layout.DISTANCE), layout.VIEW_COLOURS
    *slices, surface = [offscreen.draw(view, colours[tag]) for view, tag in zip(views.all, tags, strict=True)]
    plot = comparison_panes.draw_plot(result.plot, colours[layout.PLOT])
    scores = comparison_panes.draw_scores(result.scores, colours[layout.SCORES])
    offscreen.save_png(offscreen.tiled([slices, [surface, plot, scores]]), path)


class _Views:
    """The slice views and the 3D view. They are made once, because a shown view is never removed from its scene."""

    def __init__(self, core: Any) -> None:
        from LungUNetSegSlicer.compare import layout
        from LungUNetSegSlicer.server import offscreen

        titles = ("Prediction", "Reference", "Difference")
        specs = (
            offscreen.SliceSpec(tag, layout.VIEW_COLOURS[tag], "Axial", "R", "L", title)
            for tag, title in zip(layout.SLICES, titles, strict=True)
        )
        self.slices = [offscreen.slice_view(core, spec) for spec in specs]
        self.surface = offscreen.three_d_view(core, layout.DISTANCE, "Prediction, distance to the reference")
        self.all = [*self.slices, self.surface]
        self._captions: list[tuple[Any, Any]] = []
        self.surface.renderer().AddViewProp(_scalar_bar())

    def aim(self, result: Any, position_ras: tuple[float, float, float]) -> None:
        """Show the slice of the CT through a position, cropped to the lungs."""
        from LungUNetSegSlicer.scene.volume_bridge import box_ras
        from LungUNetSegSlicer.server import offscreen

        middle, size_mm = box_ras(result.differences)
        for view in self.slices:
            offscreen.aim(view, result.image_node, (*middle[:2], position_ras[2]), size_mm[:2].max() * 1.15)

    def write_captions(self, result: Any, index: int) -> None:
        """Write the scores and the colours' meaning into the views; they replace those of an earlier drawing."""
        from LungUNetSegSlicer.compare.display import DIFFERENCES
        from LungUNetSegSlicer.server import offscreen

        for view, actor in self._captions:
            view.renderer().RemoveViewProp(actor)
        prediction, reference, difference = self.slices
        *lungs, whole = result.comparison.regions
        colours = {segment.name: segment.colour for segment in LUNGS}
        lines = [(difference, each.name, each.colour) for each in DIFFERENCES]
        lines += [(prediction, f"{each.name}  {each.prediction_ml:.0f} ml", colours[each.name]) for each in lungs]
        lines += [(reference, f"{each.name}  {each.reference_ml:.0f} ml", colours[each.name]) for each in lungs]
        lines += [
            (difference, f"This slice  DSC {whole.dsc_by_slice[index]:.3f}", offscreen.WHITE),
            (self.surface, f"{whole.title}  DSC {whole.dsc:.3f}, HD95 {whole.hd95_mm:.1f} mm", offscreen.WHITE),
        ]
        rows = {view: [line for line in lines if line[0] is view] for view in self.all}
        self._captions = [
            (view, offscreen.write_text(view.renderer(), text, (0.04, 0.04 + 0.055 * line), colour))
            for view in self.all
            for line, (_, text, colour) in enumerate(reversed(rows[view]))
        ]


_views = cache(_Views)


def _scalar_bar() -> Any:
    """Return the legend of distances; in Slicer the module Colors draws it."""
    from vtk import vtkScalarBarActor

    from LungUNetSegSlicer.compare.display import DISTANCE_COLOURS
    from LungUNetSegSlicer.server import offscreen

    bar = vtkScalarBarActor()
    bar.SetLookupTable(DISTANCE_COLOURS.ramp())
    bar.SetTitle(DISTANCE_COLOURS.unit)
    bar.SetLabelFormat(DISTANCE_COLOURS.number_format)
    bar.SetNumberOfLabels(5)
    bar.SetPosition(0.87, 0.2)
    bar.SetWidth(0.12)
    bar.SetHeight(0.6)
    bar.SetUnconstrainedFontSize(True)
    for style in (bar.GetTitleTextProperty(), bar.GetLabelTextProperty()):
        style.SetFontSize(22)
        style.SetColor(*offscreen.WHITE)
        style.ItalicOff()
    return bar


def main(arguments: Sequence[str]) -> int:
    """Draw the sample; return the exit status."""
    core = server.start()
    # Only possible once Slicer's core has started.
    from LungUNetSegLib import sample
    from LungUNetSegLib.io import read_labels, read_scan
    from LungUNetSegSlicer.compare.comparison import compare_nodes
    from LungUNetSegSlicer.logic import LungLogic
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    volume_node = add_volume_node(read_scan(sample.fetch()).volume, sample.NAME)
    prediction, _result = LungLogic().segment(volume_node)
    reference = show_labels(read_labels(sample.MASK), LUNGS, volume_node)
    reference.SetName(f"{sample.NAME} reference")
    compared = compare_nodes(prediction, reference)
    compared.write_report(folder / REPORT, model="lungs")
    # The slice with most wrong voxels, as the one of the lowest DSC is a sliver of the lung base.
    wrong = compared.comparison.whole.wrong_by_slice
    render_comparison(core, compared, wrong.index(max(wrong)), folder / PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
