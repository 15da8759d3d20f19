"""The header of a NRRD file: fields, key/value pairs, and where the voxels begin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from masam_core.image.formats.base import MOST_HEADER_LINES, damaged, printable

MOST_BYTES = 16 << 20  # a segment's tags may hold many prompts
_PART = 1 << 16
_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class Header:
    """A header.

    Attributes:
        fields: by name, in lower case and without blanks.
        keys: key/value pairs (``key:=value``), by key in lower case.
        end: bytes before the voxels; None where the file is a header alone.
    """

    fields: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    end: int | None = None


def read_header(file: BinaryIO, path: Path) -> Header:
    """Read the header at the beginning of an open file.

    Args:
        file: opened for bytes, at its first one.
        path: for messages.

    Raises:
        VolumeError: a header without end, too many lines, a line that is none.
    """
    head = bytearray()
    found: re.Match[bytes] | None = None
    while found is None and (part := file.read(_PART)):
        seen = max(0, len(head) - 3)  # an end may lie across two parts
        head += part
        found = _END.search(head, seen)
        if found is None and len(head) >= MOST_BYTES:
            raise damaged(path, f"its header has no end within {MOST_BYTES} bytes")
    end = found.end() if found else None
    text = bytes(head[: found.start()] if found else head).decode("utf-8", "replace")
    lines = [printable(line) for line in text.splitlines()]
    if len(lines) > MOST_HEADER_LINES:
        raise damaged(path, f"its header has {len(lines)} lines; {MOST_HEADER_LINES} at most")
    return _parsed(path, lines, end)


def _parsed(path: Path, lines: list[str], end: int | None) -> Header:
    header = Header(end=end)
    for line in lines[1:]:
        if not line.strip() or line.startswith("#"):
            continue
        key, mark, value = line.partition(":=")
        name, colon, words = line.partition(":")
        if mark and len(key) <= len(name):
            header.keys[key.strip().lower()] = value
        elif colon:
            name = re.sub(r"\s", "", name).lower()
            if name in header.fields:
                raise damaged(path, f"its field '{name[:40]}' is there twice")
            header.fields[name] = words.strip()
        else:
            raise damaged(path, f"its header has the line '{line[:60]}', expected 'field: value'")
    return header
