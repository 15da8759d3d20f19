"""Show a DICOM segmentation of MASAM in OHIF, over a real PACS, and take its picture.

    npm pack @ohif/app && tar xzf ohif-app-*.tgz
    python -m Testing.ohif package/dist docs/ohif.png
    MASAM_OHIF=package/dist python -m pytest Testing/core/export/dicom/test_ohif.py

It needs Orthanc with its plugin for DICOMweb (Debian: orthanc-dicomweb) and Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from pydicom.uid import generate_uid

from Testing.core.image.formats.dicom.making import image, save
from Testing.core.pacs.orthanc import Orthanc
from Testing.workbench.page.conftest import CHROMIUM

SECONDS = 90_000  # ms
SLICES = 10  # from the first with a segment, which OHIF shows, to the lesion's middle
SAMPLE = Path(__file__).resolve().parents[1] / "Resources" / "SampleData" / "sarcoma_ct"
CONFIG = """window.config = {
  routerBasename: '/', extensions: [], modes: [], showStudyList: true,
  showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false,
  showLoadingIndicator: true, strictZSpacingForVolumeViewport: true, maxNumberOfWebWorkers: 2,
  investigationalUseDialog: { option: 'never' },
  defaultDataSourceName: 'pacs',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'pacs',
    configuration: {
      friendlyName: 'Orthanc', name: 'pacs', qidoRoot: '/dicom-web', wadoRoot: '/dicom-web',
      wadoUriRoot: '/dicom-web', qidoSupportsIncludeField: false, imageRendering: 'wadors',
      thumbnailRendering: 'wadors', enableStudyLazyLoad: true, supportsFuzzyMatching: false,
      supportsWildcard: false, omitQuotationForMultipartRequest: true,
      bulkDataURI: { enabled: true },
    },
  }],
};"""


def write_series(folder: Path) -> str:
    """The sample as a DICOM series of a made-up patient; its study's UID."""
    volume = sitk.ReadImage(str(SAMPLE / "image.nii.gz"))
    array = sitk.GetArrayFromImage(volume).astype(np.int16)
    column_mm, row_mm, depth = volume.GetSpacing()
    study, series, place = (generate_uid(prefix=None) for _ in range(3))
    for k, pixels in enumerate(array):
        tags = {
            "StudyInstanceUID": study,
            "SeriesInstanceUID": series,
            "FrameOfReferenceUID": place,
            "PatientName": "Sample^Sarcoma",
            "PatientID": "SAMPLE-1",
            "PatientBirthDate": "",
            "PatientSex": "",
            "StudyDate": "20200101",
            "StudyTime": "120000",
            "StudyID": "1",
            "AccessionNumber": "",
            "SeriesNumber": 1,
            "SeriesDescription": "CT of the thigh",
            "InstanceNumber": k + 1,
            "ImagePositionPatient": list(volume.TransformIndexToPhysicalPoint((0, 0, k))),
            "PixelSpacing": [row_mm, column_mm],
            "SliceThickness": depth,
            "WindowCenter": 40,
            "WindowWidth": 350,
            "RescaleType": "HU",
        }
        save(image(pixels, **tags), folder / f"{k:03}.dcm")
    return str(study)


def segment(series: Path, out: Path) -> None:
    """Have the bundled model outline the sample's box."""
    words = ["segment", series, "--roi", SAMPLE / "box.mrk.json", "--device", "cpu"]
    outputs = [word for ending in (".seg.dcm", ".sr.dcm") for word in ("-o", f"{out}{ending}")]
    subprocess.run([sys.executable, "-m", "masam_core", *map(str, words), *outputs], check=True)


class Viewer(SimpleHTTPRequestHandler):
    """OHIF's files, and the PACS behind the same address."""

    pacs: Orthanc

    def do_GET(self) -> None:
        """A file, the PACS, or the page itself for every other address."""
        path = self.path.split("?", 1)[0]
        if path.startswith("/dicom-web"):
            self._from_pacs()
        elif path == "/app-config.js":
            self._send(CONFIG.encode(), "application/javascript")
        else:
            if not Path(self.translate_path(path)).is_file():
                self.path = "/index.html"
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _from_pacs(self) -> None:
        accept = self.headers.get("Accept", "*/*")
        request = urllib.request.Request(f"{self.pacs.rest}{self.path}", headers={"Accept": accept})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                kind = answer.headers.get("Content-Type", "application/octet-stream")
                body = answer.read()
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
            return
        if "json" in kind:  # addresses of large values are the PACS's own
            body = body.replace(self.pacs.rest.encode(), self._own().encode())
        self._send(body, kind)

    def _own(self) -> str:
        return f"http://{self.headers.get('Host')}"

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)


@contextlib.contextmanager
def served(viewer: Path, pacs: Orthanc) -> Iterator[str]:
    """The viewer's address."""
    handler = type("Handler", (Viewer,), {"pacs": pacs})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(viewer)))  # type: ignore[arg-type]
    wait = {"poll_interval": 0.01}
    threading.Thread(target=server.serve_forever, kwargs=wait, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def installed() -> Path | None:
    """OHIF's folder ``dist``: that of MASAM_OHIF, or of npm's global packages; None without."""
    places = [os.environ.get("MASAM_OHIF", "")]
    if shutil.which("npm"):
        done = subprocess.run(["npm", "root", "--global"], capture_output=True, text=True)
        places.append(str(Path(done.stdout.strip()) / "@ohif" / "app" / "dist"))
    found = [Path(place) for place in places if place]
    return next((place for place in found if (place / "index.html").is_file()), None)


def open_segmentation(browser: Any, address: str, study: str, label: str) -> Any:
    """Open a study and its segmentation as a reader does; the page, where the list names it.

    Args:
        browser: of playwright.
        address: of the viewer.
        study: its UID.
        label: of a segment.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 760})
    page.set_default_timeout(SECONDS)
    page.goto(f"{address}/viewer?StudyInstanceUIDs={study}")
    page.get_by_text("Skip all").click()  # the tour
    page.get_by_text("MASAM segmentation").dblclick()
    page.get_by_role("button", name="Yes", exact=True).click()  # open this segmentation
    page.locator("[data-cy=panelSegmentation-btn]").click()
    page.get_by_text(label, exact=True).first.wait_for()
    return page


def picture(address: str, study: str, target: Path) -> None:
    """Take a picture of the segmentation over its image."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        page = open_segmentation(browser, address, study, "Sarcoma")
        page.locator(".cornerstone-viewport-element").first.hover()
        for _ in range(SLICES):
            page.mouse.wheel(0, 100)
            page.wait_for_timeout(500)
        page.wait_for_timeout(5_000)
        page.screenshot(path=str(target))
        browser.close()


def main() -> None:
    """From the sample to the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("viewer", type=Path, help="folder 'dist' of OHIF")
    parser.add_argument("target", type=Path, help="the picture (.png)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "pacs").mkdir()
        study = write_series(folder / "scan")
        segment(folder / "scan", folder / "lesion")
        pacs = Orthanc(folder / "pacs")
        pacs.start()
        try:
            pacs.put(folder)
            with served(given.viewer, pacs) as address:
                picture(address, study, given.target)
        finally:
            pacs.kill()


if __name__ == "__main__":
    main()
