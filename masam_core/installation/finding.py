"""What one check has found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from masam_core.installation.private import private


class State(str, Enum):
    """How a check has ended."""

    OK = "ok"
    NOTE = "note"  # works, but something is worth knowing
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What one check has found.

    Attributes:
        title: one or two words, for example ``PyTorch``.
        state: how it has ended.
        words: what was found, in plain words.
        advice: what to do about it; empty where there is nothing to do.
    """

    title: str
    state: State
    words: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        """Texts only, for a message or JSON."""
        return {
            "title": self.title,
            "state": self.state.value,
            "words": self.words,
            "advice": self.advice,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Finding:
        """Read what :meth:`to_dict` has written.

        Raises:
            ValueError: another state.
            KeyError: a field is missing.
        """
        return cls(
            str(fields["title"]),
            State(fields["state"]),
            str(fields["words"]),
            str(fields.get("advice", "")),
        )

    def without_names(self) -> Finding:
        """Leave out the names of user and machine: see :func:`private`."""
        return replace(self, words=private(self.words), advice=private(self.advice))


def guarded(title: str, check: Callable[[], Finding]) -> Finding:
    """Run a check; one that fails itself is a finding too, and stops no other."""
    try:
        return check().without_names()
    except Exception as error:  # whatever it is: the report must come
        return Finding(
            title,
            State.PROBLEM,
            f"Could not be checked ({type(error).__name__}: {error}).",
            "Please report this, with the whole report.",
        ).without_names()
