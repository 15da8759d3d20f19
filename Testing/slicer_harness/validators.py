"""Validators of ``slicer.parameterNodeWrapper``: what a parameter may be set to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Validator:
    """Base class; ``validate`` raises ValueError."""

    def validate(self, value: Any) -> None:
        """Raise ValueError where the value is refused."""
        raise NotImplementedError


@dataclass(frozen=True)
class WithinRange(Validator):
    """A number from ``minimum`` to ``maximum``, ends included."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within [{self.minimum}, {self.maximum}]")


@dataclass(frozen=True)
class Minimum(Validator):
    """A number not below ``minimum``."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is below {self.minimum}")


@dataclass(frozen=True)
class Maximum(Validator):
    """A number not above ``maximum``."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is above {self.maximum}")


@dataclass(frozen=True)
class Choice(Validator):
    """One of ``choices``."""

    choices: Sequence[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


@dataclass(frozen=True)
class Default:
    """The value where none has been set, for parameters without ``= value``."""

    value: Any
