"""Plain values, as YAML and the command line give them, checked against dataclasses.

The dataclass is the one statement: its fields are the entries, its type hints what they hold.
"""

from __future__ import annotations

import dataclasses
import reprlib
import types
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from masam_core.errors import ConfigError
from masam_core.image.intensity import IntensityConfig, IntensityPreset

# Written without the name of its only entry.
_UNNAMED: dict[Any, Any] = {IntensityConfig: dict[str, IntensityPreset]}


def check(
    kind: type,
    values: Mapping[str, Any],
    source: str,
    folder: Path | None = None,
    strict: bool = True,
) -> Any:
    """Check entries for a dataclass; what is left out stays left out.

    Args:
        kind: the dataclass.
        values: entries, nested as the dataclass is.
        source: where they were read, for messages.
        folder: relative paths start there; None leaves them as they are.
        strict: refuse entries that are not known; otherwise they are left out, as of a file that
            another program writes for itself, too.

    Returns:
        The entries as a dict with the types of the fields: numbers that were written as text are
        numbers, lists tuples, paths ``Path``; nested dataclasses are dicts.

    Raises:
        ConfigError: an unknown entry or a value of another type; names source and entry.
    """
    return _Check(kind, source, folder, strict).group(kind, values, "")


def merged_entries(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay entries over others: those above win, groups are merged entry by entry."""
    out = dict(below)
    for name, value in above.items():
        both = isinstance(out.get(name), dict) and isinstance(value, dict)
        out[name] = merged_entries(out[name], value) if both else value
    return out


def entries(kind: type, before: str = "") -> list[str]:
    """Every entry of a dataclass and of those in it, with dots between: ``model.image_size``."""
    found = []
    for name, hint in hints(kind).items():
        found.append(before + name)
        inner = _dataclass_in(hint)
        if inner is not None:
            found += entries(inner, f"{before}{name}.")
    return found


@lru_cache
def hints(kind: type) -> dict[str, Any]:
    """The type of each field of a dataclass."""
    every = get_type_hints(kind)
    return {field.name: every[field.name] for field in dataclasses.fields(kind)}


class _Check:
    def __init__(self, kind: type, source: str, folder: Path | None, strict: bool) -> None:
        self.kind, self.source, self.folder, self.strict = kind, source, folder, strict

    def group(self, kind: type, values: Mapping[str, Any], before: str) -> dict[str, Any]:
        known = hints(kind)
        out = {}
        for name, value in values.items():
            if name not in known:
                if self.strict:
                    raise ConfigError(self._unknown(f"{before}{name}", list(known)))
                continue
            out[name] = self.value(known[name], value, f"{before}{name}")
        return out

    def value(self, hint: Any, value: Any, name: str) -> Any:
        hint = _UNNAMED.get(hint, hint)
        origin, inner = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            if value is None and type(None) in inner:
                return None
            (hint,) = (kind for kind in inner if kind is not type(None))
            return self.value(hint, value, name)
        if dataclasses.is_dataclass(hint):
            if isinstance(value, hint):  # type: ignore[arg-type]
                return value
            return self.group(hint, self._mapping(value, name), f"{name}.")  # type: ignore[arg-type]
        if origin is dict:
            given = self._mapping(value, name)
            return {str(k): self.value(inner[1], v, f"{name}.{k}") for k, v in given.items()}
        if origin is tuple:
            return self._tuple(inner, value, name)
        if origin is Literal:  # which words there are, the dataclass itself says
            hint = str
        return self._plain(hint, value, name)

    def _mapping(self, value: Any, name: str) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self._wrong(name, value, "entries 'name: value'")
        return value

    def _tuple(self, inner: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
        some = len(inner) == 2 and inner[1] is Ellipsis
        if not isinstance(value, (list, tuple)) or not (some or len(value) == len(inner)):
            raise self._wrong(name, value, "a list" if some else f"a list of {len(inner)}")
        of = [inner[0]] * len(value) if some else inner
        return tuple(self.value(h, v, name) for h, v in zip(of, value, strict=True))

    def _plain(self, kind: Any, value: Any, name: str) -> Any:
        if kind is bool:
            if isinstance(value, bool):
                return value
            raise self._wrong(name, value, "true or false")
        if kind in (int, float):
            return self._number(kind, value, name)
        if kind is Path and isinstance(value, (str, Path)) and str(value):
            return Path(value) if self.folder is None else self.folder / value
        if kind is str and isinstance(value, str):
            return value
        raise self._wrong(name, value, "a path" if kind is Path else "text")

    def _number(self, kind: type, value: Any, name: str) -> int | float:
        """YAML takes 4e-4 for text, so text that is a number counts as one."""
        try:
            number = float(value) if not isinstance(value, bool) else float("nan")
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        whole = number.is_integer()
        if number - number != 0 or (kind is int and not whole):  # neither NaN nor infinite
            raise self._wrong(name, value, "a whole number" if kind is int else "a number")
        return int(number) if kind is int else number

    def _wrong(self, name: str, value: Any, expected: str) -> ConfigError:
        return ConfigError(f"{self.source}: {name} is {_short.repr(value)}; expected {expected}.")

    def _unknown(self, name: str, here: list[str]) -> str:
        """The message, with what may have been meant: here first, then in another group."""
        group, _, last = name.rpartition(".")
        known = [entry.rpartition(".") for entry in entries(self.kind)]
        alike = [f"{group}.{own}".lstrip(".") for own in get_close_matches(last, here, 3, 0.7)]
        if not alike:
            names = [own for place, _, own in known if place != group]
            close = get_close_matches(last, names, 3, 0.7)
            alike = [f"{place}.{own}".lstrip(".") for place, _, own in known if own in close]
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"known are {', '.join(here)}."
        return f"{self.source}: there is no entry '{name}'; {hint}"


# An alias of YAML, or another program's file, can stand for something of any length.
_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60


def _dataclass_in(hint: Any) -> type | None:
    """The dataclass that a hint holds, itself or None beside it."""
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in _UNNAMED:
            return kind
    return None
