"""Runs of whole volumes whose worker is the test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SHA = "a" * 64


class Held:
    """A session whose worker answers when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scene: Any) -> None:
        from MASAMSlicerLib.session import session as module

        held = self

        class Asked:
            finished = False

            def cancel(self) -> None:
                from masam_core.errors import Cancelled

                if not self.finished:
                    self.finished = True
                    held.failed(Cancelled("stopped"))

        def start(session: Any, steps: Any, done: Any, failed: Any, onEvent: Any) -> None:
            held.asked = session._task = Asked()
            held.steps, held.done, held.failed, held.onEvent = steps, done, failed, onEvent

        monkeypatch.setattr(module.Session, "_start", start)
        self.asked: Any = None
        self.session = module.Session(scene, lambda: None)  # type: ignore[arg-type, return-value]

    def answer(self, outcome: Any) -> None:
        self.asked.finished = True
        self.done(outcome)

    def fail(self, error: Exception) -> None:
        self.asked.finished = True
        self.failed(error)


def outcome(
    masks: dict[str, Any], sha: str = SHA, notes: dict[str, tuple[str, ...]] | None = None
) -> Any:
    """What a worker answers: by each class's name its mask on the whole volume (bool KJI), and its
    notes; with any, the confidence is not known."""
    from masam_core.lesion.crops import tight_slices
    from masam_core.lesion.measure import Measurements
    from masam_core.lesion.organs import term_of
    from masam_core.worker.automatic import FoundClass, WholeOutcome

    classes = []
    for name, mask in masks.items():
        where = tight_slices(mask) or (slice(0, 1),) * 3
        own = np.ascontiguousarray(mask[where])
        offset = (where[0].start, where[1].start, where[2].start)
        figures = Measurements(voxels=int(own.sum()))
        own_notes = (notes or {}).get(name, ())
        sure = float("nan") if own_notes else 0.8
        classes.append(FoundClass(term_of(name), own, offset, sure, own_notes, figures))
    model = {"name": "Organs", "sha256": sha, "device": "cpu"}
    return WholeOutcome(model, 1.0, tuple(classes))


def segmentAll(held: Held, volume: Any, answer: Any, **more: Any) -> Any:
    """Run, answer, and give the report back."""
    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions

    reports: list[Any] = []

    def failed(error: Exception) -> None:
        raise error

    held.session.segmentAll(
        volume, ModelChoice("organs"), SegmentOptions(), lambda *_: None, reports.append, failed,
        **more,
    )  # fmt: skip
    held.answer(answer)
    return reports[0]
