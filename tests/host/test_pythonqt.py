"""PythonQt's connections, enums and properties, where PySide6 has other manners; pythonqt.py names the sources."""

from __future__ import annotations

import gc

import pytest
from host import application


@pytest.fixture(scope="module", autouse=True)
def app():
    """The application, with an empty scene."""
    return application.start()


def test_a_connection_outlives_the_wrapper_it_was_made_on_and_holds_its_slot():
    """It ends with the C++ object, or when an equal slot is disconnected through any wrapper."""
    import qt

    class Listener:
        def __init__(self, heard):
            self.heard = heard

        def hear(self):
            self.heard.append(1)

    heard, form = [], qt.QWidget()
    qt.QPushButton("Go", form).connect("clicked()", Listener(heard).hear)
    gc.collect()
    form.findChild(qt.QPushButton).click()
    assert heard == [1]
    kept = Listener(heard)
    form.findChild(qt.QPushButton).connect("clicked()", kept.hear)
    assert form.findChild(qt.QPushButton).disconnect("clicked()", kept.hear)
    form.findChild(qt.QPushButton).click()
    assert heard == [1, 1]


@pytest.mark.parametrize(("signature", "arguments"), [("clicked()", []), ("clicked(bool)", [False])])
def test_a_slot_gets_what_the_signature_names(signature, arguments):
    import qt

    button, calls = qt.QPushButton("Go"), []
    button.connect(signature, lambda *values: calls.append(list(values)))
    button.click()
    assert calls == [arguments]


def test_enums_are_numbers_and_a_property_takes_them():
    import qt

    assert qt.QProcess.FailedToStart == 0 and qt.Qt.AlignRight | qt.Qt.AlignVCenter == 130
    label = qt.QLabel()
    label.textFormat = 0
    assert label.textFormat == qt.Qt.PlainText


def test_a_property_that_is_only_read_is_not_set():
    import qt

    with pytest.raises(AttributeError, match=r"isActiveWindow|does not accept"):
        qt.QLabel().isActiveWindow = True
    with pytest.raises(AttributeError):
        qt.QTimer().active = True
