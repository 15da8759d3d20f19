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

import vtk
from aiohttp import web
from trame.app import get_server

from masam_core.process_tree import kill_below
from masam_workbench.front.connections import Listener, admit, serving
from masam_workbench.front.guard import HEADERS, same
from masam_workbench.front.processes import HAD_IMAGE
from masam_workbench.tab.context import Settings
from masam_workbench.tab.page import buildPage
from masam_workbench.tab.tab import Tab
from masam_workbench.tab.uploads import result

SECRET = "X-Masam-Tab"


def main() -> None:
    """Read the settings, and serve until there is no one left to serve."""
    settings = json.loads(sys.stdin.buffer.readline())
    ending = partial(_endWithParent, Path(settings["folder"]))
    threading.Thread(target=ending, daemon=True).start()
    if not os.environ.get("MASAM_DEBUG"):
        logging.disable(logging.CRITICAL)  # of a browser that has gone, and the like
    vtk.vtkObject.GlobalWarningDisplayOff()  # Slicer logs these, it does not print them
    asyncio.run(serve(settings))


async def serve(settings: dict[str, Any]) -> None:
    """Serve one tab on a free port of the loopback interface, which is printed."""
    server = get_server("masam", client_type="vue3")
    tab = Tab(
        server.state,
        Path(settings["folder"]),
        Settings(settings["device"], settings["worker"]),
        int(settings["limit"]),
    )
    buildPage(server, tab, int(settings["timeout"]))
    going: list[Any] = []

    def bind(wslinkServer: Any) -> None:
        _bind(tab, settings["secret"], wslinkServer)
        ready = partial(_ready, wslinkServer, server, tab, settings["image"])
        server.controller.on_server_ready.add(lambda **_: going.extend(ready()))

    server.controller.on_server_bind.add(bind)
    await server.start(
        port=0,
        host="127.0.0.1",
        exec_mode="coroutine",
        open_browser=False,
        show_connection_info=False,
        disable_logging=True,
        timeout=int(settings["timeout"]),
    )
    tab.close()


def _bind(tab: Tab, secret: str, wslinkServer: Any) -> None:
    """Add the routes for files, and let in nobody but the front process."""
    app = wslinkServer.app

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        with serving(request):
            if not same(request.headers.get(SECRET, ""), secret):
                answer = web.Response(status=403, text="Forbidden", headers=HEADERS)
                answer.force_close()
                return answer
            admit(request)
            response: web.StreamResponse = await handler(request)
            return response

    app.middlewares.append(guard)
    app.router.add_post("/upload", tab.uploads.take)
    app.router.add_get("/results/{name}", partial(result, tab.saving))


def _ready(wslinkServer: Any, server: Any, tab: Tab, image: str) -> list[Any]:
    """Say that the tab can be reached; what is returned must be held on to.

    Connections are taken in by our own listener, which bounds them, in place of wslink's.
    """
    loop = asyncio.get_running_loop()
    listener = Listener(wslinkServer.runner.server, "127.0.0.1", 0)
    listener.start()
    print(json.dumps({"port": listener.port}), flush=True)
    server.state.change("image")(_sayImage)
    if image:
        path = Path(image)
        tab.opening = loop.create_task(tab.images.open(path, path.name))
    return [listener, loop.create_task(wslinkServer.site.stop())]


def _sayImage(image: str = "", **_: Any) -> None:
    """The front process does not end a tab that has something to lose before its time."""
    if image:
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
