"""The module uses only what exists in Slicer 5.10 and later: each name of slicer, qt and ctk, and where it is defined.

No desktop Slicer runs here, so this table stands for it. Paths are in the repositories of Slicer (branch 5.10), CTK,
Qt 5.15 and VTK. A name that is not in the table must be looked up there before it is used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

MODULE = Path(__file__).resolve().parents[2] / "LungUNetSeg"
SERVERS = {MODULE / "LungUNetSegSlicer" / name for name in ("server", "web")}
"""Their files run where Slicer's core comes from PyPI, and never in the application."""

UTIL = "Slicer Base/Python/slicer/util.py"
SCENE = "Slicer Libs/MRML/Core/vtkMRMLScene.h"
SEGMENTATION_CORE = "Slicer Libs/vtkSegmentationCore"
CORE_APPLICATION = "Slicer Base/QTCore/qSlicerCoreApplication.h"
MODULE_BASES = "Slicer Base/Python/slicer/ScriptedLoadableModule.py"

DEFINED_IN = {
    "slicer.app": "Slicer Base/Python/slicer/slicerqt.py",
    "slicer.app.applicationLogic": CORE_APPLICATION,
    "slicer.app.clipboard": "Qt QGuiApplication::clipboard",
    "slicer.app.connect": "PythonQt src/PythonQtInstanceWrapper.cpp",
    "slicer.app.layoutManager": "Slicer Base/QTGUI/qSlicerApplication.h",
    "slicer.app.temporaryPath": f"{CORE_APPLICATION}, Q_PROPERTY",
    "slicer.app.testingEnabled": "Slicer Base/QTCore/qSlicerBaseQTCorePythonQtDecorators.h",
    "slicer.dicomDatabase": "Slicer Modules/Scripted/DICOM/DICOM.py; CTK Libs/DICOM/Core/ctkDICOMDatabase.h",
    "slicer.i18n.tr": "Slicer Base/Python/slicer/i18n.py",
    "slicer.i18n.translate": "Slicer Base/Python/slicer/i18n.py",
    "slicer.mrmlScene": SCENE,
    "slicer.mrmlScene.AddNewNodeByClass": SCENE,
    "slicer.mrmlScene.AddNode": SCENE,
    "slicer.mrmlScene.AddObserver": "VTK Common/Core/vtkObject.h",
    "slicer.mrmlScene.Clear": SCENE,
    "slicer.mrmlScene.EndCloseEvent": SCENE,
    "slicer.mrmlScene.EndImportEvent": SCENE,
    "slicer.mrmlScene.GenerateUniqueName": SCENE,
    "slicer.mrmlScene.GetCacheManager": SCENE,
    "slicer.mrmlScene.GetFirstNode": SCENE,
    "slicer.mrmlScene.GetFirstNodeByClass": SCENE,
    "slicer.mrmlScene.GetNodeByID": SCENE,
    "slicer.mrmlScene.GetSingletonNode": SCENE,
    "slicer.mrmlScene.IsNodePresent": SCENE,
    "slicer.mrmlScene.NodeAddedEvent": SCENE,
    "slicer.mrmlScene.RemoveNode": SCENE,
    "slicer.mrmlScene.RemoveObserver": "VTK Common/Core/vtkObject.h",
    "slicer.mrmlScene.StartCloseEvent": SCENE,
    "slicer.mrmlScene.StartImportEvent": SCENE,
    "slicer.modules.SegmentEditorWidget.editor.setActiveEffectByName": (
        "Slicer Modules/Scripted/SegmentEditor/SegmentEditor.py; qMRMLSegmentEditorWidget.h"
    ),
    "slicer.packaging.pip_ensure": "Slicer Base/Python/slicer/packaging.py, from 5.12; guarded by find_spec",
    "slicer.parameterNodeWrapper.parameterNodeWrapper": "Slicer Base/Python/slicer/parameterNodeWrapper/wrapper.py",
    "slicer.ScriptedLoadableModule.ScriptedLoadableModule": MODULE_BASES,
    "slicer.ScriptedLoadableModule.ScriptedLoadableModuleLogic": MODULE_BASES,
    "slicer.ScriptedLoadableModule.ScriptedLoadableModuleTest": MODULE_BASES,
    "slicer.ScriptedLoadableModule.ScriptedLoadableModuleWidget": MODULE_BASES,
    "slicer.util.arrayFromSegmentBinaryLabelmap": UTIL,
    "slicer.util.arrayFromVTKMatrix": UTIL,
    "slicer.util.childWidgetVariables": UTIL,
    "slicer.util.confirmOkCancelDisplay": UTIL,
    "slicer.util.getNodesByClass": UTIL,
    "slicer.util.loadUI": UTIL,
    "slicer.util.mainWindow": UTIL,
    "slicer.util.pip_install": UTIL,
    "slicer.util.selectModule": UTIL,
    "slicer.util.tryWithErrorDisplay": UTIL,
    "slicer.util.updateVolumeFromArray": UTIL,
    "slicer.util.vtkMatrixFromArray": UTIL,
    "slicer.util.VTKObservationMixin": UTIL,
    "slicer.util.WaitCursor": UTIL,
    "slicer.vtkMRMLCameraNode": "Slicer Libs/MRML/Core/vtkMRMLCameraNode.h",
    "slicer.vtkMRMLColorLegendDisplayNode": "Slicer Modules/Loadable/Colors/MRML/vtkMRMLColorLegendDisplayNode.h",
    "slicer.vtkMRMLLabelMapVolumeNode": "Slicer Libs/MRML/Core/vtkMRMLLabelMapVolumeNode.h",
    "slicer.vtkMRMLLayoutNode": "Slicer Libs/MRML/Core/vtkMRMLLayoutNode.h",
    "slicer.vtkMRMLNode": "Slicer Libs/MRML/Core/vtkMRMLNode.h",
    "slicer.vtkMRMLModelNode": "Slicer Libs/MRML/Core/vtkMRMLModelNode.h",
    "slicer.vtkMRMLPlotChartNode": "Slicer Libs/MRML/Core/vtkMRMLPlotChartNode.h",
    "slicer.vtkMRMLPlotSeriesNode": "Slicer Libs/MRML/Core/vtkMRMLPlotSeriesNode.h",
    "slicer.vtkMRMLProceduralColorNode": "Slicer Libs/MRML/Core/vtkMRMLProceduralColorNode.h",
    "slicer.vtkMRMLScalarVolumeNode": "Slicer Libs/MRML/Core/vtkMRMLScalarVolumeNode.h",
    "slicer.vtkMRMLScene": SCENE,
    "slicer.vtkMRMLSegmentationNode": "Slicer Libs/MRML/Core/vtkMRMLSegmentationNode.h",
    "slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere": "Slicer Libs/MRML/Core/vtkMRMLSegmentationNode.h",
    "slicer.vtkMRMLSegmentEditorNode": "Slicer Modules/Loadable/Segmentations/MRML/vtkMRMLSegmentEditorNode.h",
    "slicer.vtkMRMLSliceCompositeNode": "Slicer Libs/MRML/Core/vtkMRMLSliceCompositeNode.h",
    "slicer.vtkMRMLSliceLogic": "Slicer Libs/MRML/Logic/vtkMRMLSliceLogic.h",
    "slicer.vtkMRMLSliceNode": "Slicer Libs/MRML/Core/vtkMRMLSliceNode.h",
    "slicer.vtkMRMLSubjectHierarchyNode": "Slicer Libs/MRML/Core/vtkMRMLSubjectHierarchyNode.h",
    "slicer.vtkMRMLTableNode": "Slicer Libs/MRML/Core/vtkMRMLTableNode.h",
    "slicer.vtkMRMLTransformNode": "Slicer Libs/MRML/Core/vtkMRMLTransformNode.h",
    "slicer.vtkOrientedImageData": f"{SEGMENTATION_CORE}/vtkOrientedImageData.h",
    "slicer.vtkOrientedImageDataResample": f"{SEGMENTATION_CORE}/vtkOrientedImageDataResample.h",
    "slicer.vtkSegment": f"{SEGMENTATION_CORE}/vtkSegment.h",
    "slicer.vtkSegmentation": f"{SEGMENTATION_CORE}/vtkSegmentation.h",
    "slicer.vtkSegmentationConverter": f"{SEGMENTATION_CORE}/vtkSegmentationConverter.h",
    "qt.QDesktopServices.openUrl": "Qt QDesktopServices::openUrl",
    "qt.QEventLoop.ExcludeUserInputEvents": "Qt QEventLoop::ProcessEventsFlag",
    "qt.QFileDialog.getExistingDirectory": "Qt QFileDialog::getExistingDirectory",
    "qt.QFileDialog.getSaveFileName": "Qt QFileDialog::getSaveFileName; PythonQt returns the path alone",
    "qt.QHeaderView.ResizeToContents": "Qt QHeaderView::ResizeMode",
    "qt.QHeaderView.Stretch": "Qt QHeaderView::ResizeMode",
    "qt.QProcess": "Qt QProcess",
    "qt.QProcess.FailedToStart": "Qt QProcess::ProcessError",
    "qt.QProcess.NormalExit": "Qt QProcess::ExitStatus",
    "qt.QProcess.NotRunning": "Qt QProcess::ProcessState",
    "qt.QProcessEnvironment.systemEnvironment": "Qt QProcessEnvironment::systemEnvironment",
    "qt.Qt.AlignRight": "Qt Qt::AlignmentFlag",
    "qt.Qt.AlignVCenter": "Qt Qt::AlignmentFlag",
    "qt.QTableWidgetItem": "Qt QTableWidgetItem",
    "qt.QTimer": "Qt QTimer",
    "qt.QTimer.singleShot": "Qt QTimer::singleShot; PythonQt src/PythonQtStdDecorators.h",
    "qt.QUrl.fromLocalFile": "Qt QUrl::fromLocalFile",
}

