"""A batch in shards: each process works on its own part of the cases, in one folder of results.

Which shard a case is in is told by its name alone: by neither the order nor the number of the
others, so that a case stays in its shard whatever comes beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from masam_core.batch.case import BatchCase
from masam_core.batch.lock import FILE, FolderLock, holder
from masam_core.batch.names import file_key
from masam_core.errors import ConfigError

FOLDER = "shards"  # in the folder of the states, and in that of the logs
MOST = 10_000
_LOCK = ".lock"
_NAME = re.compile(r"(\d+)-of-(\d+)")
Case = TypeVar("Case", bound=BatchCase)


@dataclass(frozen=True)
class Shard:
    """One of several parts of a batch.

    Attributes:
        number: from 1 to ``count``.
        count: of the shards.

    Raises:
        ConfigError: there is no such part.

    >>> Shard.read("3/20").title
    '3-of-20'
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count <= MOST:
            raise ConfigError(
                f"The shard is {self.number}/{self.count}; expected i/n with i from 1 to n, and n "
                f"from 1 to {MOST}."
            )

    @classmethod
    def read(cls, words: str) -> Shard:
        """Read ``i/n``; ConfigError for anything else."""
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", words)
        if match is None:
            raise ConfigError(f"The shard is {words!r}; expected i/n, such as 3/20.")
        return cls(int(match[1]), int(match[2]))

    @property
    def title(self) -> str:
        """Its name in names of files."""
        return f"{self.number}-of-{self.count}"

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, cases: Sequence[Case]) -> list[Case]:
        """Its own cases."""
        return [case for case in cases if shard_of(case.name, self.count) == self.number]


def shard_of(name: str, count: int) -> int:
    """The number, from 1, of the shard that a case is in.

    SHA-256 of the name as :func:`file_key` has it (names that are one file somewhere are in one
    shard), its first eight bytes as a number, modulo ``count``.
    """
    digest = hashlib.sha256(file_key(name).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % count + 1


class ShardLock:
    """The right to work on a shard, held until it is released.

    Args:
        folder: of the states, which is there.
        shard: the part.

    Attributes:
        note: about a process that did not end by itself; or an empty text.

    Raises:
        ConfigError: somebody works on this shard, on the whole batch, or on shards of another
            number, which hold the same cases.
        OSError: the lock can't be made.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        (folder / FOLDER).mkdir(exist_ok=True)
        name = f"{FOLDER}/{shard.title}{_LOCK}"
        # The own one first, then those of others: of two that begin at once, one at least sees it.
        self._lock = FolderLock(folder, name, f"Another process is working on shard {shard}")
        self.note = self._lock.note
        try:
            if who := holder(folder / FILE):
                raise ConfigError(
                    f"A batch without shards is writing into {folder.parent} ({who}). Wait until "
                    "it has ended, or choose another folder for the results."
                )
            for path, other in _locks(folder):
                if other.count != shard.count and (who := holder(path)):
                    raise ConfigError(
                        f"Shard {other} is being worked on in {folder.parent} ({who}), which has "
                        f"cases of shard {shard}, too. Wait until all of its number have ended, or "
                        f"take {other.count} shards."
                    )
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let another process work on it; does nothing the second time."""
        self._lock.release()


def require_no_shards(folder: Path) -> None:
    """Refuse a folder of states in which a shard is being worked on; ConfigError."""
    for path, shard in _locks(folder):
        if who := holder(path):
            raise ConfigError(
                f"Shard {shard} of a batch is writing into {folder.parent} ({who}). Wait until all "
                "shards have ended, or choose another folder for the results."
            )


def _locks(folder: Path) -> list[tuple[Path, Shard]]:
    return [
        (path, Shard(int(match[1]), int(match[2])))
        for path in (folder / FOLDER).glob(f"*{_LOCK}")
        if (match := _NAME.fullmatch(path.stem))
    ]
