"""The workbench as its users have it: from an image to a saved mask, with a real worker."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.workbench.page.bench import Bench, Case, Place
from Testing.workbench.page.conftest import dice, maskIn

VOLUME = "Number(document.querySelector('.lesion.selected [data-test=volume]').innerText)"


def corner(bench: Bench, case: Case, high: bool) -> Place:
    """Page position of a corner of the expert's box in the axial view, all of it shown."""
    area = bench.area("axial")
    size = np.array(case.label.GetSize())[:2]
    spacing = np.array(case.label.GetSpacing())[:2]
    across, up = size * spacing
    scale = 0.98 * min(area["width"] / across, area["height"] / up)
    place = (case.high + 0.5 if high else case.low - 0.5)[[2, 1]]  # IJ; both run to L and P
    off = (place - (size - 1) / 2) * spacing * scale
    x, y = bench.middle("axial")
    return x + off[0], y + off[1]


def drawBox(bench: Bench, case: Case) -> None:
    """Draw the expert's box with the mouse: one drag, and its ends in two other slices."""
    bench.scrollTo("axial", int(case.low[0] + case.high[0]) // 2 + 1)
    bench.press("b")
    bench.drag(corner(bench, case, False), bench.middle("axial"), corner(bench, case, True))
    bench.until("() => document.querySelector('[data-test=end-upper]').disabled === false")
    bench.scrollTo("axial", int(case.high[0]) + 1)
    bench.click("end-upper")
    bench.scrollTo("axial", int(case.low[0]) + 1)
    bench.click("end-lower")
    bench.scrollTo("axial", int(case.low[0] + case.high[0]) // 2 + 1)


def volumeOf(bench: Bench) -> float:
    """Of the selected lesion, ml."""
    return float(bench.page.locator(".lesion.selected [data-test=volume]").inner_text())


def test_a_newcomer_gets_from_a_sample_to_saved_files_with_the_mouse(
    mr: Bench, case: Case, tmp_path: Path, screenshots: Path
) -> None:
    drawBox(mr, case)
    mr.click("segment")
    mr.untilIdle()
    saved = mr.download("save-seg", tmp_path)
    assert saved.name.endswith(".seg.nrrd")
    found = dice(maskIn(saved, case.label), case.expert)
    print(f"Dice against the expert: {found:.3f}")
    assert found > 0.85
    before = volumeOf(mr)
    expected = case.expert.sum() * np.prod(case.label.GetSpacing()) / 1000
    assert before == pytest.approx(expected, rel=0.25)
    mr.page.mouse.move(5, 715)
    mr.page.wait_for_timeout(500)  # the surface comes after the mask
    mr.page.screenshot(path=screenshots / "workbench.png")
    with mr.download("save-csv", tmp_path).open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert float(row["volume_ml"]) == pytest.approx(before, rel=0.01)
    labels = sitk.ReadImage(str(mr.download("save-nii", tmp_path)))
    assert labels.GetSize() == case.label.GetSize()
    assert dice(sitk.GetArrayFromImage(labels) > 0, case.expert) == pytest.approx(found, abs=1e-9)
    mr.until("() => document.querySelector('[data-test=saved]').innerText === ''")

    # A side of the box is dragged to the middle: the mask follows, and undo brings both back.
    x0, y0 = corner(mr, case, False)
    x1, y1 = corner(mr, case, True)
    mr.drag((x0, (y0 + y1) / 2), ((x0 + x1) / 2, (y0 + y1) / 2))
    mr.until(f"v => {VOLUME} < v", before)
    mr.untilIdle()
    size = mr.get("size-0").input_value()
    mr.click("undo")
    mr.until(f"v => {VOLUME} === v", before)
    assert float(mr.get("size-0").input_value()) > 1.5 * float(size)
    mr.click("redo")
    mr.until("s => document.querySelector('[data-test=size-0]').value === s", size)
    mr.click("undo")
    mr.until(f"v => {VOLUME} === v", before)


def test_keys_alone_lead_from_a_sample_to_a_saved_mask(
    server: Any, browser: Any, case: Case, tmp_path: Path
) -> None:
    with Bench(browser, server.address) as bench:
        reach(bench, "start-sarcoma_mr")
        bench.press("Enter")
        bench.untilImage()
        reach(bench, "view-axial")
        bench.press("b")
        for kji in (case.low, case.high):
            goTo(bench, kji)
            bench.press("Enter")
        bench.untilLesions(1)
        bench.press("Control+Enter")
        bench.untilIdle()
        with bench.page.expect_download() as waiting:
            bench.press("Control+s")
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        found = dice(maskIn(path, case.label), case.expert)
        print(f"Dice with keys alone: {found:.3f}")
        assert found > 0.8
        before = volumeOf(bench)
        reach(bench, "size-2")  # of about 85 mm, head to feet: the same slices as before, but fewer
        bench.press("Control+a", *"40", "Enter")
        bench.until(f"v => {VOLUME} < v", before)


def reach(bench: Bench, name: str) -> None:
    """Go to something with the Tab key alone."""
    for _ in range(80):
        if bench.page.evaluate("() => document.activeElement?.dataset.test") == name:
            return
        bench.press("Tab")
    raise AssertionError(f"{name} can't be reached with Tab")


def goTo(bench: Bench, kji: np.ndarray) -> None:
    """Bring the crosshair of the axial view to a voxel with arrow and Page keys."""
    for view, axis, back, on in (
        ("axial", 0, "PageDown", "PageUp"),
        ("coronal", 1, "ArrowUp", "ArrowDown"),
        ("sagittal", 2, "ArrowLeft", "ArrowRight"),
    ):
        for far in (10, 1):
            while abs(left := int(kji[axis]) + 1 - bench.slice(view)[0]) >= far:
                bench.press(("Shift+" if far > 1 else "") + (on if left > 0 else back))
