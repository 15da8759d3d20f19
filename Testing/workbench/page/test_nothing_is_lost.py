"""Work outlives a click too many, a connection, the server; and saved scenes come back."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from Testing.workbench.conftest import WITHOUT_MODEL, startServer
from Testing.workbench.page.bench import Bench
from Testing.workbench.page.test_way import VOLUME, volumeOf
from Testing.workbench.processes import processesBelow


def paint(bench: Bench) -> float:
    """A mask by hand, without a model; its volume, ml."""
    x, y = bench.middle("axial")
    bench.press("d")
    bench.drag((x - 20, y), (x + 20, y + 10))
    bench.untilLesions(1)
    bench.until(f"() => {VOLUME} > 0")
    bench.press("Escape")
    return volumeOf(bench)


def untilKept(bench: Bench, home: Path) -> None:
    """Wait until the one lesion is on the server's disk, with its mask."""
    for _ in range(1200):
        for file in (home / "workbench").glob("*/work.json"):
            content = json.loads(file.read_text())
            if content["count"] == 1 and content["segmentations"]:
                return
        bench.page.wait_for_timeout(50)
    raise AssertionError("Nothing was kept")


def test_a_question_is_asked_before_unsaved_work_goes_and_none_after(
    mr: Bench, tmp_path: Path
) -> None:
    x, y = mr.middle("axial")
    mr.press("b")
    mr.drag((x - 30, y - 20), (x + 30, y + 30))
    mr.untilLesions(1)
    mr.untilText("saved", "not saved")
    mr.click("open-menu")
    mr.click("sample-sarcoma_ct")
    mr.get("question").wait_for()
    assert "1 box without a mask" in mr.get("question").inner_text()
    mr.click("question-no")
    assert mr.get("lesion").count() == 1
    mr.press("Delete")
    mr.untilLesions(0)
    paint(mr)
    saved = mr.download("save-mrb", tmp_path)
    mr.until("() => document.querySelector('[data-test=saved]').textContent === ''")
    before = str(mr.page.evaluate("() => document.body.dataset.image"))
    mr.click("open-menu")
    mr.click("sample-sarcoma_ct")
    mr.untilImage(before)  # no question
    assert mr.get("question").count() == 0
    assert saved.stat().st_size > 10_000


def test_a_saved_scene_is_opened_as_it_was(mr: Bench, tmp_path: Path) -> None:
    volume = paint(mr)
    mr.get("name").fill("Thigh")
    mr.press("Enter")
    x, y = mr.middle("axial")
    mr.press("b")
    mr.drag((x - 60, y - 50), (x - 20, y - 10))
    mr.untilLesions(2)
    mr.until("() => [...document.querySelectorAll('[data-test=size-0]')].at(-1)?.value")
    size = mr.get("size-0").last.input_value()
    saved = mr.download("save-mrb", tmp_path)
    mr.again("sarcoma_ct")
    before = str(mr.page.evaluate("() => document.body.dataset.image"))
    mr.upload(saved)
    mr.untilImage(before)
    mr.untilLesions(2)
    names = [each.input_value() for each in mr.get("name").all()]
    assert names[0] == "Thigh"
    mr.get("lesion").first.click()
    mr.until(f"v => Math.abs({VOLUME} - v) < 0.01", volume)
    mr.get("lesion").last.click()
    mr.until("s => document.querySelector('.lesion.selected [data-test=size-0]').value === s", size)


def test_no_picture_stands_under_the_name_of_an_image_that_could_not_be_fetched(mr: Bench) -> None:
    mr.press("b")
    mr.page.route("**/image/*.nii.gz", lambda route: route.abort())
    try:
        mr.click("open-menu")
        mr.click("sample-sarcoma_ct")
        mr.untilText("message", "could not be shown")
        mr.untilDrawn()
        assert mr.page.locator("#flat").is_hidden()
        assert mr.page.evaluate("() => document.body.dataset.image") is None
    finally:
        mr.page.unroute("**/image/*.nii.gz")
        mr.errors.clear()  # the browser's own words about the request
    mr.again("sarcoma_mr")
    assert mr.page.locator("#flat").is_visible()


