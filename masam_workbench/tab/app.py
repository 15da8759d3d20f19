"""The addresses of a tab."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from masam_core.catalog.bundled import sample_data_dir
from masam_workbench.front.connections import admit, serving
from masam_workbench.front.guard import HEADERS, same
from masam_workbench.tab.live import Live
from masam_workbench.tab.tab import Tab
from masam_workbench.tab.uploads import result

SECRET = "X-Masam-Tab"
PAGE = Path(__file__).resolve().parents[1] / "page"
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}  # what has a version
PATIENT = {"Cache-Control": "no-store"}  # a browser's disk is no place for images of patients
FRESH = {"Cache-Control": "no-cache"}  # asked for again, and answered in a word if unchanged
EXTENT = "X-Masam-Extent"
BYTES = "application/octet-stream"


def makeApp(tab: Tab, live: Live, secret: str) -> web.Application:
    """The server of one tab, which answers nobody but the front process.

    Args:
        tab: whose.
        live: its pages.
        secret: that the front process shows.
    """

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

    app = web.Application(middlewares=[guard], client_max_size=0)
    router = app.router
    for path in ("/", "/index.html"):
        router.add_get(path, _index)
    router.add_get("/page/{path:.+}", _page)
    router.add_get("/image/{version}.nii.gz", partial(_image, tab))
    router.add_get("/mask/{lesion}/{version}", partial(_mask, tab))
    router.add_get("/surface/{lesion}/{version}", partial(_surface, tab))
    router.add_get("/thumbnail/{sample}.png", partial(_thumbnail, tab))
    router.add_get("/pacs/{series}.png", partial(_picture, tab))
    router.add_post("/upload", tab.uploads.take)
    router.add_get("/results/{name}", partial(result, tab.saving))
    router.add_get("/live", live.serve)
    return app


async def _index(_request: web.Request) -> web.StreamResponse:
    return web.FileResponse(PAGE / "index.html", headers=FRESH)


async def _page(request: web.Request) -> web.StreamResponse:
    """GET: a file of the page, and no other."""
    path = (PAGE / request.match_info["path"]).resolve()
    if not path.is_relative_to(PAGE) or path.suffix == ".py" or not path.is_file():
        return _gone()
    return web.FileResponse(path, headers=FRESH)


async def _image(tab: Tab, request: web.Request) -> web.StreamResponse:
    """GET: the whole image, as it was when it had this version."""
    version = request.match_info["version"]
    path = await tab.shown.file(version) or await tab.nextStudy.shown.file(version)
    if path is None:
        return _gone()
    answer = web.FileResponse(path, headers={**PATIENT, "Content-Type": BYTES})
    return answer


async def _mask(tab: Tab, request: web.Request) -> web.StreamResponse:
    """GET: the voxels of a mask, cropped to its extent."""
    version = request.match_info["version"]
    mask = tab.masks.known(version) or tab.structures.known(version)
    if mask is None:
        return _gone()
    headers = {EXTENT: ",".join(map(str, mask.extent)), "Content-Type": BYTES, **FOREVER}
    body = mask.body()
    if body:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers)


async def _surface(tab: Tab, request: web.Request) -> web.StreamResponse:
    """GET: the mesh of a mask's surface."""
    body = tab.surface(request.match_info["version"])
    if body is None:
        return _gone()
    return web.Response(body=body, headers={"Content-Type": BYTES, **FOREVER})


async def _thumbnail(tab: Tab, request: web.Request) -> web.StreamResponse:
    """GET: the picture of a sample."""
    folder = request.match_info["sample"]
    if folder not in tab.images.samples:
        return _gone()
    path = sample_data_dir() / folder / "thumbnail.png"
    if not path.is_file():
        return _gone()
    return web.FileResponse(path, headers=FRESH)


async def _picture(tab: Tab, request: web.Request) -> web.StreamResponse:
    """GET: the picture of a series in the PACS."""
    picture = await tab.archive.picture(request.match_info["series"])
    if picture is None:
        return _gone()
    return web.Response(body=picture, content_type="image/png", headers=PATIENT)


def _gone() -> web.Response:
    return web.Response(status=404, text="This is not here, or not any more.")
