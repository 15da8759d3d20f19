"""The folder of a night shift, in which everything lies that must outlive it."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from masam_core.errors import WriteError
from masam_core.pacs.files import digest
from masam_core.targets import require_folder

MEASUREMENTS = "measurements.json"  # beside a case's results: the rows of its table
RESULTS = ("lesions.seg.dcm", "report.sr.dcm")
RESERVE_BYTES = 500 << 20


@dataclass(frozen=True)
class Places:
    """Folders and files of a night shift. Names are digests and say nothing of a patient.

    Attributes:
        work: the folder; the batch's states, logs and table lie in it, too.
        reserve_bytes: of its disk that are left free: nothing more is taken in then.
    """

    work: Path
    reserve_bytes: int = RESERVE_BYTES

    def make(self) -> None:
        """Make the folders, for their owner alone: they hold patients' images.

        Raises:
            WriteError: they can't be made or written to.
        """
        require_folder(self.work, WriteError)
        with contextlib.suppress(OSError):  # a drive without rights, or another owner's folder
            self.work.chmod(0o700)
        for folder in (self.incoming, self.fetching, self.outbox, self.sent, self.refused):
            require_folder(folder, WriteError)
        for folder in self.outbox.glob(".*"):  # results of a case that was killed
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def incoming(self) -> Path:
        """Objects that came, in a folder a series."""
        return self.work / "incoming"

    @property
    def fetching(self) -> Path:
        """Series that are fetched, or were and are not taken in yet, in a folder each."""
        return self.work / "fetching"

    @property
    def outbox(self) -> Path:
        """Results that wait for the PACS, in a folder a case."""
        return self.work / "outbox"

    @property
    def sent(self) -> Path:
        """Results that the PACS has."""
        return self.work / "sent"

    @property
    def refused(self) -> Path:
        """Results that the PACS does not take."""
        return self.work / "refused"

    def series(self, series: str) -> Path:
        """Folder of a series that came."""
        return self.incoming / digest(series)

    def is_full(self) -> bool:
        """Whether the disk has less room than is left free."""
        return shutil.disk_usage(self.work).free < self.reserve_bytes

    def has_results(self, case: str) -> bool:
        """Whether a case was segmented, whatever has become of its results since."""
        return any((folder / case).is_dir() for folder in (self.outbox, self.sent, self.refused))
