"""Video files, by PyAV (FFmpeg): read forward, written frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import atomic_path
from masam_core.errors import SegmentationError, VolumeError

DEFAULT_RATE = 25.0
CODECS = ("libx264", "mpeg4")  # the first that this build of FFmpeg can write


class Reader:
    """Frames of a video file in order; going back begins anew.

    Args:
        path: of the file.

    Raises:
        VolumeError: no video, no frames, or the package that reads it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._next = path, 0
        self._frames: Iterator[NDArray[np.uint8]] = iter(())
        av = _av(VolumeError)
        try:
            with av.open(str(path)) as file:
                if not file.streams.video:
                    raise VolumeError(f"{path} holds no video.")
                stream = file.streams.video[0]
                rate = stream.average_rate or stream.guessed_rate
                self.rate = float(rate) if rate else None
                # Counted by its packets: what a header says of its length may be wrong.
                self.count = sum(1 for packet in file.demux(stream) if packet.size)
        except av.FFmpegError as error:
            raise VolumeError(f"{path} can't be read as a video: {error.strerror}.") from error
        if not self.count:
            raise VolumeError(f"{path} holds no frames.")
        self._frames = self._decode()

    def read(self, index: int) -> NDArray[np.uint8]:
        """One frame (rows, columns, 3)."""
        if index < self._next:
            self._frames, self._next = self._decode(), 0
        frame = None
        while self._next <= index:
            frame = next(self._frames, None)
            if frame is None:
                raise VolumeError(
                    f"{self.path} ends after {self._next} of {self.count} frames; it is damaged or "
                    "incomplete."
                )
            self._next += 1
        assert frame is not None
        return frame

    def _decode(self) -> Iterator[NDArray[np.uint8]]:
        av = _av(VolumeError)
        try:
            with av.open(str(self.path)) as file:
                for frame in file.decode(video=0):
                    yield frame.to_ndarray(format="rgb24")
        except av.FFmpegError as error:
            raise VolumeError(f"{self.path} is damaged: {error.strerror}.") from error


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], rate: float | None = None) -> None:
    """Write frames as a video (H.264, or MPEG-4 where FFmpeg has no encoder for it).

    Args:
        path: ``.mp4``.
        frames: (rows, columns, 3) uint8, all of one size; odd sides lose a pixel, as the codec
            wants even ones.
        rate: frames a second.

    Raises:
        SegmentationError: no frames, a failing encoder, or a file that can't be written.
    """
    av = _av(SegmentationError)
    speed = Fraction(rate or DEFAULT_RATE).limit_denominator(1001)
    with atomic_path(path, SegmentationError) as temporary:
        try:
            with av.open(str(temporary), "w", format="mp4") as file:
                stream: Any = None
                for values in frames:
                    rows, columns = (n - n % 2 for n in values.shape[:2])
                    if stream is None:
                        stream = file.add_stream(_codec(av), rate=speed)
                        stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
                    even = np.ascontiguousarray(values[:rows, :columns])
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
                if stream is None:
                    raise SegmentationError(f"{path} was not written: there are no frames.")
                file.mux(stream.encode())
        except av.FFmpegError as error:
            raise SegmentationError(f"{path} was not written: {error.strerror}.") from error


def _codec(av: Any) -> str:
    return next(name for name in CODECS if name in av.codecs_available)


def _av(raises: type[VolumeError] | type[SegmentationError]) -> Any:
    try:
        import av
    except ModuleNotFoundError as error:
        raise raises("Video files need the package 'av': pip install 'masam[video]'") from error
    return av
