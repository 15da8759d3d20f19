"""What a night shift is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.watch.pauses import FIRST, MOST
from masam_core.watch.places import RESERVE_BYTES


def usual_folder() -> Path:
    """The folder that a night shift has where none is named."""
    return Path(platformdirs.user_data_dir("masam", False)) / "watch"


def own_worker() -> tuple[str, ...]:
    """The command of a worker on this machine: a crash there leaves the night shift alive."""
    return (sys.executable, "-m", "masam_core.worker")


@dataclass(frozen=True)
class WatchSpec:
    """How a night shift works.

    Attributes:
        work: folder for all that must outlive it.
        quiet_s: seconds without a new object after which a series counts as whole.
        keep_h: hours for which images stay that nobody has asked about, and measurements that
            could not be worked on.
        wait_h: hours for which a measurement waits for its images.
        tries: of a case that fails for another reason than its images or its measurement.
        first_pause_s, most_pause_s: before the next try; doubled from try to try.
        reserve_bytes: of the disk that are left free.
        segment: settings of the segmentation.
        model: model, device, precision.
        worker: command that starts the worker, word by word.

    Raises:
        ConfigError: a number that makes no sense.
    """

    work: Path
    quiet_s: float = 30.0
    keep_h: float = 72.0
    wait_h: float = 72.0
    tries: int = 5
    first_pause_s: float = FIRST
    most_pause_s: float = MOST
    reserve_bytes: int = RESERVE_BYTES
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    model: ModelChoice = field(default_factory=ModelChoice)
    worker: tuple[str, ...] = field(default_factory=own_worker)

    def __post_init__(self) -> None:
        for name in ("quiet_s", "keep_h", "wait_h", "tries", "first_pause_s", "most_pause_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name):g}; expected more than 0.")
        if self.reserve_bytes < 0:
            raise ConfigError("The room that is left free can't be less than none.")
