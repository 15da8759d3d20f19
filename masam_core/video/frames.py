"""FrameSequence: a video beside Volume: frames in their own colours, one after another in time."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.video.container import Reader
from masam_core.video.pictures import open_picture, rgb_of

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv")
KEPT = 16  # frames at hand: windows overlap

Frame = NDArray[np.uint8]


@dataclass(eq=False)
class FrameSequence:
    """Frames of one size, read one by one; RGB, no grey window.

    Attributes:
        names: of each frame, without ending; those of the files, or numbers.
        size: rows, columns.
        name: for users.
        source: folder or file.
        rate: frames a second, where it is known.
    """

    names: tuple[str, ...]
    size: tuple[int, int]
    name: str
    source: Path
    read: Callable[[int], Frame] = field(repr=False)
    rate: float | None = None
    _kept: OrderedDict[int, Frame] = field(default_factory=OrderedDict, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def frame(self, index: int) -> Frame:
        """One frame (rows, columns, 3), 0 to 255.

        Raises:
            VolumeError: damaged, or of another size than the first.
        """
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        frame = self.read(index)
        if frame.shape != (*self.size, 3):
            raise VolumeError(
                f"{self.source}: frame {self.names[index]} has {frame.shape[1]} x "
                f"{frame.shape[0]} pixels; the first one has {self.size[1]} x {self.size[0]}."
            )
        self._kept[index] = frame
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return frame

    def stack(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Frames as (n, 3, rows, columns)."""
        return np.stack([self.frame(int(i)).transpose(2, 0, 1) for i in indices])

    @property
    def geometry(self) -> Geometry:
        """A grid (frames, rows, columns) whose slices are square: frames are stretched to the
        network's square input, as in MA-SAM."""
        rows, columns = self.size
        return Geometry.from_spacing((len(self), rows, columns), (1.0, columns / rows, 1.0))


def is_video(path: Path) -> bool:
    """Whether a path is a folder of pictures, or a file that ends as videos do.

    A folder whose files are mostly something else, such as DICOM slices with a picture of them, is
    none.
    """
    if path.is_dir():
        files = [p for p in path.iterdir() if p.is_file() and p.name[0] != "."]
        pictures = sum(p.suffix.lower() in PICTURES for p in files)
        return 2 * pictures > len(files)
    return path.suffix.lower() in VIDEOS


def open_frames(path: Path | str) -> FrameSequence:
    """Open a folder of frames (in the order of their names, 2 before 10) or a video file.

    Raises:
        VolumeError: nothing there, no frames, or what can't be read.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise VolumeError(f"There is no video at {path}.")
    reader = Reader(path)
    rows, columns = reader.read(0).shape[:2]
    digits = max(3, len(str(reader.count - 1)))
    names = tuple(f"frame{n:0{digits}d}" for n in range(reader.count))
    return FrameSequence(names, (rows, columns), path.stem, path, reader.read, reader.rate)


def _of_folder(path: Path) -> FrameSequence:
    files = sorted(
        (p for p in path.iterdir() if p.suffix.lower() in PICTURES and p.name[0] != "."),
        key=lambda p: _natural(p.name),
    )
    if not files:
        raise VolumeError(f"{path} holds no pictures ({', '.join(PICTURES)}).")
    names = tuple(p.stem for p in files)
    if len(set(names)) < len(names):
        raise VolumeError(f"{path} holds a frame twice, in two kinds of files.")
    with open_picture(files[0]) as first:
        columns, rows = first.size
    return FrameSequence(names, (rows, columns), path.name, path, lambda i: rgb_of(files[i]))


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers in a name count as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
