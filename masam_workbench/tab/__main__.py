"""The process of one tab: ``python -m masam_workbench.tab``.

Its settings come as one line of JSON on standard input, which the front process keeps open: when it
closes, the tab ends too, however the front process has ended.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from vtkmodules.vtkCommonCore import vtkObject

from masam_core.process_tree import kill_below
from masam_workbench.front.connections import Listener
from masam_workbench.front.processes import HAD_IMAGE
from masam_workbench.tab.actions import actionsOf
from masam_workbench.tab.app import makeApp
from masam_workbench.tab.context import Settings
from masam_workbench.tab.live import Live
from masam_workbench.tab.tab import Tab

END_SECONDS = 2.0  # for what is on its way when the tab ends
LOOK_SECONDS = 1.0


def main() -> None:
    """Read the settings, and serve until there is no one left to serve."""
    settings = json.loads(sys.stdin.buffer.readline())
    ending = partial(_endWithParent, Path(settings["folder"]))
    threading.Thread(target=ending, daemon=True).start()
    if not os.environ.get("MASAM_DEBUG"):
        logging.disable(logging.CRITICAL)  # of a browser that has gone, and the like
    vtkObject.GlobalWarningDisplayOff()  # Slicer logs these, it does not print them
    asyncio.run(serve(settings))


async def serve(settings: dict[str, Any]) -> None:
    """Serve one tab on a free port of the loopback interface, which is printed."""
    timeout = int(settings["timeout"])
    tab = Tab(
        Path(settings["folder"]),
        Settings(settings["device"], settings["worker"]),
        int(settings["limit"]),
        timeout,
    )
    live = Live(tab.state, actionsOf(tab), tab.context.sayError)
    runner = web.AppRunner(
        makeApp(tab, live, settings["secret"]), access_log=None, shutdown_timeout=END_SECONDS
    )
    await runner.setup()
    assert runner.server is not None
    listener = Listener(runner.server, "127.0.0.1", 0)
    listener.start()
    print(json.dumps({"port": listener.port}), flush=True)
    tab.state.listen(partial(_sayImage, tab))
    if settings["image"]:
        path = Path(settings["image"])
        tab.opening = asyncio.get_running_loop().create_task(tab.images.open(path, path.name))
    tab.askWorker()
    tab.refresh()
    while live.alone < timeout:
        await asyncio.sleep(min(LOOK_SECONDS, timeout))
    await live.close()
    await listener.close()
    await runner.cleanup()
    tab.close()


def _sayImage(tab: Tab, name: str) -> None:
    """The front process does not end a tab that has something to lose before its time."""
    if name == "image" and tab.state.image is not None:
        print(HAD_IMAGE.decode(), flush=True)


def _endWithParent(folder: Path) -> None:
    """Wait for the front process to let go; nothing of the tab may stay behind."""
    while sys.stdin.buffer.read(1 << 16):
        pass
    kill_below(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
