"""A browser that draws: Chromium with WebGL in software."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.workbench.conftest import requireWorkbench
from Testing.workbench.page.bench import Bench, Case

CHROMIUM = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-gpu-compositing",  # as where there is no GPU: WebGL alone is drawn by SwiftShader
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Debian's Chromium without a window, for all files of the page that one process tests."""
    requireWorkbench()
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed: the workbench was not tried in a browser")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        yield started
        started.close()


@pytest.fixture(scope="module")
def tab(server: Any, browser: Any) -> Iterator[Bench]:
    """One tab for the tests of a file: a tab is a process, and takes seconds to start."""
    with Bench(browser, server.address) as opened:
        yield opened


@pytest.fixture
def mr(tab: Bench) -> Bench:
    """The tab with the MR, as if just opened."""
    tab.page.set_viewport_size({"width": 1280, "height": 720})
    tab.again("sarcoma_mr")
    return tab


@pytest.fixture(scope="session")
def case(sample_data: Path) -> Case:
    """The MR with its expert's mask."""
    return Case(
        sample_data / "sarcoma_mr" / "image.nii.gz", sample_data / "sarcoma_mr" / "expert.nii.gz"
    )


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Of two masks."""
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def maskIn(path: Path, like: sitk.Image) -> np.ndarray:
    """A saved segmentation on the grid of an image, KJI."""
    found = sitk.ReadImage(str(path))
    found = sitk.Resample(found, like, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    return sitk.GetArrayFromImage(found) > 0
