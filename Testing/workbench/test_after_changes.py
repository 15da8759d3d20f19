"""What follows a change by hand: nothing that the user has taken back, and no old numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.workbench.bench import Bench
from Testing.workbench.conftest import Server
from Testing.workbench.test_end_to_end import Case, drawBox


def test_old_numbers_are_not_saved_and_an_undone_result_does_not_return(
    server: Server, browser: Any, sample_data: Path, tmp_path: Path
) -> None:
    case = Case(sample_data / "sarcoma_mr")
    with Bench(browser, server.address) as bench:
        bench.open("sarcoma_mr")
        drawBox(bench, case)
        bench.click("segment")
        bench.untilIdle()
        x, y = bench.middle("Red")
        bench.click("eraser")
        bench.drag((x - 20, y), (x + 20, y))
        with bench.download("save-csv", tmp_path).open(encoding="utf-8-sig") as file:
            (row,) = csv.DictReader(file)
        saved = sitk.ReadImage(str(bench.download("save-seg", tmp_path)))
        voxels = int((sitk.GetArrayFromImage(saved) > 0).sum())
        volume = voxels * float(np.prod(saved.GetSpacing())) / 1000
        assert float(row["volume_ml"]) == pytest.approx(volume, abs=0.01)
        bench.page.keyboard.press("Escape")
        bench.page.keyboard.press("Control+z")
        bench.untilIdle()

        before = bench.text("volume")
        x0, y0 = case.corner(bench, False)
        x1, y1 = case.corner(bench, True)
        bench.drag((x0, (y0 + y1) / 2), ((x0 + x1) / 2, (y0 + y1) / 2))
        bench.until("v => document.querySelector('[data-test=volume]').innerText !== v", before)
        bench.untilIdle()
        bench.click("undo")
        bench.untilText("volume", before)
        name = bench.get("name").first
        name.fill("Thigh")
        name.press("Enter")
        bench.until("() => window.trame.state.get('lesions')[0].name === 'Thigh'")
        bench.page.wait_for_timeout(1000)
        assert bench.page.evaluate("() => window.trame.state.get('busy')") is False
        assert bench.text("volume") == before
        assert bench.text("state").startswith("done")
