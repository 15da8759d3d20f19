"""Expert labels of a video: a folder with an indexed picture a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.video.frames import FrameSequence, open_frames
from masam_core.video.pictures import class_numbers


@dataclass(frozen=True, eq=False)
class LabelFrames:
    """Class numbers of each frame: ``files`` in the frames' order, ``source`` for messages."""

    files: tuple[Path, ...]
    source: Path

    def __len__(self) -> int:
        return len(self.files)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the frames."""
        return tuple(file.stem for file in self.files)

    def classes(self, index: int) -> NDArray[np.uint8]:
        """Class of each pixel (rows, columns); VolumeError for a picture in colours."""
        return class_numbers(self.files[index])


def open_label_frames(path: Path) -> LabelFrames:
    """Open a folder of indexed or grey pictures, in the frames' order.

    Raises:
        VolumeError: no folder, or no pictures in it.
    """
    if not path.is_dir():
        raise VolumeError(f"{path} is no folder of label pictures.")
    known = {f.stem: f for f in path.iterdir() if f.name[0] != "."}
    return LabelFrames(tuple(known[name] for name in open_frames(path).names), path)


def require_same_frames(frames: FrameSequence, labels: LabelFrames) -> None:
    """Check that each frame has its label and each label its frame, of one size.

    Raises:
        VolumeError: names the first frame that differs.
    """
    lacking = set(frames.names) ^ set(labels.names)
    if frames.source.is_file():
        lacking = set() if len(frames) == len(labels) else {f"number {len(labels)}"}
    if lacking:
        raise VolumeError(
            f"{frames.source} has {len(frames)} frames and {labels.source} {len(labels)} label "
            f"pictures: frame {min(lacking)} has no counterpart."
        )
    rows, columns = labels.classes(0).shape
    if (rows, columns) != frames.size:
        raise VolumeError(
            f"{labels.source}: labels have {columns} x {rows} pixels, frames "
            f"{frames.size[1]} x {frames.size[0]}."
        )
