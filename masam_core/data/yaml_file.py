"""YAML files of others, read up to a stated size; what is none is told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError

MOST_BYTES = 64 << 10  # what reads YAML takes a second for some 100 kB


def read_yaml_file(path: Path, kind: str, most_bytes: int = MOST_BYTES) -> Any:
    """What a YAML file holds, in UTF-8, with a byte order mark or without.

    Args:
        path: of the file.
        kind: what it should be, in a sentence: ``a map``.
        most_bytes: a larger file is refused.

    Raises:
        ConfigError: it can't be read, is too large, or no YAML.
    """
    import yaml

    text = read_yaml_text(path, kind, most_bytes)
    try:
        return yaml.safe_load(text)
    # ValueError: a date that is none, a number of thousands of digits.
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error


def read_yaml_text(path: Path, kind: str, most_bytes: int = MOST_BYTES) -> str:
    """The text of a YAML file, without a byte order mark.

    Args:
        path, kind, most_bytes: see :func:`read_yaml_file`.

    Raises:
        ConfigError: it can't be read, is too large, or no text in UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path} can't be read: {reason}.") from error
    if len(data) > most_bytes:
        raise ConfigError(f"{path} has more than {most_bytes >> 10} kB; it is no {kind}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
