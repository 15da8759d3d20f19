"""Reads the next case while the one before it is computed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from masam_core.batch.cases import BatchCase
from masam_core.volume import Volume, read_volume


class ReadAhead:
    """Volumes of cases, one of them read in advance; to be used in a ``with`` block.

    Reading, unpacking and hashing leave Python's lock alone most of the time, so that a thread of
    this process is enough.

    Args:
        read: reads an image file.
    """

    def __init__(self, read: Callable[[BatchCase], Volume] | None = None) -> None:
        self._read = read or read_case
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="masam-read")
        self._ahead: tuple[str, Future[Volume]] | None = None

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ahead = None
        self._pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, case: BatchCase) -> None:
        """Start to read a case; what was begun before and not taken is let go."""
        self._ahead = (case.name, self._pool.submit(self._read, case))

    def take(self, case: BatchCase) -> Volume:
        """The volume of a case, read by now or not.

        Raises:
            VolumeError: as ``read_volume``, in this case's turn and no other's.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == case.name:
            return ahead[1].result()
        return self._read(case)


def read_case(case: BatchCase) -> Volume:
    """A case's volume, with its hash, by which embeddings are kept."""
    volume = read_volume(case.image)
    _ = volume.content_hash
    return volume
