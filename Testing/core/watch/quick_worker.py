"""The real worker with a model that never looks at the image. Run as a process."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from masam_core.worker.models import LoadedModel, ModelHolder
from masam_core.worker.requests import Requests
from masam_core.worker.server import serve

from .making import Quick

PAUSE = "MASAM_TEST_PAUSE"  # seconds that each lesion takes


class Slow(Quick):
    """Takes a stated time."""

    def segment(self, *given: Any, **more: Any) -> Any:
        """As Quick, later."""
        time.sleep(float(os.environ.get(PAUSE, "0")))
        return super().segment(*given, **more)


class QuickModels(ModelHolder):
    """Has a model from the beginning, and gives it whatever is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.load(None)

    def load(self, choice: Any) -> LoadedModel:
        """The one model."""
        made: Any = Slow()
        self.loaded = LoadedModel(choice, Path("quick"), (0, 0), "0" * 64, made)
        return self.loaded


if __name__ == "__main__":
    requests = Requests()
    requests.models = QuickModels()
    serve(requests)
