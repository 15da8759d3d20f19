"""The real worker with a model that never looks at the image. Run as a process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.lesion.lesion import Lesion
from masam_core.model.abilities import Abilities
from masam_core.worker.models import LoadedModel, ModelHolder
from masam_core.worker.requests import Requests
from masam_core.worker.server import serve


class Filled(Ellipsoid):
    """The ellipsoid in the box, with what a worker says of a model."""

    config = SimpleNamespace(name="quick", backbone="none", threshold=0.5)
    device, precision = "cpu", "float32"
    abilities = Abilities(prompts=True, automatic=False, video=False, classes=())

    def segment(self, *given: Any, **more: Any) -> Lesion:
        """The ellipsoid, with a confidence as a model has one."""
        return replace(super().segment(*given, **more), confidence=0.5)

    def release_cache(self) -> None:
        """Nothing is kept."""


class QuickModels(ModelHolder):
    """Has a model from the beginning, and gives it whatever is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.load(None)

    def load(self, choice: Any) -> LoadedModel:
        """The one model."""
        made: Any = Filled()
        self.loaded = LoadedModel(choice, Path("quick"), (0, 0), "0" * 64, made)
        return self.loaded


if __name__ == "__main__":
    requests = Requests()
    requests.models = QuickModels()
    serve(requests)
