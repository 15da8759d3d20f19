"""Views: what they show of an image, and which way is which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from Testing.workbench.conftest import environment, requireWorkbench

# In a process of its own: views have an application of their own, and the tests have another.
START = """
import sys
from pathlib import Path
import numpy as np
import slicer, vtk
vtk.vtkObject.GlobalWarningDisplayOff()
from masam_workbench.display.application import Application
from masam_workbench.display.views import Views
application = Application(Path(sys.argv[2]))
views = Views(application)
volume = application.logics["Volumes"].AddArchetypeVolume(sys.argv[1], "scan")
views.show(volume)
red, green, yellow = views.slices.values()
"""

# A tab with the bundled MR; the code that follows is its user's.
TAB = """
import asyncio
from types import SimpleNamespace
from masam_workbench.tab.context import Settings
from masam_workbench.tab.tab import Tab

class State(SimpleNamespace):
    update = lambda self, values: self.__dict__.update(values)
    to_dict = lambda self: dict(self.__dict__)
    __enter__ = lambda self: self
    __exit__ = lambda self, *_: None

async def work():
    tab = Tab(State(), Path(sys.argv[2]), Settings(), 1000)
    await tab.images.openSample("sarcoma_mr")
"""


def run(code: str, sample_data: Path, folder: Path) -> None:
    """Run assertions on the views of the bundled MR."""
    requireWorkbench()
    image = sample_data / "sarcoma_mr" / "image.nii.gz"
    done = subprocess.run(
        [sys.executable, "-c", START + code, str(image), str(folder)],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_all_of_the_image_is_seen_at_any_size_until_someone_zooms(
    sample_data: Path, tmp_path: Path
) -> None:
    run(
        """
extent = np.array(volume.GetSpacing()) * volume.GetImageData().GetDimensions()
for size in ((400, 400), (900, 300), (300, 800)):
    red.goToSlice(7)
    red.resize(*size)
    seen = np.array(red.node.GetFieldOfView()[:2])
    assert (seen >= extent[:2] - 0.1).all(), (size, seen)
    assert (seen / extent[:2]).min() < 1.05, (size, seen)
    assert red.place() == (7, 45)
width, height, depth = red.node.GetFieldOfView()
red.node.SetFieldOfView(width / 2, height / 2, depth)
red.resize(600, 500)
seen = red.node.GetFieldOfView()
assert abs(seen[1] - height / 2) < 1e-6
assert abs(seen[0] / 600 - seen[1] / 500) < 1e-6
""",
        sample_data,
        tmp_path,
    )


def test_slices_are_counted_and_sides_are_named(sample_data: Path, tmp_path: Path) -> None:
    run(
        """
assert [view.place() for view in (red, green, yellow)] == [(23, 45), (56, 111), (57, 113)]
for number in (1, 2, 45):
    red.goToSlice(number)
    assert red.place() == (number, 45)
red.goToSlice(99)
assert red.place() == (45, 45)
assert red.edges() == ["R", "L", "A", "P"]
assert green.edges() == ["R", "L", "S", "I"]
assert yellow.edges() == ["A", "P", "S", "I"]
# The right side of the patient is on the left of the screen: RAS x falls from left to right.
red.resize(400, 300)
assert red.rasAt(10, 150)[0] > red.rasAt(390, 150)[0]
assert red.rasAt(200, 290)[1] > red.rasAt(200, 10)[1]
""",
        sample_data,
        tmp_path,
    )


def test_pictures_show_the_image_and_have_no_loss_at_rest(
    sample_data: Path, tmp_path: Path
) -> None:
    run(
        """
import io
from PIL import Image
from masam_workbench.display.stream import _encode
for view in views.byName().values():
    view.resize(320, 240)
