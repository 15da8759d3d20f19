"""The PACS in the browser: search with the keyboard, open a series with a click, send back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.core.pacs.conftest import PATIENT
from Testing.core.pacs.orthanc import Orthanc
from Testing.core.watch.making import headers, report, save
from Testing.workbench.conftest import Server
from Testing.workbench.page.bench import Bench

from ...core.image.formats.dicom.making import series


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A PACS with a CT that shows a ball, and a report on it."""
    folder = tmp_path_factory.mktemp("pacs")
    made = Orthanc(folder)
    made.start()
    k, j, i = np.indices((16, 64, 64))
    ball = ((i - 34) / 10) ** 2 + ((j - 30) / 9) ** 2 + ((k - 8) / 4) ** 2 <= 1
    body = ((i - 32) / 28) ** 2 + ((j - 32) / 24) ** 2 <= 1
    values = np.where(body, 40, -1000) + 90 * ball
    noise = np.random.default_rng(3).normal(0, 12, values.shape)
    series(
        folder / "study",
        (values + noise).astype(np.int16),
        **PATIENT,
        StudyInstanceUID="1.2.7",
        StudyDate="20240117",
        StudyDescription="Abdomen",
        SeriesInstanceUID="1.2.7.1",
        SeriesDescription="portal venous",
        SeriesNumber=2,
        FrameOfReferenceUID="1.2.7.9",
        PixelSpacing=[1.0, 1.0],
        WindowCenter=40,
        WindowWidth=400,
    )
    save(report(headers(folder / "study")), folder / "study" / "report.dcm")
    made.put(folder / "study")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def server(server: Server, orthanc: Orthanc) -> Iterator[Server]:
    """The workbench while the settings of this PACS are there, which each new tab reads."""
    pytest.importorskip("highdicom")
    settings = server.home / "pacs.json"
    settings.parent.mkdir(exist_ok=True)
    orthanc.write_settings(settings)
    yield server
    settings.unlink()


def test_a_series_is_found_and_opened(tab: Bench, screenshots: Path, orthanc: Orthanc) -> None:
    page: Any = tab.page
    tab.click("start-pacs")
    page.keyboard.type("Mustermann")
    page.keyboard.press("Enter")
    tab.get("pacs-series").wait_for()
    tab.until("() => document.querySelector('.studies img').naturalWidth > 0")
    assert "2024-01-17   Mustermann^Erika   P-4711   Abdomen" in tab.get("pacs-list").inner_text()
    assert "portal venous, 16 images" in tab.get("pacs-list").inner_text()
    page.screenshot(path=str(screenshots / "workbench_pacs.png"))
    tab.click("pacs-series")
    tab.until("() => document.body.dataset.image")
    assert not tab.get("pacs").is_visible()
    tab.click("save-menu")
    assert tab.get("save-pacs").is_disabled()  # there is no mask yet
    assert tab.errors == []
