"""A session whose worker answers at once: every box is filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest


def answerAtOnce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sessions need no process: each mask is the box's own voxels."""
    from MASAMSlicerLib.session import session as module

    from masam_core.lesion.lesion import Lesion
    from masam_core.lesion.measure import Measurements
    from masam_core.prompts.record import PromptRecord
    from masam_core.worker.steps import Outcome

    def start(self: Any, steps: Any, done: Any, failed: Any, onEvent: Any) -> None:
        results = {}
        for job in (job for jobs in steps for job in jobs):
            low = np.maximum(np.ceil(job.box.corners_ijk.min(axis=0) - 1e-3), 0).astype(int)
            size = np.array(job.image.geometry.size_ijk) - 1
            high = np.minimum(np.floor(job.box.corners_ijk.max(axis=0) + 1e-3), size)
            shape = (high.astype(int) + 1 - low)[::-1]
            mask = np.ones([int(n) for n in shape], dtype=bool)
            k, j, i = (int(n) for n in low[::-1])
            millilitres = float(mask.sum() * np.prod(job.image.geometry.spacing)) / 1000
            values = {"voxels": int(mask.sum()), "volume_ml": millilitres}
            results[job.key] = Lesion(
                name=job.box.name,
                mask=mask,
                offset_kji=(k, j, i),
                probability=None,
                confidence=0.9,
                box=job.box,
                geometry=job.image.geometry,
                measurements=Measurements(**values),
                prompts=PromptRecord(job.box),
            )
        done(Outcome({"name": "all", "options": {}, "device": "cpu"}, 0.0, results))

    monkeypatch.setattr(module, "jobSteps", lambda groups, *_: groups)
    monkeypatch.setattr(module.Session, "_start", start)


def answering(monkeypatch: pytest.MonkeyPatch, scene: Any) -> Any:
    """A session of a scene that answers at once."""
    from MASAMSlicerLib.session.session import Session

    answerAtOnce(monkeypatch)
    return Session(scene, lambda: None)  # type: ignore[arg-type, return-value]


def segment(session: Any, ids: Sequence[str], chosen: Any = None) -> Any:
    """Segment and return the report."""
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice

    reports: list[Any] = []

    def failed(error: Exception) -> None:
        raise error

    session.segment(
        ids, ModelChoice(), SegmentOptions(), lambda *_: None, reports.append, failed, chosen
    )
    return reports[0]


def boxIn(make: Any, volume: Any, name: str, low: float = 2.5, high: float = 7.5) -> Any:
    """A ROI from one continuous index to another along each axis of a volume."""
    from MASAMSlicerLib.scene.prompts import alignRoi

    roi = make.roi(np.eye(4), (1.0, 1.0, 1.0), name)
    roi.CreateDefaultDisplayNodes()
    alignRoi(roi, volume, np.full(3, low), np.full(3, high))
    return roi
