"""The worker, but for the network: run by the tests as a process where no mask is asked for.

It measures, keeps volumes and answers as ever; what it does not do is load what would take seconds
of both cores beside a test that has no use for it.
"""

from __future__ import annotations

from typing import Any

from masam_core.errors import ConfigError
from masam_core.worker.requests import Requests
from masam_core.worker.server import serve

PROCESSOR = {"name": "cpu", "label": "CPU", "total_bytes": None, "free_bytes": None}


class WithoutModel(Requests):
    """Says that there is no model where one is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._known |= {"devices": lambda *_: {"devices": [PROCESSOR]}, "load_model": self._refuse}

    def _refuse(self, *_: Any) -> dict[str, Any]:
        raise ConfigError("This worker of the tests has no model.")


if __name__ == "__main__":
    serve(WithoutModel())