WIDGET_PROPERTIES = {
    # CTK Libs/Widgets/ctkCollapsibleButton.h
    "ctkCollapsibleButton": {"collapsed", "text", "visible"},
    # CTK Libs/Widgets/ctkPathLineEdit.h
    "ctkPathLineEdit": {"nameFilters", "settingKey", "toolTip"},
    # Slicer Libs/MRML/Widgets/qMRMLNodeComboBox.h
    "qMRMLNodeComboBox": {
        "addEnabled", "nodeTypes", "noneDisplay", "noneEnabled", "removeEnabled", "renameEnabled", "showChildNodeTypes",
        "SlicerParameterName", "toolTip",
    },
    # Slicer Modules/Loadable/Segmentations/Widgets/qMRMLSegmentationShow3DButton.h
    "qMRMLSegmentationShow3DButton": {"sizePolicy", "toolTip"},
    # Slicer Libs/MRML/Widgets/qMRMLWidget.h
    "qMRMLWidget": set(),
}  # fmt: skip
"""The Q_PROPERTYs of the custom widgets that the `.ui` sets, and where they are declared."""


def names_used_in(path: Path) -> Iterator[str]:
    """Return the dotted names below slicer, qt and ctk in a Python file, each as long as it is written."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("slicer", "qt", "ctk"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and id(node) not in inner:
            name = _dotted(node)
            if name and name.split(".")[0] in ("slicer", "qt", "ctk"):
                yield name
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr":
            owner, attribute = node.args[:2]
            if getattr(owner, "id", "") in ("slicer", "qt", "ctk"):
                yield f"{owner.id}.{ast.literal_eval(attribute)}"  # type: ignore[attr-defined]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return node.id if isinstance(node, ast.Name) else ""


FILES = [path for path in sorted(MODULE.rglob("*.py")) if not SERVERS & set(path.parents)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_name_is_defined_in_slicer_5_10(path):
    unknown = {name for name in names_used_in(path) if name not in DEFINED_IN}
    assert not unknown, f"look these up in Slicer 5.10, then add them to the table: {unknown}"


def test_the_table_lists_nothing_that_is_not_used():
    used = {name for path in FILES for name in names_used_in(path)}
    assert set(DEFINED_IN) <= used


def test_the_ui_sets_only_properties_that_its_custom_widgets_have():
    root = ElementTree.parse(MODULE / "Resources" / "UI" / "LungUNetSeg.ui").getroot()
    for widget in root.iter("widget"):
        if widget.get("class") in WIDGET_PROPERTIES:
            properties = {each.get("name") for each in widget.findall("property")}
            assert properties <= WIDGET_PROPERTIES[widget.get("class")], widget.get("name")
