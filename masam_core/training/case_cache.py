"""Prepared cases on disk, mapped into memory: a data set may be larger than the memory."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import atomic_path, write_text
from masam_core.data.cases import Case, Target
from masam_core.image.geometry import CanonicalFrame, Geometry
from masam_core.model.config import ModelConfig
from masam_core.training.prepared import PreparedCase, corners_of, prepare_background, prepare_case

FORMAT = 1  # raise it when preparation changes


class CaseCache:
    """Prepares cases once and keeps them as .npy files, one folder for each content and setting.

    Args:
        folder: where; made when needed. A broken-off entry is never taken for a whole one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def case(
        self,
        case: Case,
        config: ModelConfig,
        target: Target | None = None,
        nothing: bool = False,
    ) -> list[PreparedCase]:
        """Prepare a case as :func:`prepare_case` does."""
        files = [case.image, case.label]
        what = repr(target or Target()) + " or nothing" * nothing
        key = self._key(files, case.modality, config, what)
        return self._kept(key, case, lambda: prepare_case(case, config, target, nothing))

    def background(self, image: Path, config: ModelConfig) -> PreparedCase:
        """Prepare a background as :func:`prepare_background` does."""
        case = Case(image.name, image.name, "", "background", image, image)
        key = self._key([image], "", config, "background")
        return self._kept(key, case, lambda: [prepare_background(image, config)])[0]

    def _key(self, files: list[Path], modality: str, config: ModelConfig, what: str) -> str:
        parts: list[object] = [FORMAT, modality, what, config.num_classes, config.channels]
        parts.append(config.intensity.to_dict())
        for file in files:
            for one in sorted(file.iterdir()) if file.is_dir() else [file]:
                status = one.stat()
                parts += [str(one.resolve()), status.st_size, status.st_mtime_ns]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _kept(
        self, key: str, case: Case, prepare: Callable[[], list[PreparedCase]]
    ) -> list[PreparedCase]:
        entry = self.folder / key
        if not entry.is_dir():
            self._write(entry, prepare())
        slices = np.load(entry / "slices.npy", mmap_mode="r")
        frame = _frame_from_json((entry / "frame.json").read_text(encoding="utf-8"))
        found = []
        for path in sorted(entry.glob("mask*.npy")):
            mask = np.load(path, mmap_mode="r")
            found.append(PreparedCase(case, slices, mask, frame, corners_of(mask)))
        return found

    def _write(self, entry: Path, lesions: list[PreparedCase]) -> None:
        temporary = entry.with_name(f".{entry.name}.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        _save(temporary / "slices.npy", lesions[0].slices)
        for number, lesion in enumerate(lesions):
            _save(temporary / f"mask{number:05d}.npy", lesion.mask)
        write_text(temporary / "frame.json", _frame_to_json(lesions[0].frame))
        try:
            temporary.rename(entry)
        except OSError:  # another process was first, with the same content
            shutil.rmtree(temporary, ignore_errors=True)
            if not entry.is_dir():
                raise


def _save(path: Path, array: NDArray[Any]) -> None:
    with atomic_path(path) as file:
        np.save(file, array)


def _frame_to_json(frame: CanonicalFrame) -> str:
    geometry = frame.geometry
    return json.dumps(
        {
            "shape": list(geometry.shape),
            "ijk_to_lps": geometry.ijk_to_lps.tolist(),
            "axes": list(frame.axes),
            "flips": [bool(f) for f in frame.flips],
        }
    )


def _frame_from_json(text: str) -> CanonicalFrame:
    values = json.loads(text)
    geometry = Geometry(tuple(values["shape"]), np.array(values["ijk_to_lps"]))
    frame = geometry.canonical_frame()
    return replace(frame, axes=tuple(values["axes"]), flips=tuple(values["flips"]))
