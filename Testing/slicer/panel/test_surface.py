"""The 3D view turns to a volume's first surface, and stays with the user afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from Testing.slicer.panel.conftest import Person
from Testing.slicer.panel.test_status import with_segment

FAR = 627.0  # mm towards the head, as in a scan of a whole body


def view() -> Any:
    import slicer

    return slicer.app.layoutManager().threeDWidget(0).threeDView()


def test_the_first_surface_is_looked_at_and_the_view_is_the_users_then(
    person: Person, case: Any
) -> None:
    from MASAMSlicerLib.session.reports import LesionReport, RunReport

    x, y, z = case.volume.GetOrigin()
    case.volume.SetOrigin(x, y, z + FAR)
    view().focalPoint = (0.0, 0.0, 0.0)
    lesion = with_segment(person, case)
    assert view().focalPoint == (0.0, 0.0, 0.0)
    person.panel.run.runner._onDone(RunReport([LesionReport(lesion.id, lesion.name)]))
    bounds = [0.0] * 6
    lesion.segmentation.GetRASBounds(bounds)
    middle = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    assert np.allclose(view().focalPoint, middle)
    assert view().focalPoint[2] > FAR / 2
    view().focalPoint = (1.0, 2.0, 3.0)  # the user has turned it
    person.panel.run.runner._onDone(RunReport([LesionReport(lesion.id, lesion.name)]))
    person.ui.surfaceCheckBox.click()
    person.ui.surfaceCheckBox.click()
    assert view().focalPoint == (1.0, 2.0, 3.0)


def test_without_surfaces_the_view_waits_for_the_first_one(person: Person, case: Any) -> None:
    from MASAMSlicerLib.session.reports import LesionReport, RunReport

    view().focalPoint = (0.0, 0.0, 0.0)
    person.panel.context.parameters.showSurface = False
    lesion = with_segment(person, case)
    person.panel.run.runner._onDone(RunReport([LesionReport(lesion.id, lesion.name)]))
    assert view().focalPoint == (0.0, 0.0, 0.0)
    person.ui.surfaceCheckBox.click()
    person.wait()
    assert view().focalPoint != (0.0, 0.0, 0.0)


def test_no_main_window_is_no_error(person: Person, case: Any, monkeypatch: Any) -> None:
    import slicer
    from MASAMSlicerLib.panel.results import resetFocalPoints

    monkeypatch.setattr(slicer.app, "layoutManager", lambda: None)
    assert not resetFocalPoints()


def masks(lesion: Any) -> tuple[bool, bool]:
    """Whether masks are shown at all, and whether in 3D."""
    display = lesion.segmentation.GetDisplayNode()
    return bool(display.GetVisibility()), bool(display.GetVisibility3D())


def test_in_3d_is_ticked_without_a_word_on_the_slices(person: Person, case: Any) -> None:
    from MASAMSlicerLib.session.reports import LesionReport, RunReport

    lesion = with_segment(person, case)
    report = RunReport([LesionReport(lesion.id, lesion.name)])
    person.panel.run.runner._onDone(report)
    person.clickView()
    person.press("V")
    assert not masks(lesion)[0]
    person.panel.run.runner._onDone(report)  # shown again
    for surface in (False, True):
        person.ui.surfaceCheckBox.click()
        assert masks(lesion) == (True, surface)
    person.press("V")
    assert not masks(lesion)[0]
    for _ in range(2):
        person.ui.surfaceCheckBox.click()
        assert not masks(lesion)[0]
    person.press("V")
    assert masks(lesion) == (True, True)


def test_masks_that_were_hidden_elsewhere_are_shown_by_one_key(person: Person, case: Any) -> None:
    lesion = with_segment(person, case)
    lesion.segmentation.CreateDefaultDisplayNodes()
    lesion.segmentation.GetDisplayNode().SetVisibility(False)
    person.clickView()
    person.press("V")
    assert masks(lesion)[0]


def test_a_surface_that_no_view_could_show_is_looked_at_in_the_first_one(
    person: Person, case: Any, monkeypatch: Any
) -> None:
    import slicer
    from MASAMSlicerLib.session.reports import LesionReport, RunReport

    lesion = with_segment(person, case)
    view().focalPoint = (0.0, 0.0, 0.0)
    with monkeypatch.context() as only:
        manager = slicer.app.layoutManager()
        only.setattr(type(manager), "threeDViewCount", 0)  # a layout of slices alone
        person.panel.run.runner._onDone(RunReport([LesionReport(lesion.id, lesion.name)]))
    assert view().focalPoint == (0.0, 0.0, 0.0)
    person.panel.run.runner._onDone(RunReport([LesionReport(lesion.id, lesion.name)]))
    assert view().focalPoint != (0.0, 0.0, 0.0)
