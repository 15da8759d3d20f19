"""How a measurement is stated, so that tables, files and front ends need not know which there are.

From this statement it lands in the JSON of ``masam segment``, in a worker's answer and a segment's
tags (by name), in the table of measurements (as columns) and, where wanted, in the lists of
lesions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from masam_core.lesion.measurements.region import Region

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """A column of the table of measurements.

    Attributes:
        name: heading, with the unit in it.
        cell: makes the cell of a value that is not None.
        text: whether cells are words; else numbers.
    """

    name: str
    cell: Callable[[Any], Cell]
    text: bool = False


@dataclass(frozen=True)
class Listed:
    """How a quantity is shown in a list of lesions.

    Attributes:
        title: before the unit.
        digits: decimals.
        beside: name of the quantity whose word stands behind the number; empty for none.
    """

    title: str
    digits: int
    beside: str = ""


@dataclass(frozen=True)
class Quantity:
    """One named result of a measurement.

    Attributes:
        name: in JSON, and as attribute of ``Measurements``; by habit with the unit at its end.
        unit: as written beside a number; empty where there is none.
        about: what it is, in a few words.
        empty: its value where the mask is empty.
        columns: of the table; None is one column with the quantity's name, () none at all.
        listed: shows it in the lists of lesions; None leaves it out.
    """

    name: str
    unit: str
    about: str
    empty: int | float | None = None
    columns: tuple[Column, ...] | None = None
    listed: Listed | None = None

    def table_columns(self) -> tuple[Column, ...]:
        """The columns of the table."""
        return (Column(self.name, _same),) if self.columns is None else self.columns

    def heading(self) -> str:
        """The heading of a list: title and unit."""
        title = self.listed.title if self.listed is not None else self.name
        return f"{title} {self.unit}".strip()

    def text(self, value: Any) -> str:
        """A value as a list shows it; empty where there is none, or nothing was found."""
        if self.listed is None or value is None or value == self.empty:
            return ""
        return f"{value:.{self.listed.digits}f}"

    def shown(self, found: Mapping[str, Any]) -> str:
        """What a list shows of a lesion's measurements, which are given by name."""
        text = self.text(found.get(self.name))
        beside = found.get(self.listed.beside) if text and self.listed is not None else None
        return f"{text} {beside}" if beside else text


@dataclass(frozen=True)
class Measurement:
    """Quantities that are computed together.

    Attributes:
        quantities: what it gives.
        compute: gives the value of each by name: a number, a tuple of numbers (nested, if need be)
            a word or None. The region says what there is; it reads the image only when asked for
            values.
    """

    quantities: tuple[Quantity, ...]
    compute: Callable[[Region], Mapping[str, Any]]


def _same(value: Any) -> Cell:
    cell: Cell = value
    return cell
