"""The panel's repairs: Segment Editor on our segments, measuring again, and help from scribbles."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
from slicer import vtkMRMLSegmentationNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import DataError, LungUNetSegError
from LungUNetSegLib.segmentation.correction import measure_correction
from LungUNetSegLib.segmentation.repair import fill_lung, move_to_other_lung, restore_network
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume, to_hu
from LungUNetSegSlicer.background import in_background
from LungUNetSegSlicer.panel.work import Work
from LungUNetSegSlicer.scene.kept_result import recall_network, remember_correction
from LungUNetSegSlicer.scene.lung_masks import ct_of, edit_state, lung_mask_steps, write_lung_masks
from LungUNetSegSlicer.scene.network_mask import network_mask
from LungUNetSegSlicer.scene.segment_editor import MODULE, remove_scribbles, scribbles_of, set_up_editor
from LungUNetSegSlicer.scene.volume_bridge import voxels

Repair = Callable[[Volume, Volume, npt.NDArray[np.bool_], Volume | None], Volume]
"""Returns new labels for (scan, labels, scribbles, the network's labels if they are known)."""


def measure_again_steps(segmentation: vtkMRMLSegmentationNode) -> Generator[None, None, dict[str, Any]]:
    """Measure a segmentation's lungs, as they are now, in steps, and keep the result with it.

    Raises:
        LungUNetSegError: Nothing can be measured; the message says why. The result that was kept stays.
    """
    result = recall_network(segmentation)
    if result is None:
        raise DataError(_("This segmentation was not made by LungUNetSeg."))
    volume = ct_of(segmentation)
    masks = yield from lung_mask_steps(segmentation, volume)
    array, network = voxels(volume), network_mask(segmentation)

    def measure() -> dict[str, Any]:
        scan = Volume(to_hu(array), masks.labels.geometry)
        original = None if network is None else network.labels()
        return measure_correction(result, scan, masks.labels, original, masks.kind, masks.findings)

    measured = yield from in_background(measure)
    _check_present(segmentation)
    remember_correction(segmentation, measured)
    return measured


def repair_steps(segmentation: vtkMRMLSegmentationNode, repair: Repair) -> Generator[None, None, float]:
    """Repair a segmentation's lungs at its scribbles, in steps; return how many ml were changed.

    Raises:
        LungUNetSegError: It cannot be done; the message says why. The segmentation stays as it is.
    """
    volume = ct_of(segmentation)
    masks = yield from lung_mask_steps(segmentation, volume)
    if masks.kind == "binary":
        raise DataError(_("Both lungs are one segment: only Segment Editor can repair it."))
    array, network = voxels(volume), network_mask(segmentation)
    scribbles = scribbles_of(segmentation, masks.labels.geometry)
    before = edit_state(segmentation)
    yield

    def work() -> tuple[Volume, float]:
        scan = Volume(to_hu(array), masks.labels.geometry)
        original = None if network is None else network.labels()
        labels = repair(scan, masks.labels, scribbles, original)
        changed = np.count_nonzero(labels.array != masks.labels.array)
        return labels, float(changed * labels.geometry.voxel_volume_ml)

    labels, changed_ml = yield from in_background(work)
    _check_present(segmentation)
    if edit_state(segmentation) != before:
        raise DataError(_("The segmentation was edited meanwhile, and nothing was repaired. Try again."))
    write_lung_masks(segmentation, replace(masks, labels=labels))
    remove_scribbles(segmentation)
    return changed_ml


def _check_present(segmentation: vtkMRMLSegmentationNode) -> None:
    if not slicer.mrmlScene.IsNodePresent(segmentation):
        raise DataError(_("The segmentation was removed meanwhile."))


def _restore(_scan: Volume, labels: Volume, scribbles: npt.NDArray[np.bool_], original: Volume | None) -> Volume:
    if original is None:
        raise DataError(_("The network's own mask was not kept with this segmentation. Segment the CT again."))
    return restore_network(labels, original, scribbles)


class RepairView:
    """The buttons that edit, repair and measure again.

    Args:
        ui: The panel's widgets.
        on_measured: Called when there is a new result.
    """

    def __init__(self, ui: Any, on_measured: Callable[[], None]) -> None:
        self._ui, self._on_measured = ui, on_measured
        self._segmentation: vtkMRMLSegmentationNode | None = None
        self._work = Work(self._end)
        ui.editButton.connect("clicked()", lambda: self._edit(scribble=False))
        ui.scribbleButton.connect("clicked()", lambda: self._edit(scribble=True))
        ui.measureAgainButton.connect("clicked()", self._measure)
        repairs: dict[Any, Repair] = {
            ui.fillRightButton: lambda scan, labels, marks, _original: fill_lung(scan, labels, marks, RIGHT_LUNG),
            ui.fillLeftButton: lambda scan, labels, marks, _original: fill_lung(scan, labels, marks, LEFT_LUNG),
            ui.otherLungButton: lambda scan, labels, marks, _original: move_to_other_lung(scan, labels, marks),
            ui.networkAgainButton: _restore,
        }
        for button, repair in repairs.items():
            button.connect("clicked()", lambda repair=repair: self._repair(repair))
        self._buttons = (ui.editButton, ui.scribbleButton, ui.measureAgainButton, *repairs)

    @property
    def running(self) -> bool:
        """Whether something is being repaired or measured."""
        return self._work.running

    def show(self, segmentation: vtkMRMLSegmentationNode | None) -> None:
        """Repair this segmentation from now on."""
        if segmentation is not self._segmentation:
            self._end("")
        self._segmentation = segmentation

    def _edit(self, *, scribble: bool) -> None:
        if self._segmentation is None:
            return
        try:
            set_up_editor(self._segmentation, ct_of(self._segmentation), scribble=scribble)
        except LungUNetSegError as error:
            self._say(str(error))
        else:
            self._say("")
            slicer.util.selectModule(MODULE)
            if scribble:
                slicer.modules.SegmentEditorWidget.editor.setActiveEffectByName("Paint")

    def _measure(self) -> None:
        if self._segmentation is not None:
            self._start(measure_again_steps(self._segmentation), self._show_measured)

    def _show_measured(self, result: dict[str, Any]) -> None:
        is_corrected = result["correction"] is not None
        self._end(
            _("Measured again. The methods sentence says what was corrected.")
            if is_corrected
            else _("The mask was not changed; the numbers are those of the network's result.")
        )
        self._on_measured()

    def _repair(self, repair: Repair) -> None:
        if self._segmentation is not None:
            self._start(repair_steps(self._segmentation, repair), self._show_repaired)

    def _show_repaired(self, changed_ml: float) -> None:
        self._end(_("{ml} ml were changed. Measure again for the new numbers.").format(ml=f"{changed_ml:.1f}"))

    def _start(self, steps: Generator[None, None, Any], on_end: Callable[[Any], None]) -> None:
        if self.running:
            return
        self._say("")
        for button in self._buttons:
            button.enabled = False
        self._work.start(steps, on_end)

    def _end(self, text: str) -> None:
        self._work.stop()
        for button in self._buttons:
            button.enabled = True
        self._say(text)

    def _say(self, text: str) -> None:
        self._ui.checkNoteLabel.text = text
        self._ui.checkNoteLabel.visible = bool(text)
