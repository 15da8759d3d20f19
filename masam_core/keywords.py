"""Words that settings may be, as enumerations."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from masam_core.errors import ConfigError

K = TypeVar("K", bound="Keyword")


class Keyword(str, Enum):
    """One word out of a few: what settings, command line and files hold.

    A member is its word, so that it can be compared with it and written into JSON as it is.
    """

    __str__ = str.__str__  # in Python 3.10 and 3.11 a format shows Quality.FAST otherwise

    @classmethod
    def read(cls: type[K], value: object, name: str) -> K:
        """The member of a word.

        Args:
            value: a member, or its word.
            name: of the setting, for the message.

        Raises:
            ConfigError: anything else.
        """
        try:
            return cls(value)
        except ValueError as error:
            expected = ", ".join(cls.words())
            raise ConfigError(f"{name} is {value!r}; expected one of {expected}.") from error

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """Every word, in the order in which they are stated."""
        return tuple(member.value for member in cls)
