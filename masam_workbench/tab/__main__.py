"""The process of one tab: ``python -m masam_workbench.tab``.

Its settings come on standard input, which the front process keeps open (see ``front.link``): when
it closes, the tab ends too, however the front process has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from vtkmodules.vtkCommonCore import vtkObject

from masam_core.process_tree import kill_below, kill_tree
from masam_workbench.front.connections import Listener
from masam_workbench.front.link import IMAGE, PORT, TabLink
from masam_workbench.tab.actions import actionsOf
from masam_workbench.tab.app import makeApp
from masam_workbench.tab.context import Settings
from masam_workbench.tab.live import Live
from masam_workbench.tab.sharedworker import SharedWorker
from masam_workbench.tab.tab import Tab
from masam_workbench.tab.works import Works, worksFolder

END_SECONDS = 2.0  # for what is on its way when the tab ends
LOOK_SECONDS = 1.0
TIDY_SECONDS = 3600.0


def main() -> None:
    """Read the settings, and serve until there is no one left to serve."""
    link = TabLink.ofProcess()
    settings = link.first()
    if not os.environ.get("MASAM_DEBUG"):
        logging.disable(logging.CRITICAL)  # of a browser that has gone, and the like
    vtkObject.GlobalWarningDisplayOff()  # Slicer logs these, it does not print them
    asyncio.run(serve(settings, link))


async def serve(settings: dict[str, Any], link: TabLink) -> None:
    """Serve one tab on a free port of the loopback interface, which is printed."""
    timeout, folder = int(settings["timeout"]), Path(settings["folder"])
    loop = asyncio.get_running_loop()
    worker = SharedWorker(link, loop)
    tabs: list[Tab] = []
    link.start(loop, partial(_end, folder, worker, tabs))
    tab = Tab(
        folder,
        Settings(settings["device"], settings["worker"]),
        int(settings["limit"]),
        timeout,
        worker.transport,
        Works(worksFolder(), settings["owner"]) if settings["keep"] else None,
    )
    tabs.append(tab)
    live = Live(tab.state, actionsOf(tab), tab.context.sayError, tab.autosave.setWatched)
    runner = web.AppRunner(
        makeApp(tab, live, settings["secret"]), access_log=None, shutdown_timeout=END_SECONDS
    )
    await runner.setup()
    assert runner.server is not None
    listener = Listener(runner.server, "127.0.0.1", 0)
    listener.start()
    link.say(PORT, port=listener.port)
    tab.state.listen(partial(_sayImage, tab, link))
    if settings["image"]:
        path = Path(settings["image"])
        tab.opening = loop.create_task(tab.images.open(path, path.name))
    tab.askWorker()
    tab.refresh()
    tidying = loop.create_task(_tidy(tab.autosave.works))
    while live.alone < timeout:
        await asyncio.sleep(min(LOOK_SECONDS, timeout))
    tidying.cancel()
    await live.close()
    await listener.close()
    await runner.cleanup()
    tab.close()


async def _tidy(works: Works | None) -> None:
    """Unsaved work is not kept for longer than is promised."""
    while works is not None:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(works.tidy)
        await asyncio.sleep(TIDY_SECONDS)


def _sayImage(tab: Tab, link: TabLink, name: str) -> None:
    """The front process does not end a tab that has something to lose before its time."""
    if name == "image" and tab.state.image is not None:
        link.say(IMAGE)


def _end(folder: Path, worker: SharedWorker, tabs: list[Tab], told: bool) -> None:
    """Nothing of the tab may stay behind; nor of the worker, where the front process has died."""
    kill_below(os.getpid())
    for tab in tabs:
        tab.dropSaved()
    if not told and worker.pid:
        kill_tree(worker.pid)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
