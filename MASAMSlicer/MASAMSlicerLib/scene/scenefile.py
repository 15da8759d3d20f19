"""The whole scene as one file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError


def saveScene(scene: Any, path: Path) -> None:
    """Write the scene as a Slicer bundle (.mrb): image, boxes and segments in place.

    Raises:
        SegmentationError: it can't be written; what was there before stays.
    """
    # Slicer calls the folder inside the bundle by the file's name: not by a temporary one's.
    with (
        atomic_path(path, SegmentationError) as temporary,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
    ):
        url, root = scene.GetURL(), scene.GetRootDirectory()
        written = Path(folder) / path.name
        try:
            if not scene.WriteToMRB(str(written)):
                raise RuntimeError("Slicer could not write the scene")
        finally:
            scene.SetURL(url)
            scene.SetRootDirectory(root)
        os.replace(written, temporary)
