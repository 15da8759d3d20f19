"""The image that is shown: what the page is told of it, and its file."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from MASAMSlicerLib.scene.volumes import frameOf, framesOf, geometryOf, intensityUnitOf, modalityOf
from MASAMSlicerLib.scene.windowlevel import presetsOf

from masam_core.image.geometry import Geometry
from masam_workbench.served.nifti import writeNifti

OBLIQUE = 1e-3  # share of a direction that lies off its axis
FOLDER = "images"


class Shown:
    """One image with its version; a new image is a new version.

    Args:
        folder: of the tab.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._node: Any = None
        self._version = ""
        self._facts: dict[str, Any] | None = None
        self._writing: asyncio.Task[Path] | None = None

    @property
    def facts(self) -> dict[str, Any] | None:
        """What the page is told; None where there is no image."""
        return self._facts

    def origin(self) -> dict[str, Any]:
        """``patient``, ``study``, ``series`` and ``date`` as the page is told."""
        return {name: (self._facts or _ORIGIN)[name] for name in _ORIGIN}

    def show(self, node: Any, origin: dict[str, Any] | None = None) -> None:
        """Take another volume node, or None.

        Args:
            node: vtkMRMLScalarVolumeNode.
            origin: ``patient``, ``study``, ``series`` and ``date`` as far as they are known.
        """
        self._remove()
        self._node, self._facts = node, None
        if node is None:
            return
        self._version = secrets.token_hex(8)
        self._facts = {**self._describe(node), **_ORIGIN, **(origin or {})}

    def showAnew(self) -> None:
        """The node shows another frame of the same image: another version, all else as it was."""
        if self._facts is not None:
            name = self._facts["name"]  # the sequence may name its frames
            self.show(self._node, self.origin())
            self._facts["name"] = name

    async def file(self, version: str) -> Path | None:
        """The image as a file, written when it is first asked for; None for another version."""
        if self._node is None or version != self._version:
            return None
        failed = self._writing
        if failed is not None and failed.done() and (failed.cancelled() or failed.exception()):
            self._writing = None  # e.g. the disk was full; it may have room by now
        if self._writing is None:
            array = slicer.util.arrayFromVolume(self._node)
            path = self._folder / f"{version}.nii.gz"
            self._folder.mkdir(exist_ok=True)
            writing = asyncio.to_thread(_write, path, array, geometryOf(self._node))
            self._writing = asyncio.get_running_loop().create_task(writing)
        return await asyncio.shield(self._writing)

    def _remove(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None and writing.done() and writing.exception() is None:
            writing.result().unlink(missing_ok=True)

    def _describe(self, node: Any) -> dict[str, Any]:
        geometry = geometryOf(node)
        presets = presetsOf(node)
        windows = [
            {"name": name, "window": float(window), "level": float(level)}
            for name, (window, level) in presets.items()
        ]
        return {
            "name": node.GetName(),
            "version": self._version,
            "url": f"image/{self._version}.nii.gz",
            "size": list(geometry.size_ijk),
            "spacing": [round(float(mm), 6) for mm in geometry.spacing],
            "modality": modalityOf(node) or "",
            "oblique": isOblique(geometry),
            "frames": max(1, len(framesOf(node))),
            "frame": frameOf(node),
            "unit": intensityUnitOf(node) or "",
            "windows": windows,
            "window": {"window": windows[0]["window"], "level": windows[0]["level"]},
        }


_ORIGIN: dict[str, Any] = {"patient": None, "study": None, "series": None, "date": ""}


def isOblique(geometry: Geometry) -> bool:
    """Whether the voxels' axes are not those of the patient."""
    directions = geometry.ijk_to_ras[:3, :3] / geometry.spacing
    return bool(np.sort(np.abs(directions), axis=0)[1].max() > OBLIQUE)


def _write(path: Path, array: np.ndarray, geometry: Geometry) -> Path:
    writeNifti(path, array, geometry)
    return path
