"""The host behaves as PythonQt and Slicer do where PySide6 alone does not; the panel's tests rest on it."""

from __future__ import annotations

import enum
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from host import application


@pytest.fixture(scope="module", autouse=True)
def app():
    """The application, with an empty scene."""
    app = application.start()
    app.mrmlScene().Clear(0)
    return app


def test_the_panel_translates_though_a_server_ran_before_the_application():
    """A server has `slicer.i18n` too, and files that it imported keep what they took from there."""
    code = """
from host import application
application.ensure_display()
from LungUNetSegSlicer import server
core = server.start()
import LungUNetSegSlicer.panel.texts
from LungUNetSegSlicer.run.settings import Device
server.start = lambda: core
application.start()
from host.scripted_module import Translations
from LungUNetSegSlicer.panel.texts import segment_names
Translations.texts = {("panel.texts", "Right lung"): "Rechte Lunge", ("run.settings", "Automatic"): "Automatisch"}
assert segment_names()["right"] == "Rechte Lunge"
assert Device.AUTO.label() == "Automatisch"
"""
    paths = [Path(__file__).parents[1], Path(__file__).parents[2], Path(__file__).parents[2] / "LungUNetSeg"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_qt_property_is_an_attribute_and_no_method():
    import qt

    button = qt.QPushButton("Go")
    button.text, button.enabled = "Stop", False
    assert (button.text, button.enabled) == ("Stop", False)
    with pytest.raises(TypeError, match="not callable"):
        button.text()
    with pytest.raises(TypeError, match="not callable"):
        button.enabled()


def test_slots_stay_methods_and_name_is_the_object_name():
    import qt

    button = qt.QPushButton("Go")
    button.setText("Stop")
    button.name = "stopButton"
    assert (button.text, button.objectName) == ("Stop", "stopButton")


def test_an_overridden_virtual_getter_is_read_as_an_attribute():
    import qt

    bar = qt.QProgressBar()
    bar.maximum, bar.value, bar.format = 5, 2, "%v of %m"
    assert bar.text == "2 of 5"
    assert qt.QLabel("a").sizeHint.width() > 0


def test_a_new_attribute_or_a_wrong_value_is_refused():
    import qt

    bar = qt.QProgressBar()
    with pytest.raises(AttributeError, match="no new attributes"):
        bar.text2 = "a"
    with pytest.raises(AttributeError, match="is a method"):
        bar.setValue = 1
    with pytest.raises(AttributeError, match="does not accept"):
        bar.value = "a"


def test_single_shot_is_set_by_its_method_only():
    import qt

    timer = qt.QTimer()
    with pytest.raises(AttributeError):
        timer.singleShot = True
    timer.setSingleShot(True)
    assert timer.isSingleShot()


def test_a_timer_can_call_once_without_an_object(app):
    import qt

    calls = []
    for interval in (0, 5):
        qt.QTimer.singleShot(interval, lambda: calls.append(1))
    deadline = qt.QElapsedTimer()
    deadline.start()
    while len(calls) < 2 and deadline.elapsed() < 5000:
        app.processEvents()
    assert calls == [1, 1]


def test_a_signal_is_connected_by_its_signature_and_an_unknown_one_only_warns(caplog):
    import qt

    button, clicks = qt.QPushButton("Go"), []

    def note(checked):
        clicks.append(checked)

    assert button.connect("clicked(bool)", note)
    button.click()
    assert button.disconnect("clicked(bool)", note)
    button.click()
    assert clicks == [False]
    with caplog.at_level(logging.WARNING):
        assert not button.connect("clacked()", note)
    assert "no signal clacked()" in caplog.text


@pytest.mark.parametrize("name", ["QProcess", "QTimer", "QCheckBox", "QApplication"])
def test_signatures_work_on_every_class(name):
    import qt

    assert "connect" not in vars(getattr(qt, name))
    sender = getattr(qt, name).instance() if name == "QApplication" else getattr(qt, name)()
    assert sender.connect("destroyed()", lambda: None)


def test_a_derived_python_class_takes_attributes():
    import qt

    class Panel(qt.QWidget):
        def __init__(self):
            super().__init__()
            self.anything = 1

    assert Panel().anything == 1


def test_slicer_util_finds_the_widgets_of_a_ui_by_name(tmp_path):
    import slicer

    path = tmp_path / "a.ui"
    path.write_text(_UI, encoding="utf-8")
    widget = slicer.util.loadUI(str(path))
    widget.setMRMLScene(slicer.mrmlScene)
    ui = slicer.util.childWidgetVariables(widget)
    assert type(ui.volumeSelector) is slicer.qMRMLNodeComboBox
    assert ui.volumeSelector.enabled, "the connection in the .ui hands the scene on"
    assert ui.volumeSelector.nodeTypes == ["vtkMRMLScalarVolumeNode"]
    assert ui.section.collapsed and ui.section.text == "Inputs"


def test_a_node_selector_follows_the_scene():
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes, selector.noneEnabled, selector.showChildNodeTypes = ["vtkMRMLScalarVolumeNode"], True, False
    selector.setMRMLScene(slicer.mrmlScene)
    seen = []
    selector.currentNodeChanged.connect(lambda node: seen.append(node and node.GetName()))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert (selector.nodeCount(), selector.currentNode()) == (1, None)
    selector.setCurrentNode(node)
    assert selector.currentNodeID == node.GetID()
    slicer.mrmlScene.RemoveNode(node)
    assert selector.currentNode() is None
    assert seen == ["CT", None]


def test_settings_are_kept_in_the_scene_and_shown_in_widgets(tmp_path):
    import qt
    import slicer
    from slicer import vtkMRMLScalarVolumeNode
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    class Side(enum.Enum):
        LEFT = 1
        RIGHT = 2

        def label(self):
            return self.name.title()

    class Settings:
        volume: vtkMRMLScalarVolumeNode
        side: Side = Side.RIGHT
        show: bool = True
        file: Path

    # The annotations of a class in a function cannot be resolved from its module.
    Settings.__annotations__ = {"volume": vtkMRMLScalarVolumeNode, "side": Side, "show": bool, "file": Path}
    wrapped = parameterNodeWrapper(Settings)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "settings")
    settings = wrapped(node)
    box, check = qt.QComboBox(), qt.QCheckBox()
    box.setProperty("SlicerParameterName", "side")
    check.setProperty("SlicerParameterName", "show")
    tag = settings.connectGui(SimpleNamespace(box=box, check=check))
    assert (box.currentText, check.checked) == ("Right", True)
    box.setCurrentIndex(0)
    settings.show = False
    assert (node.GetParameter("side"), check.checked) == ("LEFT", False)
    with pytest.raises(TypeError, match="must be of type"):
        settings.side = "LEFT"
    settings.disconnectGui(tag)
    box.setCurrentIndex(1)
    assert wrapped(node).side is Side.LEFT, "another wrapper reads what this one wrote"


def test_a_modules_own_tests_run_when_it_does_not_choose():
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

    done = []

    class AModuleTest(ScriptedLoadableModuleTest):
        def setUp(self):
            done.append("setUp")

        def test_one(self):
            done.append("one")

        def test_two(self):
            done.append("two")

    AModuleTest().runTest()
    assert done == ["setUp", "one", "setUp", "two"]


_UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>A</class><widget class="qMRMLWidget" name="A"><layout class="QVBoxLayout" name="layout">
<item><widget class="ctkCollapsibleButton" name="section">
 <property name="text"><string>Inputs</string></property><property name="collapsed"><bool>true</bool></property>
 <layout class="QFormLayout" name="form"><item row="0" column="1">
 <widget class="qMRMLNodeComboBox" name="volumeSelector"><property name="nodeTypes">
 <stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property></widget></item></layout></widget></item>
</layout></widget>
<customwidgets>
<customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>a.h</header><container>1</container></customwidget>
<customwidget><class>ctkCollapsibleButton</class><extends>QWidget</extends><header>a.h</header><container>1</container></customwidget>
<customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends><header>a.h</header></customwidget>
</customwidgets>
<connections><connection><sender>A</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>volumeSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>
"""
