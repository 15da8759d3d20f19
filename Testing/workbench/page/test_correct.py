"""A wrong mask is put right where it is looked at: with the mouse, on a case of the validation."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.workbench.page.bench import Bench, Case, Place
from Testing.workbench.page.conftest import dice, maskIn
from Testing.workbench.page.test_way import VOLUME, corner, volumeOf

DATA = Path("shared/data/tumours")
NAME = "sts003_t1"
SLICES = slice(18, 25)  # of 20 with the tumour, round the largest contour


@pytest.fixture(scope="module")
def tumour(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Some slices of a sarcoma in MR of a patient that no training has seen.

    Each slice of a box takes its time with each mask, and what is put right here lies in them all.
    """
    for folder in (Path.cwd() / DATA, *(parent / DATA for parent in Path(__file__).parents)):
        if (folder / NAME / "image.nii.gz").is_file():
            few = tmp_path_factory.mktemp("few")
            for name in ("image.nii.gz", "label.nii.gz"):
                sitk.WriteImage(
                    sitk.ReadImage(str(folder / NAME / name))[:, :, SLICES], str(few / name)
                )
            return Case(few / "image.nii.gz", few / "label.nii.gz")
    pytest.skip(f"{DATA / NAME} is not here: corrections were not tried on a validation case")


@pytest.fixture
def opened(tab: Bench, tumour: Case) -> Bench:
    """The tab with that image."""
    tab.press("Escape", "Escape")
    before = str(tab.page.evaluate("() => document.body.dataset.image ?? ''"))
    tab.upload(tumour.path)
    tab.untilImage(before)
    tab.untilLesions(0)
    return tab


def saved(bench: Bench, case: Case, folder: Path) -> np.ndarray:
    """The masks as they are now, KJI."""
    with bench.page.expect_download() as waiting:
        bench.press("Control+s")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return maskIn(path, case.label)


def at(bench: Bench, case: Case, kji: np.ndarray) -> Place:
    """Bring the axial view to a voxel's slice; where the voxel lies on the page."""
    bench.scrollTo("axial", int(kji[0]) + 1)
    only = Case.__new__(Case)
    only.label, only.low, only.high = case.label, kji + 0.5, kji - 0.5
    return corner(bench, only, False)


def untilOther(bench: Bench, before: float) -> None:
    """Wait until the mask has another volume, and nothing is computed any more."""
    bench.until(f"v => {VOLUME} !== v", before)
    bench.untilIdle()


