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

    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise ConfigError(f"{path} has more than {most_bytes >> 10} kB; it is no {kind}.")
        return yaml.safe_load(data.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from error
    # ValueError: no text, a date that is none, a number of thousands of digits.
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