picture = red.toArray()
assert picture.shape == (240, 320, 3)
assert picture.std() > 30
whole = views.picture()
assert whole.shape == (482, 642, 3)
np.testing.assert_array_equal(whole[:240, :320], red.toArray())
np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(_encode(picture, True)))), picture)
quick = _encode(picture, False)
assert len(quick) < len(_encode(picture, True))
assert np.abs(np.array(Image.open(io.BytesIO(quick))).astype(int) - picture).mean() < 3
""",
        sample_data,
        tmp_path,
    )


def test_a_removed_box_is_gone_from_the_3d_view_too(sample_data: Path, tmp_path: Path) -> None:
    run(
        TAB
        + """
    tab.context.views.space.resize(300, 300)
    before = tab.context.views.space.toArray()
    lesion = tab.context.session.lesions.add(tab.context.volume)
    lesion.roi.SetSize(60, 60, 60)
    bounds = [0.0] * 6
    tab.context.volume.GetRASBounds(bounds)
    lesion.roi.SetCenter(*[(bounds[2 * a] + bounds[2 * a + 1]) / 2 for a in range(3)])
    assert np.abs(tab.context.views.space.toArray().astype(int) - before).sum() > 1000
    tab.rows.delete(lesion.id)
    np.testing.assert_array_equal(tab.context.views.space.toArray(), before)
    tab.close()

asyncio.run(work())
""",
        sample_data,
        tmp_path,
    )


def test_turning_the_3d_view_moves_no_box_and_a_slice_does(
    sample_data: Path, tmp_path: Path
) -> None:
    run(
        TAB
        + """
    lesion = tab.context.session.lesions.add(tab.context.volume)
    bounds, size = [0.0] * 6, 60.0
    tab.context.volume.GetRASBounds(bounds)
    centre = [(bounds[2 * a] + bounds[2 * a + 1]) / 2 for a in range(3)]
    tab.context.select(lesion.id)

    def reset():
        lesion.roi.SetSize(size, size, size)
        lesion.roi.SetCenter(*centre)

    def event(view, name, x, y):
        view.interactor.SetEventInformation(x, y)
        view.interactor.InvokeEvent(name)

    def drag(view, x, y):
        event(view, "MouseMoveEvent", x, y)
        event(view, "LeftButtonPressEvent", x, y)
        for step in (4, 8, 12):
            event(view, "MouseMoveEvent", x + step, y + step // 2)
        event(view, "LeftButtonReleaseEvent", x + 12, y + 6)
        moved = [0.0] * 6
        lesion.roi.GetRASBounds(moved)
        faces = np.array(centre).repeat(2) + np.tile([-size / 2, size / 2], 3)
        reset()
        return np.abs(np.array(moved) - faces).reshape(3, 2) > 0.05

    reset()
    tab.refresh()
    for view in (tab.context.views.space, tab.context.views.slices["Red"]):
        view.resize(300, 300)
        view.toArray()
    tab.context.views.space.fit(lesion.roi)
    tab.context.views.space.toArray()
    pulled = 0
    for x in range(10, 290, 20):
        for y in range(10, 290, 20):
            changed = drag(tab.context.views.space, x, y)
            assert not changed.all(axis=1).any(), (x, y)  # never both sides at once
            pulled += changed.any()
            tab.context.views.space.fit(lesion.roi)
            tab.context.views.space.toArray()
    x, y = 150, 150  # the middle of all, in the plane and in space
    assert not drag(tab.context.views.space, x, y).any()
    tab.context.views.slices["Red"].toArray()
    assert drag(tab.context.views.slices["Red"], x, y)[:2].all()
    assert pulled
    tab.close()

asyncio.run(work())
""",
        sample_data,
        tmp_path,
    )


def test_a_key_leaves_the_views_as_they_are_but_for_its_modifiers(
    sample_data: Path, tmp_path: Path
) -> None:
    run(
        """
from masam_workbench.display.stream import Area
area = Area(views.space)
area.process_resize_event(300, 300)
before = area.img_cols_rows[0]
heard = []
for name in ("KeyPressEvent", "KeyReleaseEvent", "CharEvent"):
    views.space.interactor.AddObserver(name, lambda _, event: heard.append(event))
for key in ("3", "w", "p"):
    for kind in ("KeyPress", "KeyDown", "KeyUp", "Char", "keyPress", "keyDown", "keyUp"):
        area.process_interaction_event(
            {"type": kind, "key": key, "keyCode": ord(key), "shiftKey": True, "w": 300, "h": 300}
        )
assert heard == []
assert not views.space.window.GetStereoRender()
np.testing.assert_array_equal(area.img_cols_rows[0], before)
assert views.space.interactor.GetShiftKey()
area.process_interaction_event({"type": "KeyUp", "key": "Shift", "shiftKey": False})
assert not views.space.interactor.GetShiftKey()
""",
        sample_data,
        tmp_path,
    )
