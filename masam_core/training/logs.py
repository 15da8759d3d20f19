"""What a run writes down: CSV files, and TensorBoard where asked for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from masam_core.atomic import append_text, write_text
from masam_core.errors import ConfigError
from masam_core.scoring.evaluate import Score
from masam_core.spreadsheet import lines


class Logs:
    """``log.csv`` and ``validation.csv`` in a folder; they grow line by line and survive a kill.

    Args:
        folder: of the run.
        step: where the run begins; lines that it will write again are dropped.
        tensorboard: also write TensorBoard events.

    Raises:
        ConfigError: TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool = False) -> None:
        self._steps = _Table(folder / "log.csv", ("step", "lr", "loss", "dice", "seconds"), step)
        # Validation after step n is written as n.
        columns = ("step", "case", "dice", "ellipsoid")
        self._scores = _Table(folder / "validation.csv", columns, step + 1)
        self._board = _board(folder, step) if tensorboard else None

    def step(self, step: int, rate: float, loss: float, dice: float, seconds: float) -> None:
        """One optimiser step."""
        self._steps.add(step, f"{rate:.2e}", f"{loss:.4f}", f"{dice:.4f}", f"{seconds:.2f}")
        if self._board is not None:
            for name, value in (("lr", rate), ("loss", loss), ("dice", dice)):
                self._board.add_scalar(f"train/{name}", value, step)

    def scores(self, step: int, scores: list[Score]) -> None:
        """One validation."""
        for s in scores:
            name = s.case if s.lesion == 1 else f"{s.case} ({s.lesion})"
            self._scores.add(step, name, f"{s.dice:.4f}", f"{s.ellipsoid:.4f}")
            if self._board is not None:
                self._board.add_scalar(f"validation/{name}", s.dice, step)

    def close(self) -> None:
        """Write what TensorBoard still holds back."""
        if self._board is not None:
            self._board.close()


class _Table:
    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        self.path = path
        if not path.exists():
            self.add(*columns)
            return
        kept = []
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in list(csv.reader(file))[1:]:
                # A line that a power failure has cut off is dropped.
                if len(row) == len(columns) and row[0].isdecimal() and int(row[0]) < step:
                    kept.append(row)
        write_text(path, lines([columns, *kept]))

    def add(self, *values: object) -> None:
        append_text(self.path, lines([values]))


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise ConfigError("Logging to TensorBoard needs: pip install tensorboard") from error
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step)
