"""A session whose worker answers at once: boxes are filled, corrections are taken at their word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest


def answerAtOnce(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sessions need no process: each mask is the box's own voxels."""
    from MASAMSlicerLib.session import session as module

    from masam_core.worker.steps import Outcome

    def start(self: Any, steps: Any, done: Any, failed: Any, onEvent: Any) -> None:
        results = {job.key: answer(job) for jobs in steps for job in jobs}
        done(Outcome({"name": "all", "options": {}, "device": "cpu"}, 0.0, results))

    monkeypatch.setattr(module, "jobSteps", lambda groups, *_: groups)
    monkeypatch.setattr(module.Session, "_start", start)


def answer(job: Any) -> Any:
    """The lesion of a job: its box or what it stands on, and the voxels that were named.

    A box is made of a line or a click by 3 voxels to all sides; one that is extended grows by 2.
    """
    from masam_core.lesion.lesion import Lesion
    from masam_core.lesion.measure import Measurements
    from masam_core.prompts.boxes import BoxPrompt
    from masam_core.prompts.corrections import correction_voxels
    from masam_core.prompts.record import PromptRecord

    geometry, box = job.image.geometry, job.box
    if box is None:
        points = geometry.ijk_from_lps(job.record.first.points_lps)
        low, high = points.min(axis=0).round() - 3, points.max(axis=0).round() + 3
        box = BoxPrompt.from_voxels(*np.stack([low, high], axis=1).ravel())
    if job.extend:
        low, high = box.corners_ijk.min(axis=0), box.corners_ijk.max(axis=0) + 2
        box = BoxPrompt.from_voxels(*np.stack([low + 0.5, high - 0.5], axis=1).ravel())
    whole = np.zeros(geometry.shape, dtype=bool)
    if job.standing is not None:
        put(whole, job.standing.mask, job.standing.offset, True)
        record, more = job.standing.record, job.standing.more
    else:
        low = np.maximum(np.ceil(box.corners_ijk.min(axis=0) - 1e-3), 0).astype(int)
        high = np.floor(box.corners_ijk.max(axis=0) + 1e-3).astype(int) + 1
        whole[tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))] = 1
        record, more = PromptRecord(job.record.first), job.record.corrections
    if job.painted is not None:
        for value in (-1, 1):
            put(whole, job.painted.values == value, job.painted.offset_kji, value > 0)
    for correction in more:
        i, j, k = correction_voxels(correction, geometry).T
        whole[k, j, i] = correction.positive
    found = Lesion.from_mask(whole, job.image, box, job.record.name, 0.9)
    millilitres = float(whole.sum() * np.prod(geometry.spacing)) / 1000
    found.measurements = Measurements(voxels=int(whole.sum()), volume_ml=millilitres)
    found.prompts = record.with_corrections(*more)
    return found


def put(whole: np.ndarray, mask: np.ndarray, offset: Any, value: bool) -> None:
    """Set the voxels of a crop in the whole image."""
    part = whole[tuple(slice(o, o + n) for o, n in zip(offset, mask.shape, strict=True))]
    part[mask] = value


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
