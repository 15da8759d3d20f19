"""JSON files of others, read up to a stated size; what is none is told in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from masam_core.errors import ConfigError, MasamError

MOST_BYTES = 64 << 20


def read_json(
    path: Path,
    kind: str,
    raises: type[MasamError] = ConfigError,
    most_bytes: int = MOST_BYTES,
) -> Any:
    """What a JSON file holds, in UTF-8, UTF-16 or UTF-32, with a byte order mark or without.

    Args:
        path: of the file.
        kind: what it should be, in a sentence: ``a case list``.
        raises: class of the error.
        most_bytes: more is not read.

    Raises:
        ConfigError (or ``raises``): it can't be read, is too large, no JSON, or nested without end.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise raises(f"{path} can't be read: {reason}.") from error
    if len(data) > most_bytes:
        raise raises(f"{path} is no {kind}: it has more than {most_bytes >> 20} MB.")
    try:
        return json.loads(data)
    # ValueError: no JSON, no text, or a number of thousands of digits.
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise raises(f"{path} is no {kind}: it can't be read as JSON{where}.") from error
