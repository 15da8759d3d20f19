"""Folders of models that were converted for OpenVINO (``masam convert --to openvino``)."""

from __future__ import annotations

from pathlib import Path

DESCRIPTION = "model.json"  # holds the digests of the others, so that its own stands for all


def is_converted(path: Path) -> bool:
    """Whether a path is such a folder."""
    return (path / DESCRIPTION).is_file()
