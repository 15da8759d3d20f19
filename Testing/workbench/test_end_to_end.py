"""The workbench as its users have it: a real mouse in a real browser, a real worker."""

from __future__ import annotations

import csv
import os
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.core.image.formats.dicom.test_series import write_series
from Testing.workbench.bench import Bench, processesBelow
from Testing.workbench.conftest import Server

VIEWS = ("Red", "Green", "Yellow", "Space")


@pytest.fixture
def bench(server: Server, browser: Any) -> Any:
    """A tab."""
    with Bench(browser, server.address) as opened:
        yield opened


class Case:
    """A bundled case: where its expert's mask lies, in voxels and on the screen."""

    def __init__(self, folder: Path) -> None:
        self.label = sitk.ReadImage(str(folder / "expert.nii.gz"))
        self.expert = sitk.GetArrayFromImage(self.label) > 0
        inside = np.argwhere(self.expert)
        self.low, self.high = inside.min(axis=0), inside.max(axis=0)  # KJI, both ends included

    def corner(self, bench: Bench, high: bool) -> tuple[float, float]:
        """Page position of a corner of the expert's box in the axial view, all of it shown."""
        middle = (np.array(self.expert.shape) - 1) / 2
        place = self.high + 0.5 if high else self.low - 0.5
        mm = (place - middle)[[2, 1]] * np.array(self.label.GetSpacing())[:2]
        x, y = bench.middle("Red")
        right, down = mm / bench.places()["Red"]["mm"]
        return x + right, y + down

    def dice(self, path: Path) -> float:
        """Of a saved segmentation, against the expert's mask."""
        found = sitk.ReadImage(str(path))
        found = sitk.Resample(found, self.label, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
        mask = sitk.GetArrayFromImage(found) > 0
        return float(2 * (mask & self.expert).sum() / (mask.sum() + self.expert.sum()))


@pytest.fixture
def case(sample_data: Path) -> Case:
    """The MR."""
    return Case(sample_data / "sarcoma_mr")


def drawBox(bench: Bench, case: Case) -> None:
    """Draw the expert's box with the mouse: one drag, and its ends in two other slices."""
    bench.click("box")
    bench.drag(case.corner(bench, False), bench.middle("Red"), case.corner(bench, True))
    bench.untilText("message", "Adjust the box")
    for button, k in (("first", case.low[0]), ("last", case.high[0])):
        bench.scrollTo("Red", int(k) + 1)
        bench.click(button)
    bench.scrollTo("Red", int(case.low[0] + case.high[0]) // 2 + 1)


def test_a_newcomer_gets_from_a_sample_to_saved_files_with_the_mouse_alone(
    bench: Bench, case: Case, scene: Any, tmp_path: Path, screenshots: Path
) -> None:
    bench.open("sarcoma_mr")
    drawBox(bench, case)
    bench.click("segment")
    bench.untilIdle()
    assert "segmented in" in bench.text("message")
    saved = bench.download("save-seg", tmp_path)
    dice = case.dice(saved)
    print(f"Dice against the expert: {dice:.3f}")
    assert dice > 0.85
    bench.page.mouse.move(5, 715)
    bench.untilDrawn("view-Space")
    bench.page.wait_for_timeout(700)  # the picture without loss follows the last movement
    bench.page.screenshot(path=screenshots / "workbench.png")

    before = float(bench.text("volume"))
    expected = case.expert.sum() * np.prod(case.label.GetSpacing()) / 1000
    assert before == pytest.approx(expected, rel=0.25)
    # Drag the handle of the box's left side to the middle: the mask follows and halves.
    x0, y0 = case.corner(bench, False)
    x1, y1 = case.corner(bench, True)
    bench.drag((x0, (y0 + y1) / 2), ((x0 + x1) / 2, (y0 + y1) / 2))
    bench.until("v => Number(document.querySelector('[data-test=volume]').innerText) < v", before)
    bench.untilIdle()
    assert float(bench.text("volume")) < 0.8 * before
    bench.click("undo")
    bench.untilText("message", "Undone")
    bench.untilText("volume", f"{before:.2f}")
    assert bench.text("state").startswith("done")  # the box has come back with its mask
    again = bench.download("save-seg", tmp_path)
    assert case.dice(again) == pytest.approx(dice, abs=1e-9)

    labels = sitk.ReadImage(str(bench.download("save-nii", tmp_path)))
    assert labels.GetSize() == case.label.GetSize()
    assert case.dice(tmp_path / "SarcomaMR.nii.gz") == pytest.approx(dice, abs=1e-9)
    with bench.download("save-csv", tmp_path).open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert float(row["volume_ml"]) == pytest.approx(before, abs=0.01)
    picture = sitk.ReadImage(str(bench.download("save-png", tmp_path)))
    assert min(picture.GetSize()[:2]) > 500
    reopenInSlicer(bench.download("save-mrb", tmp_path), scene, tmp_path, before)


def reopenInSlicer(bundle: Path, scene: Any, folder: Path, volumeMl: float) -> None:
    """Read a saved scene with MRML: the box, the segment and the image are in place."""
    from MASAMSlicerLib.scene.lesions import LesionList
    from MASAMSlicerLib.scene.prompts import cornersInVolume

    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(folder / "bundle")
    (file,) = (folder / "bundle").rglob("*.mrml")
    scene.SetURL(str(file))
    assert scene.Import()
    (lesion,) = LesionList(scene).lesions()
    assert lesion.volume.GetName() == "SarcomaMR"
    mask, _ = LesionList(scene).maskOf(lesion)
    voxel = np.prod(lesion.volume.GetSpacing()) / 1000
    assert mask.sum() * voxel == pytest.approx(volumeMl, abs=0.01)
    assert lesion.status == "segmented"
    corners = cornersInVolume(lesion.roi, lesion.volume)
    assert (np.ptp(corners, axis=0) > 10).all()


def test_touch_up_threshold_list_and_keys(bench: Bench, case: Case) -> None:
    bench.open("sarcoma_mr")
    drawBox(bench, case)
    bench.page.keyboard.press("Control+Enter")
    bench.untilIdle()
    before = float(bench.text("volume"))
    assert bench.text("plane") == "axial"
    bench.get("diameter-plane").select_option("coronal")
    bench.untilText("plane", "coronal")
    x, y = bench.middle("Red")

    bench.click("eraser")
    bench.drag((x - 20, y), (x + 20, y))
    bench.untilIdle("edited by hand")
    bench.until("v => Number(document.querySelector('[data-test=volume]').innerText) < v", before)
    bench.click("brush")
    bench.drag((x - 25, y), (x + 25, y))
    bench.page.keyboard.press("Escape")
    bench.until("() => document.querySelector('.workbench').dataset.tool === ''")
    for _ in range(2):
        bench.page.keyboard.press("Control+z")
    bench.untilIdle()
    assert float(bench.text("volume")) == before

    bench.click("use-threshold")
    bench.get("threshold").fill("90")
    bench.until("v => Number(document.querySelector('[data-test=volume]').innerText) < v", before)
    bench.untilIdle()

    assert bench.text("plane") == "coronal"

    bench.page.keyboard.press("b")  # a second lesion, in another view, by two clicks
    x, y = bench.middle("Green")
    bench.page.mouse.click(x - 30, y - 25)
    bench.page.mouse.move(x, y, steps=3)
    bench.page.mouse.click(x + 30, y + 25)
    bench.until("() => document.querySelectorAll('[data-test=lesion]').length === 2")
    bench.untilText("message", "Adjust the box")
    bench.page.keyboard.press("b")
    bench.until("() => document.querySelectorAll('[data-test=lesion]').length === 3")
    bench.page.keyboard.press("Escape")  # left before it was drawn: no row stays
    bench.until("() => document.querySelectorAll('[data-test=lesion]').length === 2")

    name = bench.get("name").nth(0)
    name.fill("Thigh")
    name.press("Enter")
    bench.page.keyboard.press("v")
    bench.until("() => window.trame.state.get('showMasks') === false")
    bench.page.keyboard.press("e")
    bench.until(
        "() => document.querySelectorAll('[data-test=lesion]')[0].classList.contains('selected')"
    )
    assert bench.page.evaluate("() => window.trame.state.get('lesions')[0].name") == "Thigh"
    bench.get("lock").nth(0).click()
    bench.untilIdle("locked")
    bench.get("delete").nth(0).click()
    bench.untilText("message", "is locked")

    bench.page.reload()  # what was there is there
    bench.until("() => document.querySelectorAll('[data-test=lesion]').length === 2")
    bench.untilDrawn()


def workersOf(server: Server) -> list[int]:
    """The processes that compute."""
    found = processesBelow(server.process.pid).items()
    workers = [pid for pid, words in found if "masam_core.worker" in words]
    assert workers
    return workers


def test_a_killed_worker_is_told_and_the_next_run_has_a_new_one(
    server: Server, bench: Bench, case: Case
) -> None:
    bench.open("sarcoma_mr")
    bench.untilText("device", "Computing on")
    bench.page.keyboard.press("b")
    bench.drag(case.corner(bench, False), bench.middle("Red"), case.corner(bench, True))
    bench.untilText("message", "Adjust the box")
    workers = workersOf(server)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)  # else a fast run might be over before it is looked at
    bench.click("segment")
    bench.until("() => document.querySelector('.workbench').dataset.busy === 'yes'")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    bench.untilText("message", "ended unexpectedly")
    assert bench.get("lesion").count() == 1
    bench.untilIdle("new")
    bench.click("segment")
    bench.untilIdle()
    assert float(bench.text("volume")) > 10


def test_cancel_changes_nothing(server: Server, bench: Bench, case: Case) -> None:
    bench.open("sarcoma_mr")
    bench.untilText("device", "Computing on")
    drawBox(bench, case)
    for pid in workersOf(server):
        os.kill(pid, signal.SIGSTOP)  # else a fast run might be over before it is cancelled
    bench.click("segment")
    bench.until("() => document.querySelector('.workbench').dataset.busy === 'yes'")
    assert bench.text("segment") == "Cancel"
    bench.click("segment")
    bench.untilText("message", "Cancelled")
    bench.untilIdle("new")


def test_a_broken_file_is_told_and_what_was_open_stays(
    bench: Bench, sample_data: Path, tmp_path: Path
) -> None:
    content = (sample_data / "sarcoma_ct" / "image.nii.gz").read_bytes()
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(content[: len(content) // 2])
    bench.open("sarcoma_mr")
    bench.upload(broken)
    bench.untilText("message", "Copy or export it again")
    assert "error" in str(bench.get("message").get_attribute("class"))
    assert "broken.nii.gz" in bench.text("message")
    assert str(tmp_path) not in bench.text("message")
    assert bench.text("image") == "SarcomaMR"
    large = tmp_path / "large.nrrd"
    large.write_bytes(b"\0" * 21_000_000)
    bench.upload(large)
    bench.untilText("message", "more than 0.02 GB")
    good = tmp_path / "my scan.nii.gz"
    good.write_bytes(content)
    bench.upload(good)
    bench.untilText("image", "my scan.nii.gz")
    bench.untilText("place-Red", "/ 58")
    assert bench.get("preset").input_value() == "Soft tissue"
    bench.get("preset").select_option("Bone")
    bench.page.keyboard.press("b")  # the list must not keep the keys
    bench.until("() => document.querySelector('.workbench').dataset.tool === 'box'")
    saved = bench.download("save-png", tmp_path)
    assert saved.name == "my_scan.png"


def test_dicom_slices_are_opened_from_a_folder_and_from_an_archive(
    bench: Bench, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    write_series(folder, "1", slices=4)
    bench.upload(folder, "open-folder")
    bench.untilText("image", "study")
    bench.untilText("place-Red", "/ 4")
    write_series(folder, "2", slices=6, modality="MR")
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.iterdir():
            packed.write(path, f"deep/er/{path.name}")
    bench.upload(archive)
    bench.get("one-series").first.wait_for()
    assert bench.text("one-series") == "MR, series 2, 6 slices"
    bench.click("one-series")
    bench.untilText("place-Red", "/ 6")
    assert bench.text("image") == "two.zip"
    assert bench.get("series").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_nothing_jumps_and_nothing_scrolls(
    server: Server, browser: Any, case: Case, width: int, height: int, screenshots: Path
) -> None:
    with Bench(browser, server.address, {"width": width, "height": height}) as bench:
        bench.open("sarcoma_mr")
        parts = [*(f"view-{name}" for name in VIEWS), "segment", "lesions", "save-seg", "footer"]

        def layout() -> list[Any]:
            return [bench.get(part).bounding_box() for part in parts]

        first = layout()
        views = [box for part, box in zip(parts, first, strict=True) if part.startswith("view")]
        assert max(v["x"] + v["width"] for v in views) == width
        assert max(v["y"] + v["height"] for v in views) == height
        assert sum(v["width"] * v["height"] for v in views) > 0.7 * width * height
        bench.page.keyboard.press("b")
        bench.drag(case.corner(bench, False), bench.middle("Red"), case.corner(bench, True))
        bench.untilText("message", "Adjust the box")
        assert layout()[:6] == first[:6]
        bench.click("segment")
        bench.until("() => document.querySelector('.workbench').dataset.busy === 'yes'")
        assert layout() == first
        bench.untilIdle()
        assert layout() == first
        overflow = "() => document.documentElement.scrollHeight > window.innerHeight"
        assert not bench.page.evaluate(overflow)
        bench.page.wait_for_timeout(700)
        bench.page.screenshot(path=screenshots / f"workbench_{width}.png")


def test_a_name_is_typed_undisturbed_during_a_run(bench: Bench, case: Case) -> None:
    bench.open("sarcoma_mr")
    drawBox(bench, case)
    name = bench.get("name").first
    before = name.input_value()
    bench.click("segment")
    bench.until("() => document.querySelector('.workbench').dataset.busy === 'yes'")
    name.fill("Thi")
    said = bench.text("message")
    bench.until("s => document.querySelector('[data-test=message]').innerText !== s", said)
    assert name.input_value() == "Thi"
    name.press("Escape")
    assert name.input_value() == before
    assert not name.evaluate("field => field === document.activeElement")
    name.fill("Thigh")
    name.press("Enter")
    assert not name.evaluate("field => field === document.activeElement")
    bench.until("() => window.trame.state.get('lesions')[0].name === 'Thigh'")
    bench.untilIdle()
    assert name.input_value() == "Thigh"


def test_a_box_is_not_drawn_in_the_3d_view(bench: Bench, case: Case) -> None:
    bench.open("sarcoma_mr")
    bench.page.keyboard.press("b")
    bench.until("() => document.querySelector('.workbench').dataset.tool === 'box'")
    x, y = bench.middle("Space")
    bench.page.mouse.click(x - 30, y - 20)
    bench.untilText("message", "Draw the box in a slice.")
    bench.page.mouse.click(x + 30, y + 20)
    bench.drag((x - 20, y), (x + 20, y + 20))
    assert bench.page.evaluate("() => document.querySelector('.workbench').dataset.tool") == "box"
    bench.drag(case.corner(bench, False), bench.middle("Red"), case.corner(bench, True))
    bench.untilText("message", "Adjust the box")
    assert bench.get("lesion").count() == 1


def test_a_result_is_shown_though_masks_were_hidden(bench: Bench, case: Case) -> None:
    bench.open("sarcoma_mr")
    drawBox(bench, case)
    bench.page.keyboard.press("v")
    bench.until("() => window.trame.state.get('showMasks') === false")
    bench.click("segment")
    bench.untilIdle()
    bench.until("() => window.trame.state.get('showMasks') === true")


def test_the_page_answers_while_an_image_is_read_and_the_reading_can_be_cancelled(
    server: Server, bench: Bench, tmp_path: Path
) -> None:
    bench.open("sarcoma_mr")
    slow = sitk.GetImageFromArray(np.random.default_rng(1).normal(size=(9, 300, 300)))
    path = tmp_path / "slow.nii.gz"
    sitk.WriteImage(slow, str(path))
    bench.upload(path)
    bench.untilText("message", "Reading slow.nii.gz")
    readers: list[int] = []
    deadline = time.monotonic() + 20
    while not readers and time.monotonic() < deadline:
        words = processesBelow(server.process.pid).items()
        readers = [pid for pid, line in words if "masam_core.image.apart" in line]
    for pid in readers:
        os.kill(pid, signal.SIGSTOP)  # as slow as can be
    assert readers
    bench.page.keyboard.press("v")
    bench.until("() => window.trame.state.get('showMasks') === false")
    assert bench.text("segment") == "Cancel"
    bench.page.evaluate("() => window.trame.trigger('openSample', ['sarcoma_ct'])")
    bench.click("segment")
    bench.untilText("message", "Cancelled")
    assert bench.text("image") == "SarcomaMR"
    found = processesBelow(server.process.pid)
    assert not [pid for pid in readers if pid in found]
    bench.upload(path)
    bench.untilText("image", "slow.nii.gz")


def test_a_reload_during_an_upload_leaves_nothing_behind(bench: Bench, tmp_path: Path) -> None:
    bench.open("sarcoma_mr")
    path = tmp_path / "scan.nrrd"
    path.write_bytes(b"0" * 1_000_000)
    held: list[Any] = []  # and never sent on
    bench.page.route("**/upload?*", lambda route: held.append(route))
    bench.upload(path)
    bench.untilText("message", "Sending scan.nrrd")
    bench.page.reload()
    bench.untilText("image", "SarcomaMR")
    assert held
    assert "scan.nrrd" not in bench.text("message")
    bench.page.unroute("**/upload?*")
    bench.click("sample-sarcoma_ct")
    bench.untilText("image", "SarcomaCT")


def test_the_page_confirms_the_pictures_it_gets(bench: Bench) -> None:
    bench.open("sarcoma_mr")
    bench.page.evaluate(
        """() => {
            const trigger = window.trame.trigger;
            window.confirmed = {};
            window.trame.trigger = (name, args, ...rest) => {
                if (name === "confirm") window.confirmed[args[0]] = args[1];
                return trigger(name, args, ...rest);
            };
        }"""
    )
    for _ in range(2):
        bench.scrollTo("Red", bench.places()["Red"]["number"] + 5)
        bench.until("() => window.confirmed.Red > 0")
        bench.page.evaluate("() => { window.confirmed = {}; }")


WARNED = """() => {
    const event = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
}"""


def test_leaving_is_warned_of_while_there_are_unsaved_masks(
    bench: Bench, case: Case, tmp_path: Path
) -> None:
    bench.open("sarcoma_mr")
    drawBox(bench, case)
    bench.click("segment")
    bench.untilIdle()
    assert bench.page.evaluate(WARNED)  # and a page that stays is still connected
    bench.download("save-csv", tmp_path)  # numbers are no masks
    assert bench.page.evaluate(WARNED)
    bench.download("save-seg", tmp_path)
    assert not bench.page.evaluate("() => window.trame.utils.masam.unsaved()")
    bench.page.reload()
    bench.get("lesion").wait_for()
    assert not bench.page.evaluate("() => window.trame.utils.masam.unsaved()")
    name = bench.get("name").first
    name.fill("Thigh")
    name.press("Enter")
    bench.until("() => window.trame.state.get('lesions')[0].name === 'Thigh'")
    assert bench.page.evaluate(WARNED)
    bench.get("lesion").focus()
    assert bench.text("confidence").endswith("%")


def test_keys_work_after_a_colour_or_a_list_had_the_focus(bench: Bench, case: Case) -> None:
    bench.context.set_default_timeout(15_000)

    def pressed(key: str, tool: str) -> None:
        bench.page.keyboard.press(key)
        bench.until("t => document.querySelector('.workbench').dataset.tool === t", tool)

    bench.open("sarcoma_mr")
    drawBox(bench, case)
    bench.page.locator("input[type=color]").focus()
    pressed("b", "box")
    pressed("Escape", "")
    bench.get("preset").click()  # opened, and closed without a choice
    bench.page.keyboard.press("Escape")
    pressed("b", "box")
    pressed("Escape", "")


def test_a_row_is_selected_with_the_keyboard(bench: Bench, case: Case) -> None:
    bench.open("sarcoma_mr")
    for view in ("Red", "Green"):
        bench.page.keyboard.press("b")
        bench.until("() => document.querySelector('.workbench').dataset.tool === 'box'")
        x, y = bench.middle(view)
        bench.drag((x - 30, y - 25), (x, y), (x + 30, y + 25))
        bench.until("() => document.querySelector('.workbench').dataset.tool === ''")
    first = bench.get("lesion").nth(0)
    bench.until(
        "() => document.querySelectorAll('[data-test=lesion]')[1].classList.contains('selected')"
    )
    first.focus()
    bench.page.keyboard.press("Enter")
    bench.until(
        "() => document.querySelectorAll('[data-test=lesion]')[0].classList.contains('selected')"
    )


def test_window_and_level_are_said_while_they_are_adjusted(bench: Bench) -> None:
    bench.open("sarcoma_ct")
    assert not bench.get("levels").is_visible()
    bench.click("window")
    bench.get("levels").wait_for()
    before = bench.text("levels")
    assert before.startswith("W ")
    x, y = bench.middle("Red")
    bench.drag((x, y), (x + 60, y))
    bench.until("b => document.querySelector('[data-test=levels]').innerText !== b", before)


def test_a_file_over_the_limit_is_refused_before_it_is_sent(bench: Bench, tmp_path: Path) -> None:
    sent: list[str] = []
    bench.page.on("request", lambda request: sent.append(request.url))
    bench.open("sarcoma_mr")
    large = tmp_path / "large.nrrd"
    large.write_bytes(b"0" * 20_000_001)
    bench.upload(large)
    bench.untilText("message", "more than 0.02 GB")
    assert not [url for url in sent if "upload" in url]


def test_a_dropped_folder_is_opened_as_dicom(bench: Bench, tmp_path: Path) -> None:
    write_series(tmp_path, "1", slices=4)
    contents = [list(path.read_bytes()) for path in sorted(tmp_path.iterdir())]
    bench.page.evaluate(
        """(contents) => {
            const folder = (name, children) => ({
                name, isDirectory: true, createReader: () => {
                    const batches = [children.slice(0, 3), children.slice(3), []];
                    return { readEntries: (done) => done(batches.shift()) };
                },
            });
            const files = contents.map((bytes, n) => ({
                isFile: true, file: (done) => done(new File([new Uint8Array(bytes)], `${n}.dcm`)),
            }));
            const entry = folder("study", [folder("deeper", files)]);
            const items = [{ webkitGetAsEntry: () => entry }];
            window.trame.utils.masam.drop({ dataTransfer: { items, files: [] } });
        }""",
        contents,
    )
    bench.untilText("image", "study")
    bench.untilText("place-Red", "/ 4")
