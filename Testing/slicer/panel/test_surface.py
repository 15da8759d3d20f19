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
    from MASAMSlicerLib.session.reports import RunReport

    x, y, z = case.volume.GetOrigin()
    case.volume.SetOrigin(x, y, z + FAR)
    view().focalPoint = (0.0, 0.0, 0.0)
    lesion = with_segment(person, case)
    assert view().focalPoint == (0.0, 0.0, 0.0)
    person.panel.run.runner._onDone(RunReport([]))
    bounds = [0.0] * 6
    lesion.segmentation.GetRASBounds(bounds)
    middle = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    assert np.allclose(view().focalPoint, middle)
    assert view().focalPoint[2] > FAR / 2
    view().focalPoint = (1.0, 2.0, 3.0)  # the user has turned it
    person.panel.run.runner._onDone(RunReport([]))
    person.ui.surfaceCheckBox.click()
    person.ui.surfaceCheckBox.click()
    assert view().focalPoint == (1.0, 2.0, 3.0)


def test_without_surfaces_the_view_waits_for_the_first_one(person: Person, case: Any) -> None:
    from MASAMSlicerLib.session.reports import RunReport

    view().focalPoint = (0.0, 0.0, 0.0)
    person.panel.context.parameters.showSurface = False
    with_segment(person, case)
    person.panel.run.runner._onDone(RunReport([]))
    assert view().focalPoint == (0.0, 0.0, 0.0)
    person.ui.surfaceCheckBox.click()
    person.wait()
    assert view().focalPoint != (0.0, 0.0, 0.0)


def test_no_main_window_is_no_error(person: Person, case: Any, monkeypatch: Any) -> None:
    import slicer
    from MASAMSlicerLib.panel.results import resetFocalPoints

    monkeypatch.setattr(slicer.app, "layoutManager", lambda: None)
    resetFocalPoints()