def test_the_picture_goes_while_the_next_one_is_on_its_way(mr: Bench) -> None:
    held: list[Any] = []
    mr.page.route("**/image/*.nii.gz", lambda route: held.append(route))
    try:
        mr.click("open-menu")
        mr.click("sample-sarcoma_ct")
        mr.page.locator("#flat").wait_for(state="hidden")
        mr.page.wait_for_timeout(200)
        assert held  # it is still to come
    finally:
        for each in held:
            each.continue_()
        mr.page.unroute("**/image/*.nii.gz")
    mr.untilImage()
    assert mr.page.locator("#flat").is_visible()


def test_undo_brings_back_a_deleted_mask_in_slices_and_a_lost_surface_is_fetched_again(
    mr: Bench,
) -> None:
    asked: list[str] = []
    mr.page.on("request", lambda request: asked.append(request.url))
    lost: list[str] = []

    def lose(route: Any) -> None:
        lost.append(route.request.url)
        route.abort()

    mr.page.route("**/surface/**", lose)
    try:
        paint(mr)
        for _ in range(200):
            if lost:
                break
            mr.page.wait_for_timeout(50)
    finally:
        mr.page.unroute("**/surface/**")
        mr.errors.clear()  # the browser's own words about the request
    mask = next(url for url in asked if "/mask/" in url)
    with mr.page.expect_request(lost[-1]):  # with the next change of the list
        mr.get("visible").click()
        mr.page.locator(".lesion.faint").wait_for()  # two clicks at once change nothing
        mr.get("visible").click()
    mr.get("lesion").first.click()
    asked.clear()
    mr.press("Delete")
    mr.untilLesions(0)
    with mr.page.expect_request(re.compile(re.escape(mask.rsplit("/", 1)[0]))):
        mr.click("undo")
    mr.untilLesions(1)


def test_a_locked_box_is_not_moved_by_keys(mr: Bench) -> None:
    x, y = mr.middle("axial")
    mr.press("b")
    mr.drag((x - 30, y - 20), (x + 30, y + 30))
    mr.untilLesions(1)
    paint(mr)  # in the same lesion
    mr.get("lock").click()
    mr.until("() => document.querySelector('[data-test=lock]').classList.contains('on')")
    mr.click("view-axial")
    mr.press("Control+ArrowUp")
    mr.untilText("message", "is locked")


def test_a_tab_that_does_not_answer_is_told_and_comes_back(server: Any, mr: Bench) -> None:
    tabs = [
        pid
        for pid, words in processesBelow(server.process.pid).items()
        if "masam_workbench.tab" in words
    ]
    assert tabs
    for pid in tabs:
        os.kill(pid, signal.SIGSTOP)
    try:
        mr.until("() => document.body.dataset.health === 'silent'")
        strip = mr.get("strip-health")
        strip.wait_for()
        assert "not answering" in strip.inner_text()
    finally:
        for pid in tabs:
            os.kill(pid, signal.SIGCONT)
    mr.until("() => document.body.dataset.health === 'connected'")
    mr.get("strip-health").wait_for(state="hidden")


def test_work_goes_on_after_the_server_was_killed(browser: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = startServer(*WITHOUT_MODEL, home=home)
    try:
        bench = Bench(browser, first.address)
        bench.open("sarcoma_mr")
        volume = paint(bench)
        untilKept(bench, home)
        first.process.kill()
        strip = bench.get("strip-health")
        strip.wait_for()
        assert "lost" in strip.inner_text()
        bench.context.close()
    finally:
        first.stop()
    second = startServer(*WITHOUT_MODEL, home=home)
    try:
        with Bench(browser, second.address) as bench:
            bench.get("continue").first.click()
            bench.untilImage()
            bench.untilLesions(1)
            bench.until(f"v => Math.abs({VOLUME} - v) < 0.01", volume)
    finally:
        second.stop()
