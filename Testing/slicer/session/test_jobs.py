"""What a run asks the worker for, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.slicer.answering import boxIn
from Testing.slicer.scene.conftest import Scene


def _jobs(make: Scene, lesions: Any, volume: Any, name: str) -> Any:
    from MASAMSlicerLib.session.jobs import jobsOf
    from MASAMSlicerLib.session.reports import LesionReport

    lesion = lesions.add(volume, None, boxIn(make, volume, name))
    return jobsOf(lesions, lesion, LesionReport(lesion.id, name), False, None)


def test_each_image_is_sent_once_and_its_turn_is_told(make: Scene) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList
    from MASAMSlicerLib.session.asking import jobSteps
    from MASAMSlicerLib.session.jobs import byImage

    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice

    lesions, first, second = LesionList(make.scene), make.volume(), make.volume(name="other")
    jobs = [
        job
        for volume, name in ((first, "a"), (second, "b"), (first, "c"))
        for job in _jobs(make, lesions, volume, name)
    ]
    groups = byImage(jobs)
    assert [[job.report.name for job in group] for group in groups] == [["a", "c"], ["b"]]
    turns: list[int] = []
    options = SegmentOptions()
    steps = jobSteps(groups, ModelChoice(), options, turns.append)
    asked, answer = [], None
    while True:
        try:
            asked.append(steps.send(answer))
        except StopIteration as end:
            outcome = end.value
            break
        answers = {
            "load_model": {"name": "m", "device": "cpu"},
            "put_volume": {"known": True},
            "segment": {"seconds": 1.0},
        }
        answer = answers[asked[-1].type]
    sent = [ask for ask in asked if ask.type == "segment"]
    assert [[box["name"] for box in ask.fields["boxes"]] for ask in sent] == [["a", "c"], ["b"]]
    assert turns == [0, 1]
    assert set(outcome.results) == {job.key for job in jobs}
    assert outcome.model["options"] == options.to_dict()


def test_what_can_not_be_segmented_is_told_before_anything_is_sent(make: Scene) -> None:
    from MASAMSlicerLib.scene.lesions import LesionList
    from MASAMSlicerLib.session.jobs import jobsOf
    from MASAMSlicerLib.session.reports import LesionReport

    from masam_core.errors import MasamError

    lesions, volume = LesionList(make.scene), make.volume()
    report = LesionReport("x", "x")
    with pytest.raises(MasamError, match="not in the scene"):
        jobsOf(lesions, None, report, False, None)
    lesion = lesions.add(volume, None, boxIn(make, volume, "a"))
    make.scene.RemoveNode(volume)
    with pytest.raises(MasamError, match="The volume of 'a' is not in the scene"):
        jobsOf(lesions, lesions.lesion(lesion.id), report, False, None)
