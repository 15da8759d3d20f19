"""Loading a scripted module with PythonQt's manners."""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

TRUE_PROPERTY = 0x02  # PySide6's number for the feature


def loadModule(path: Path, packages: tuple[str, ...] = ()) -> Any:
    """Import a scripted module's file.

    PySide6 keeps the feature ``true_property`` (``button.text = ...`` as in PythonQt) by the name
    of the module whose code runs, so it is turned on for the file and for the packages beside it.

    Args:
        path: of the module's .py file.
        packages: beside it, whose code uses Qt too.
    """
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    names = [path.stem]
    for package in packages:
        for file in (path.parent / package).rglob("*.py"):
            parts = file.relative_to(path.parent).with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    for name in names:
        dress(name)
    return importlib.import_module(path.stem)


def dress(name: str) -> None:
    """Let the code of a module use properties as in PythonQt: ``button.text = "Segment"``."""
    import shibokensupport.feature as feature

    _makeNoneImmortal()
    _letFeatureMeetTorch(feature)
    feature.set_selection(TRUE_PROPERTY, name)


def undress(name: str) -> None:
    """Let the code of a module use Qt as PySide6 has it, also where dressed code calls it."""
    import shibokensupport.feature as feature

    _letFeatureMeetTorch(feature)
    feature.set_selection(0, name)


def _letFeatureMeetTorch(feature: Any) -> None:
    """Switching a feature on looks into every loaded module, and torch has some that object."""
    look = feature._mod_uses_pyside
    if getattr(look, "isSafe", False):
        return

    def safe(module: Any) -> bool:
        try:
            return bool(look(module))
        except Exception:
            return False

    safe.isSafe = True  # type: ignore[attr-defined]
    feature._mod_uses_pyside = safe


@functools.cache
def _makeNoneImmortal() -> None:
    """PySide6's property setters give a reference to None away each time they are used.

    Before Python 3.12, where None is immortal, that ends the process after a few thousand times.
    """
    if sys.version_info < (3, 12):
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40
