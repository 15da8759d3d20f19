"""The whole scene as one file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError


def saveScene(scene: Any, path: Path) -> None:
    """Write the scene as a Slicer bundle (.mrb): image, boxes and segments in place.

    Raises:
        SegmentationError: it can't be written; what was there before stays.
        OSError: the folder can't be written to.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        atomic_path(path) as temporary,
    ):
        url, root = scene.GetURL(), scene.GetRootDirectory()
        scene.SetRootDirectory(folder)
        try:
            if not scene.WriteToMRB(str(temporary)):
                raise SegmentationError(f"'{path.name}' was not written.")
        finally:
            scene.SetURL(url)
            scene.SetRootDirectory(root)