def test_a_wrong_mask_is_put_right_with_two_clicks_and_a_cutting_box_is_extended(
    opened: Bench, tumour: Case, tmp_path: Path, screenshots: Path
) -> None:
    bench, case = opened, tumour
    cut = Case.__new__(Case)
    cut.label, cut.low, cut.high = case.label, case.low, case.high.copy()
    cut.high[2] = case.low[2] + round(0.55 * (case.high[2] - case.low[2]))
    bench.scrollTo("axial", int(case.low[0] + case.high[0]) // 2 + 1)
    bench.press("b")
    bench.drag(corner(bench, cut, False), corner(bench, cut, True))
    bench.untilLesions(1)
    bench.scrollTo("axial", int(case.high[0]) + 1)
    bench.press("]")
    bench.scrollTo("axial", int(case.low[0]) + 1)
    bench.press("[")
    bench.scrollTo("axial", int(case.low[0] + case.high[0]) // 2 + 1)
    bench.press("Control+Enter")
    bench.untilIdle()
    bench.get("extend").first.wait_for()
    assert not re.search(r"\d", bench.text("confidence"))  # none is shown as valid
    small = volumeOf(bench)
    before = dice(saved(bench, case, tmp_path), case.expert)
    bench.page.screenshot(path=screenshots / "workbench_cut.png")

    bench.get("extend").first.click()
    untilOther(bench, small)
    extended = dice(saved(bench, case, tmp_path), case.expert)
    bench.press("Control+z")
    bench.until(f"v => {VOLUME} === v", small)

    for _ in range(2):
        missed = np.argwhere(case.expert & ~saved(bench, case, tmp_path))
        middle = missed[np.abs(missed - missed.mean(axis=0)).sum(axis=1).argmin()]
        now = volumeOf(bench)
        place = at(bench, case, middle)
        bench.press("p")
        bench.page.mouse.click(*place)
        untilOther(bench, now)
        bench.press("Escape")
    assert bench.get("prompt").count() == 2
    after = dice(saved(bench, case, tmp_path), case.expert)
    bench.page.screenshot(path=screenshots / "workbench_clicks.png")
    print(f"Dice cut off {before:.3f}, extended {extended:.3f}, two clicks {after:.3f}")
    assert extended > before + 0.05
    assert after > before + 0.05

    corrected = volumeOf(bench)
    bench.get("delete-prompt").last.click()  # the mask follows
    untilOther(bench, corrected)
    bench.press("Control+z")
    bench.until(f"v => {VOLUME} === v", corrected)
    assert bench.get("prompt").count() == 2


def test_a_recist_line_becomes_a_mask(opened: Bench, tumour: Case, tmp_path: Path) -> None:
    bench, case = opened, tumour
    largest = int(case.expert.sum(axis=(1, 2)).argmax())
    points = np.argwhere(case.expert[largest])
    spacing = np.array(case.label.GetSpacing())[1::-1]
    rim = points[:: max(len(points) // 400, 1)]
    apart = np.linalg.norm((rim[:, None] - rim[None]) * spacing, axis=-1)
    a, b = np.unravel_index(apart.argmax(), apart.shape)
    ends = [at(bench, case, np.array([largest, *rim[n]])) for n in (a, b)]
    bench.press("r")
    bench.drag(*ends)
    bench.untilLesions(1)
    bench.untilIdle()
    found = dice(saved(bench, case, tmp_path), case.expert)
    print(f"Dice from a line: {found:.3f}")
    assert found > 0.7
    assert bench.get("prompt").count() == 1
    bench.press("Control+z", "Control+z")
    bench.untilLesions(0)


def test_hand_work_begins_from_nothing_and_keeps_to_the_values(
    opened: Bench, tumour: Case, tmp_path: Path
) -> None:
    bench, case = opened, tumour
    middle = np.round(np.argwhere(case.expert).mean(axis=0)).astype(int)
    x, y = at(bench, case, middle)
    bench.press("d")
    bench.drag((x - 10, y), (x + 10, y))
    bench.untilLesions(1)
    bench.until(f"() => {VOLUME} > 0")
    drawn = saved(bench, case, tmp_path)
    assert drawn[middle[0]].sum() == drawn.sum() > 20  # a disc, in this slice alone
    painted = volumeOf(bench)
    bench.press("x")
    bench.drag((x - 30, y), (x, y))
    untilOtherVolume(bench, painted)
    assert volumeOf(bench) < painted
    bench.press("Escape", "Control+z")
    bench.until(f"v => {VOLUME} === v", painted)
    values = sitk.GetArrayFromImage(sitk.ReadImage(str(case.path)))
    limit = float(np.median(values[drawn]))
    bench.press("d")
    bench.get("sphere").check()
    bench.get("limited").check()
    bench.get("low").fill(str(limit))
    bench.get("high").fill("100000")
    bench.get("high").press("Tab")
    bench.drag((x - 20, y + 15), (x + 20, y + 15))
    untilOtherVolume(bench, painted)
    more = saved(bench, case, tmp_path) & ~drawn
    assert more.any(axis=(1, 2)).sum() > 1  # spheres reach other slices
    assert values[more].min() >= limit
    bench.get("sphere").uncheck()
    bench.get("limited").uncheck()


def untilOtherVolume(bench: Bench, before: float) -> None:
    """Wait for the measurements after a stroke."""
    bench.until(f"v => {VOLUME} > 0 && {VOLUME} !== v", before)
