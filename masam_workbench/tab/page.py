"""The page: its template and files, and which action of the tab answers which click."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trame_rca.module
from MASAMSlicerLib.sampledata import SAMPLES
from MASAMSlicerLib.scene.ends import FIRST, LAST
from MASAMSlicerLib.wording import planeNames
from trame.ui.html import DivLayout
from trame_rca.view_adapter import RcaViewAdapter

from masam_core.lesion.terminology import TUMOUR_TYPES
from masam_workbench.display.stream import Area, Frames
from masam_workbench.display.views import ORIENTATIONS, SPACE
from masam_workbench.tab.tab import Tab

WEB = Path(__file__).parent / "web"
# In the order in which they lie in the page, row by row.
VIEWS = (("Red", ORIENTATIONS["Red"]), (SPACE, "3D"), *list(ORIENTATIONS.items())[1:])
LOST = """<div class="lost" data-test="lost"><div class="card"><h1>The connection was lost</h1>
<p>Reload the page: while the workbench is running, image and lesions are still there. If they are
not, it was stopped; start it again.</p></div></div>"""


def buildPage(server: Any, tab: Tab, seconds: int) -> None:
    """Give a trame server its page, and bind it to a tab.

    Args:
        seconds: after which the tab ends when it is not connected.
    """
    server.enable_module(trame_rca.module)
    server.enable_module(
        {"serve": {"masam": str(WEB)}, "scripts": ["masam/masam.js"], "styles": ["masam/masam.css"]}
    )
    state = server.state
    state.trame__title = "MASAM"
    state.trame__favicon = "data:,"
    state.trame__template_error = LOST
    state.uploading = ""  # the page's own: what is being sent ends with the page
    state.client_only("uploading")
    state.levels = ""
    state.uploadLimit = tab.uploads.limit
    state.minutes = round(seconds / 60)
    state.viewList = [{"name": name, "label": label} for name, label in VIEWS]
    state.samples = [
        {"folder": folder, "name": name, "short": _short(name)} for name, folder, _, _ in SAMPLES
    ]
    state.kinds = [{"key": key, "name": kind.code.meaning} for key, kind in TUMOUR_TYPES.items()]
    state.planes = [{"word": word, "name": name} for word, name in planeNames().items()]
    with DivLayout(server) as layout:
        layout.root.add_child((WEB / "page.html").read_text("utf-8"))
    for name, action in actions(tab).items():
        server.trigger(name)(_told(tab, action))
    adapters, frames = [], {}
    for name, view in tab.context.views.byName().items():
        area = Area(view)
        frames[name] = Frames(area)
        adapters.append(RcaViewAdapter(area, name, scheduler=frames[name]))

    def confirm(name: str, number: int) -> None:
        if name in frames:
            frames[name].confirm(int(number))

    def begin() -> None:
        """A page is there; what an earlier one did not confirm is not waited for."""
        for each in frames.values():
            each.reset()
        tab.context.views.draw()

    server.trigger("confirm")(_told(tab, confirm))
    server.trigger("begin")(_told(tab, begin))

    async def connect() -> None:
        await server.ready  # only then there is something to register with
        for adapter in adapters:
            server.controller.rc_area_register(adapter)
        tab.context.views.draw()
        tab.askWorker()

    tab.connecting = asyncio.get_running_loop().create_task(connect())


def actions(tab: Tab) -> dict[str, Any]:
    """What the page may ask for, by name; there is nothing else that it can call."""
    return {
        "openSample": tab.images.openSample,
        "uploaded": tab.uploads.opened,
        "uploadFailed": tab.uploads.failed,
        "chooseSeries": tab.images.chooseSeries,
        "preset": tab.images.choosePreset,
        "fit": tab.fit,
        "goToSlice": tab.goToSlice,
        "box": tab.boxes.toggle,
        "setEnd": lambda end: tab.boxes.setEnd(FIRST if end == "first" else LAST),
        "tool": tab.chooseTool,
        "leave": lambda: _leave(tab),
        "segment": lambda: _press(tab),
        "again": tab.running.again,
        "threshold": tab.running.setThreshold,
        "diameterPlane": tab.measuring.setPlane,
        "undo": tab.running.undo,
        "redo": tab.running.redo,
        "toggleMasks": tab.appearance.toggleMasks,
        "select": tab.context.select,
        "next": tab.rows.actions.goToNext,
        "goTo": tab.rows.actions.goTo,
        "rename": tab.rows.rename,
        "recolor": tab.rows.recolor,
        "kind": tab.rows.setKind,
        "lock": tab.rows.toggleLock,
        "visible": tab.rows.toggleVisible,
        "delete": tab.rows.delete,
        "save": tab.saving.save,
        "check": tab.checking.press,
        "checked": tab.checking.dismiss,
    }


def _told(tab: Tab, action: Callable[..., Any]) -> Callable[..., Any]:
    """An action whose errors are said in the page, also those that nobody foresaw.

    What takes a while goes on by itself: the page's next message is only read after this one.
    """
    going: set[asyncio.Task[None]] = set()  # the loop itself would let go of them

    async def finish(answer: Awaitable[Any]) -> None:
        try:
            await answer
        except Exception as error:
            tab.context.sayError(error)

    async def run(*arguments: Any) -> None:
        try:
            answer = action(*arguments)
        except Exception as error:
            tab.context.sayError(error)
            return
        if inspect.isawaitable(answer):
            task = asyncio.get_running_loop().create_task(finish(answer))
            going.add(task)
            task.add_done_callback(going.discard)

    return run


def _press(tab: Tab) -> None:
    """The large button: it ends what is going on, else it begins a run."""
    if not tab.images.cancel():
        tab.running.runner.press()


def _leave(tab: Tab) -> None:
    """Esc."""
    if not tab.checking.dismiss() and not tab.images.cancel():
        tab.leaveTools()


def _short(name: str) -> str:
    """A sample's name without the tool's."""
    word = name.removeprefix("MASAM ")
    return word[:1].upper() + word[1:]
