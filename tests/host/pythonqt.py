"""PySide6 made to behave as PythonQt does: the module `qt` of 3D Slicer.

Stands for PythonQt's src/PythonQtInstanceWrapper.cpp (attributes of an object), src/PythonQtClassInfo.cpp (what a class
has) and src/PythonQtSignal.cpp, and for CTK's Libs/Scripting/Python/Core/Python/qt/__init__.py.in, which gathers Qt's
classes in one module.

- A Qt property is an attribute: ``button.text = "Go"``; ``button.text()`` raises TypeError, for a str is no function.
- Slots stay methods: ``button.setText("Go")``.
- ``name`` is ``objectName``; QTimer's ``singleShot`` is no property, for it is a static method too.
- A new attribute on an object of a C++ class is refused, and so is a value that the property does not take.
- ``sender.connect("clicked(bool)", f)`` works beside ``sender.clicked.connect(f)``; a signal that does not exist
  gives a warning and False. The connection holds the slot, and lasts as long as the C++ object or until it is
  disconnected, whatever becomes of the wrapper that it was made on (PythonQt's src/PythonQtSignalReceiver.cpp, a child
  of the C++ object). The slot gets the arguments that the signature names: none for ``"clicked()"``.
- Values of Qt's enums are numbers (src/PythonQtClassInfo.cpp), and a property that is one takes a number.
- A property that Qt only reads cannot be set.

PySide's classes are changed for the whole process: who tests with this host writes Qt as Slicer's Python does.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

_READING: set[tuple[int, str]] = set()
"""Properties being read now, as (id of the object, name)."""

_RELAYS: dict[int, list[tuple[str, Callable[..., object], Callable[..., object]]]] = {}
"""Of each C++ object what its signals are connected to by signature, as (signature, slot, what calls the slot)."""


def make_qt_module() -> ModuleType:
    """Return the module `qt`, and give PySide's classes PythonQt's manners."""
    _keep_none_alive()
    qt = ModuleType("qt")
    for module in (QtCore, QtGui, QtWidgets):
        vars(qt).update({name: getattr(module, name) for name in dir(module) if name.startswith("Q")})
    for qt_class in _object_classes():
        _turn_properties_into_attributes(qt_class)
        qt_class.__setattr__ = _set_attribute
        if "__getattribute__" in vars(qt_class):
            qt_class.__getattribute__ = _attribute_getter(qt_class.__getattribute__)
    QtCore.QObject.name = QtCore.QObject.objectName
    for with_loop in (QtCore.QCoreApplication, QtCore.QEventLoop, QtWidgets.QDialog, QtWidgets.QMenu):
        with_loop.exec_ = with_loop.exec
    return qt


def _keep_none_alive() -> None:
    """Give None references to lose.

    From Python 3.12 on None cannot be freed; PySide 6.12 relies on that and gives back more references than it took
    (``QObject.property`` of an absent name does), which ends a Python 3.11 after some thousand calls.
    """
    if sys.version_info < (3, 12):
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40


def _object_classes() -> Iterator[type]:
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            candidate = getattr(module, name)
            if isinstance(candidate, type) and issubclass(candidate, QtCore.QObject):
                yield candidate


def _turn_properties_into_attributes(qt_class: type) -> None:
    meta = qt_class.staticMetaObject
    for index in range(meta.propertyCount()):
        name = meta.property(index).name()
        # A class that overrides the getter of an inherited property has it among its own attributes.
        own = index >= meta.propertyOffset() or name in vars(qt_class)
        if own and not isinstance(inspect.getattr_static(qt_class, name, None), staticmethod):
            setattr(qt_class, name, _property(name))


def _property(name: str) -> property:
    def read(self: QtCore.QObject) -> Any:
        key = (id(self), name)
        if key in _READING:
            # Qt asks PySide whether a Python class overrides this virtual getter, and PySide looks it up by name.
            return None
        _READING.add(key)
        try:
            return self.property(name)
        finally:
            _READING.discard(key)

    def write(self: QtCore.QObject, value: object) -> None:
        if not self.setProperty(name, value):
            raise AttributeError(f"Property {name!r} of {type(self).__name__} does not accept {value!r}")

    return property(read, write)


def _set_attribute(self: QtCore.QObject, name: str, value: object) -> None:
    known = inspect.getattr_static(type(self), name, None)
    if hasattr(known, "__set__"):
        known.__set__(self, value)
    elif isinstance(known, QtCore.Property):
        self.setProperty(name, value)
    elif name.startswith("_") or not _is_cpp_class(type(self)) or _is_pysides_own(value, name):
        vars(self)[name] = value
    else:
        reason = "is a method" if known else "does not exist, and C++ objects take no new attributes"
        raise AttributeError(f"{name!r} of {type(self).__name__} cannot be set: it {reason}")


def _is_pysides_own(value: object, name: str) -> bool:
    """Whether PySide itself sets this: a bound signal, or a child of a widget that its QUiLoader has loaded."""
    is_child = isinstance(value, QtCore.QObject) and value.objectName == name
    return is_child or isinstance(value, QtCore.SignalInstance)


def _is_cpp_class(qt_class: type) -> bool:
    """Whether the class is Qt's own, or a stand-in of this host for a C++ class of CTK or Slicer."""
    return qt_class.__module__.startswith(("PySide6", "host."))


def _attribute_getter(builtin: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def get(self: QtCore.QObject, name: str) -> Any:
        found = builtin(self, name)
        return _by_signature(self, name, found) if name in ("connect", "disconnect") else found

    return get


def _by_signature(sender: QtCore.QObject, method: str, pysides: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        # PySide itself connects with three arguments, in QTimer.singleShot.
        return _call_signal(sender, method, *arguments) if len(arguments) == 2 else pysides(*arguments)

    return call


def _call_signal(sender: QtCore.QObject, method: str, signature: str, slot: Callable[..., object]) -> bool:
    """Connect a slot to the signal that a signature such as ``"clicked(bool)"`` names, or disconnect it."""
    name, _, arguments = signature.rstrip(")").partition("(")
    signal = getattr(sender, name, None)
    if not isinstance(signal, QtCore.SignalInstance):
        logging.warning("PythonQt: %s has no signal %s", type(sender).__name__, signature)
        return False
    address = shiboken6.getCppPointer(sender)[0]
    if address not in _RELAYS:
        _RELAYS[address] = []
        sender.destroyed.connect(functools.partial(_RELAYS.pop, address, None))
    relays = _RELAYS[address]
    if method == "connect":
        relay = _relay(slot, arguments.count(",") + 1 if arguments else 0)
        relays.append((signature, slot, relay))
        return bool(signal.connect(relay))
    found = next((each for each in relays if each[:2] == (signature, slot)), None)
    if found is None:
        logging.warning("PythonQt: cannot disconnect %s of %s", signature, type(sender).__name__)
        return False
    relays.remove(found)
    return bool(signal.disconnect(found[2]))


def _relay(slot: Callable[..., object], count: int) -> Callable[..., object]:
    """Return what calls a slot with a signal's first arguments: as many as the signature names and the slot takes."""
    is_method = inspect.ismethod(slot)
    code = getattr(slot.__func__ if is_method else slot, "__code__", None)
    if code is not None and not code.co_flags & inspect.CO_VARARGS:
        count = min(count, code.co_argcount - is_method)
    # PySide counts the parameters to know what to hand over.
    return (lambda: slot(), lambda a: slot(a), lambda a, b: slot(a, b), lambda a, b, c: slot(a, b, c))[count]
