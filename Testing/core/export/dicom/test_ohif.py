"""A segmentation in OHIF, over a real PACS: where it lies is where the mask is."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.export.segmentation import write_files
from masam_core.image.volume import read_volume
from Testing import ohif
from Testing.core.export.dicom.making import lesion_of
from Testing.core.pacs.orthanc import Orthanc

pytest.importorskip("highdicom")
LABEL = "Thigh lesion"


@pytest.fixture(scope="module")
def viewer() -> Path:
    """OHIF's files."""
    found = ohif.installed()
    if found is None:
        pytest.skip(
            "OHIF is not installed, so no segmentation was shown in it: npm pack @ohif/app, unpack "
            "it, and name its folder dist in MASAM_OHIF"
        )
    return found


@pytest.fixture(scope="module")
def study(viewer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address of the viewer, and the study that its PACS has: a series and its segmentation."""
    folder = tmp_path_factory.mktemp("ohif")
    (folder / "pacs").mkdir()
    uid = ohif.write_series(folder / "scan")
    volume = read_volume(folder / "scan")
    _, rows, columns = volume.geometry.shape
    mask = np.zeros(volume.geometry.shape, bool)
    # The upper left quarter of every slice that OHIF may show first.
    mask[:, rows // 8 : rows // 2, columns // 8 : columns // 2] = True
    outputs = [folder / "lesion.seg.dcm", folder / "report.sr.dcm"]
    write_files(outputs, [lesion_of(mask, volume, LABEL)], volume, [(0.9, 0.1, 0.1)])
    pacs = Orthanc(folder / "pacs")
    pacs.start()
    try:
        pacs.put(folder)
        with ohif.served(viewer, pacs) as address:
            yield address, uid
    finally:
        pacs.kill()


@pytest.fixture(scope="module")
def page(study: tuple[str, str]) -> Iterator[Any]:
    """The segmentation, open in OHIF."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed: nothing was shown in OHIF")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ohif.CHROMIUM))
        yield ohif.open_segmentation(browser, *study, LABEL)
        browser.close()


def coloured(picture: bytes, folder: Path) -> np.ndarray:
    """Which pixels of a picture are no grey: bool, rows and columns."""
    (folder / "view.png").write_bytes(io.BytesIO(picture).getvalue())
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "view.png")))[..., :3].astype(int)
    return np.ptp(array, axis=-1) > 40


def test_the_segment_is_listed_and_lies_over_its_part_of_the_image(
    page: Any, tmp_path: Path
) -> None:
    view = page.locator(".cornerstone-viewport-element").first
    for _ in range(60):
        found = coloured(view.screenshot(), tmp_path)
        if found.mean() > 0.05:
            break
        page.wait_for_timeout(1000)
    rows, columns = found.shape
    side = min(rows, columns)  # the square image fills the view's height
    top, left = (rows - side) // 2, (columns - side) // 2
    square = found[top : top + side, left : left + side]
    half, eighth = side // 2, side // 8
    inside = square[eighth + 8 : half - 8, eighth + 8 : half - 8]
    assert inside.mean() > 0.9
    assert square[half + 8 :, half + 8 :].mean() < 0.05
