"""Corrections with the model itself: a real tumour, and a worker in a process of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from masam_core.inference.options import SegmentOptions


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


@pytest.fixture(scope="module")
def blocking(harness: Any) -> Any:
    """Sessions that wait for their worker."""
    from MASAMSlicerLib import blocking

    return blocking


def test_two_clicks_put_a_wrong_mask_right_and_hand_work_stays(
    case: Any, scene: Any, blocking: Any
) -> None:
    from MASAMSlicerLib.scene.promptnodes import Prompt, writePrompts
    from MASAMSlicerLib.scene.prompts import alignedBounds, alignRoi
    from MASAMSlicerLib.scene.touchup import wholeMask
    from MASAMSlicerLib.scene.volumes import geometryOf
    from MASAMSlicerLib.session.handwork import Brush, HandWork

    low, high = alignedBounds(case.roi, case.volume)
    high[0] = low[0] + 0.55 * (high[0] - low[0])  # half of the tumour: a mask that is wrong
    alignRoi(case.roi, case.volume, low, high)
    geometry = geometryOf(case.volume)
    fast = SegmentOptions.from_dict({"quality": "fast"})
    with blocking.BlockingSession(scene) as session:
        identity = session.lesions.add(case.volume, None, case.roi).id

        def run(extend: tuple[str, ...] = ()) -> np.ndarray:
            report = session.segmentNow([identity], None, fast, extend=extend)
            assert not report.failed, report.failed[0].error
            return wholeMask(session.lesions.lesion(identity), geometry)

        def click(*prompts: tuple[np.ndarray, bool]) -> None:
            now = session.lesions.lesion(identity).prompts
            new = [Prompt.new("point", geometry.lps_from_ijk(p[None]), yes) for p, yes in prompts]
            writePrompts(scene, identity, case.volume, [*now, *new])

        before = run()
        cut = [each["side"] for each in session.lesions.lesion(identity).provenance.cuts]
        assert cut == ["right"] or cut == ["left"], cut
        extended = run(tuple(cut))
        lesion = session.lesions.lesion(identity)
        print(
            f"Dice {dice(before, case.expert):.3f} cut off, {dice(extended, case.expert):.3f} ext"
        )
        assert dice(extended, case.expert) > 0.85 > dice(before, case.expert)
        assert (lesion.provenance.cuts, lesion.status) == ((), "segmented")
        assert session.history.undo().startswith("Segment")
        assert (wholeMask(session.lesions.lesion(identity), geometry) == before).all()

        lesion = session.lesions.lesion(identity)
        for _ in range(2):
            missed = np.argwhere(case.expert & ~wholeMask(lesion, geometry))
            middle = missed[np.abs(missed - missed.mean(axis=0)).sum(axis=1).argmin()]
            click((middle[::-1].astype(float), True))
            after = run()
            assert after[tuple(middle)]
            lesion = session.lesions.lesion(identity)
        print(f"Dice {dice(before, case.expert):.3f} before, {dice(after, case.expert):.3f} after")
        assert dice(after, case.expert) > dice(before, case.expert) + 0.05
        assert (lesion.status, lesion.corrected) == ("segmented", True)
        assert len(lesion.provenance.prompts["corrections"]) == 2

        spot = np.array([4.0, 4.0, 4.0])
        HandWork(session).paint(identity, Brush(radius=2.0), geometry.ras_from_ijk(spot[None]))
        inside = np.argwhere(after)[0][::-1].astype(float)
        click((inside, False))
        touched = run()
        assert touched[4, 4, 4]
        assert not touched[tuple(inside.astype(int)[::-1])]
