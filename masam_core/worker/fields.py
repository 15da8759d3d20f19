"""Reading the fields of a request, with errors that say what was expected."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from masam_core.worker.protocol import Message, ProtocolError

T = TypeVar("T")
_REQUIRED: Any = object()


def field(message: Message, name: str, kind: type[T], default: T = _REQUIRED) -> T:
    """A field of the given type; whole numbers count as floats.

    Raises:
        ProtocolError: missing, or of another type.
    """
    if name not in message:
        if default is _REQUIRED:
            raise ProtocolError(f"'{message['type']}' needs the field '{name}'.")
        return default
    value = message[name]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ProtocolError(
            f"'{message['type']}': '{name}' is {type(value).__name__}, expected {kind.__name__}."
        )
    return value


def optional_text(message: Message, name: str) -> str | None:
    """A field that is a text or None."""
    return None if message.get(name) is None else field(message, name, str)


def numbers(message: Message, name: str, count: int) -> NDArray[np.float64]:
    """A list of so many finite numbers.

    Raises:
        ProtocolError: anything else.
    """
    try:
        values = np.array(message.get(name), dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ProtocolError(f"'{message.get('type', 'a box')}': '{name}' must be {count} numbers.")
    return values


def shape_of(message: Message, name: str) -> tuple[int, int, int]:
    """Three positive whole numbers.

    Raises:
        ProtocolError: anything else.
    """
    values = message.get(name)
    good = isinstance(values, list) and len(values) == 3
    if not good or not all(isinstance(v, int) and v > 0 for v in values or []):
        raise ProtocolError(f"'{message['type']}': '{name}' must be three positive whole numbers.")
    k, j, i = values  # type: ignore[misc]
    return k, j, i
