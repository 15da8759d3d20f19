"""Which model a worker is asked for; the same on both sides of the pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelChoice:
    """Which model, where it computes, and how much memory its embeddings may take.

    Two equal choices mean one load. The defaults of every front end are those stated here.
    """

    model: str = "bundled"
    base: str | None = None
    device: str = "auto"
    precision: str = "auto"
    cache_bytes: int = 1 << 30

    def fields(self) -> dict[str, Any]:
        """Fields of a ``load_model`` request."""
        return dict(vars(self))
