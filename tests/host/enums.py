"""Qt's enums as numbers, as PythonQt has them; PySide6 reads this when it is imported for the first time.

Stands for PythonQt's src/PythonQtClassInfo.cpp, whose enum values are a subclass of int.
"""

import sys

INHERIT_INT = 0x02
"""PySide's name is ENOPT_INHERIT_INT: IntEnum and IntFlag for all enums."""

assert "PySide6.QtCore" not in sys.modules, "PySide6 was imported before the host"
sys.pyside6_option_python_enum = INHERIT_INT  # type: ignore[attr-defined]
