"""Libraries that are loaded when they are first used: a program that never does is smaller.

SimpleITK alone takes 90 MB of a process. It is imported from here where a front end that only
shows images comes by.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


class Late:
    """Stands for a module until something of it is asked for.

    Args:
        name: of the module.

    >>> Late("math").floor(2.5)
    2
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


if TYPE_CHECKING:
    import SimpleITK as sitk
else:
    sitk = Late("SimpleITK")

__all__ = ["Late", "sitk"]
