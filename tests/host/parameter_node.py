"""A module's settings as typed attributes saved in the scene: slicer.parameterNodeWrapper.

Stands for Slicer's Base/Python/slicer/parameterNodeWrapper/: wrapper.py, serializers.py, validators.py and
guiConnectors.py, for the types and the widgets that the module uses. As there, values are kept as text (nodes as
references) under the parameter's name, a value of another type is refused, widgets are matched by their exact class,
and a widget that cannot show a type raises RuntimeError.
"""

from __future__ import annotations

import enum
import pathlib
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ctk
import qt
import slicer
import vtk


@dataclass(frozen=True)
class Choice:
    """The values that a parameter may have."""

    choices: tuple[Any, ...]

    def validate(self, value: object) -> None:
        """Raise ValueError for any other value."""
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be one of {self.choices}")


@dataclass(frozen=True)
class WithinRange:
    """The least and the greatest value of a number."""

    minimum: float
    maximum: float

    def validate(self, value: float) -> None:
        """Raise ValueError for a value outside."""
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within [{self.minimum}, {self.maximum}], is {value}")


class _Parameter:
    """One typed attribute of a wrapped class: how it is kept in a parameter node."""

    def __init__(self, name: str, hint: Any, defaults: dict[str, Any]) -> None:
        arguments = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
        self.name, self.type, self.validators = name, arguments[0], arguments[1:]
        self.is_node = isinstance(self.type, type) and issubclass(self.type, slicer.vtkMRMLNode)
        if not (self.is_node or self.type in (str, bool, int, float, pathlib.Path) or issubclass(self.type, enum.Enum)):
            raise TypeError(f"Unable to create serializer for member {name} of type {hint}")
        self.default = defaults.get(name, self._empty())

    def _empty(self) -> Any:
        if self.is_node:
            return None
        return next(iter(self.type)) if issubclass(self.type, enum.Enum) else self.type()

    def read(self, node: Any) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.type is bool:
            return text == "True"
        return self.type[text] if issubclass(self.type, enum.Enum) else self.type(text)

    def write(self, node: Any, value: Any) -> None:
        accepted = (int, float) if self.type is float else self.type
        if not (isinstance(value, accepted) or (self.is_node and value is None)):
            raise TypeError(f"{self.name} must be of type {self.type}, is {value!r}")
        for validator in self.validators:
            validator.validate(value)
        if self.is_node:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value else None)
        else:
            node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))


class _Wrapper:
    """What the decorator gives a class besides its typed attributes."""

    allParameters: dict[str, _Parameter]

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._guis: dict[int, tuple[int, list[_Connector]]] = {}
        self._updating_gui = False
        for name, parameter in self.allParameters.items():
            if not parameterNode.HasParameter(name):
                parameter.write(parameterNode, parameter.default)

    def getValue(self, name: str) -> Any:
        return self.allParameters[name].read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            self.allParameters[name].write(self.parameterNode, value)

    def connectGui(self, gui: Any) -> int:
        """Bind each widget with the property SlicerParameterName; return a tag for `disconnectGui`."""
        connectors = []
        for widget in vars(gui).values():
            name = widget.property("SlicerParameterName")
            if name:
                connectors.append(_Connector(widget, self.allParameters[name]))
        for connector in connectors:
            connector.write(self.getValue(connector.parameter.name))
            connector.on_changed(lambda connector=connector: self._from_gui(connector))
        tag = len(self._guis)
        self._guis[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._to_gui(tag)), connectors
        return tag

    def disconnectGui(self, tag: int) -> None:
        """Undo `connectGui`."""
        observer, connectors = self._guis.pop(tag)
        self.RemoveObserver(observer)
        for connector in connectors:
            connector.on_changed(None)

    def _from_gui(self, connector: _Connector) -> None:
        if not self._updating_gui:
            self.setValue(connector.parameter.name, connector.read())

    def _to_gui(self, tag: int) -> None:
        if self._updating_gui or tag not in self._guis:
            return
        self._updating_gui = True
        try:
            for connector in self._guis[tag][1]:
                connector.write(self.getValue(connector.parameter.name))
        finally:
            self._updating_gui = False

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> int:
        return int(self.parameterNode.StartModify())

    def EndModify(self, was_modified: int) -> None:
        self.parameterNode.EndModify(was_modified)

    def Modified(self) -> None:
        self.parameterNode.Modified()


class _Connector:
    """Between one widget and one parameter."""

    def __init__(self, widget: Any, parameter: _Parameter) -> None:
        self.widget, self.parameter = widget, parameter
        self._slot: Callable[..., None] | None = None
        self._choices: tuple[Any, ...] = ()
        kind = type(widget)
        if kind is qt.QComboBox:
            self._choices = self._fill(widget)
            self.signal, self.read, self.write = widget.currentIndexChanged, self._chosen, self._choose
        elif kind is slicer.qMRMLNodeComboBox and parameter.is_node:
            widget.nodeTypes = (parameter.type().GetClassName(),)
            self.signal, self.read, self.write = widget.currentNodeChanged, widget.currentNode, widget.setCurrentNode
        elif kind is qt.QCheckBox and parameter.type is bool:
            self.signal, self.read, self.write = widget.toggled, self._getter("checked"), widget.setChecked
        elif kind is qt.QLineEdit and parameter.type is str:
            self.signal, self.read, self.write = widget.textChanged, self._getter("text"), self._type_text
        elif kind is ctk.ctkPathLineEdit and parameter.type is pathlib.Path:
            self.signal, self.write = widget.currentPathChanged, lambda path: widget.setCurrentPath(str(path))
            self.read = lambda: pathlib.Path(widget.currentPath)
        else:
            raise RuntimeError(f"Unable to create GUI connector from {parameter.type} to {kind}")

    def on_changed(self, callback: Callable[[], None] | None) -> None:
        if self._slot is not None:
            self.signal.disconnect(self._slot)
        self._slot = callback and (lambda *_: callback())
        if self._slot is not None:
            self.signal.connect(self._slot)

    def _getter(self, name: str) -> Callable[[], Any]:
        return lambda: getattr(self.widget, name)

    def _fill(self, box: Any) -> tuple[Any, ...]:
        choices = next((each.choices for each in self.parameter.validators if isinstance(each, Choice)), None)
        if choices is not None:
            labels = [str(each) for each in choices]
        elif issubclass(self.parameter.type, enum.Enum):
            choices = tuple(self.parameter.type)
            labels = [each.label() if hasattr(each, "label") else each.name for each in choices]
        else:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        box.clear()
        for label in labels:
            box.addItem(label)
        return tuple(choices)

    def _chosen(self) -> Any:
        return self._choices[self.widget.currentIndex]

    def _choose(self, value: Any) -> None:
        self.widget.setCurrentIndex(self._choices.index(value))

    def _type_text(self, text: str) -> None:
        if text != self.widget.text:
            self.widget.setText(text)


def parameterNodeWrapper(wrapped: type) -> type:
    """Return the class with its annotated attributes kept in a parameter node."""
    hints = typing.get_type_hints(wrapped, include_extras=True)
    parameters = {name: _Parameter(name, hint, vars(wrapped)) for name, hint in hints.items()}
    members: dict[str, Any] = {name: _attribute(name) for name in parameters}
    members |= {"allParameters": parameters, "__doc__": wrapped.__doc__, "__module__": wrapped.__module__}
    own = {name: value for name, value in vars(wrapped).items() if callable(value)}
    return type(wrapped.__name__, (_Wrapper,), own | members)


def _attribute(name: str) -> property:
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))
