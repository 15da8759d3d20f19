"""The page for whoever has no mouse, or hears it: names, dialogs, focus, axe-core."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from Testing.workbench.page.bench import Bench

SERIOUS = ("serious", "critical")


@cache
def axeFile() -> Path | None:
    """axe-core's script, from a folder of npm's, which takes a second to say where that is."""
    found = [Path(os.environ["MASAM_AXE"])] if os.environ.get("MASAM_AXE") else []
    npm = shutil.which("npm")
    if npm is not None and not found:
        done = subprocess.run(
            [npm, "root", "--global"], capture_output=True, text=True, check=False
        )
        found = [Path(done.stdout.strip()) / "axe-core" / "axe.min.js"]
    return found[0] if found and found[0].is_file() else None


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's script."""
    file = axeFile()
    if file is None:
        pytest.skip("axe-core is not installed (npm install --global axe-core): not checked by it")
    return file.read_text("utf-8")


def violations(bench: Bench, axe: str) -> list[Any]:
    """What axe-core finds serious in the page as it is, after it has looked at enough."""
    bench.page.evaluate(axe)
    found = bench.page.evaluate("() => axe.run(document)")
    assert len(found["passes"]) > 15
    return [
        (each["impact"], each["id"], [node["target"] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in SERIOUS
    ]


def test_axe_finds_nothing_serious(tab: Bench, axe: str) -> None:
    assert violations(tab, axe) == []  # the start screen
    tab.again("sarcoma_mr")
    x, y = tab.middle("axial")
    tab.press("b")
    tab.drag((x - 30, y - 20), (x, y), (x + 30, y + 30))
    tab.untilLesions(1)
    tab.press("d")
    assert violations(tab, axe) == []
    tab.press("Escape")
    for menu in ("open-menu", "save-menu", "show-menu"):
        tab.click(menu)
        assert violations(tab, axe) == [], menu
        tab.press("Escape")
    for name in ("help", "settings"):
        tab.click(name)
        assert violations(tab, axe) == [], name
        tab.press("Escape")


def test_dialogs_keep_the_focus_and_give_it_back(mr: Bench) -> None:
    mr.get("help").focus()
    mr.press("Enter")
    mr.get("help-window").wait_for()
    for _ in range(4):
        mr.press("Tab")
        assert mr.page.evaluate(
            "() => { const at = document.activeElement;"
            " return at === document.body || at.closest('dialog') !== null; }"
        )
    mr.press("b")  # no tool is taken behind a dialog
    assert mr.page.evaluate("() => document.querySelector('.workbench').dataset.tool") == ""
    mr.press("Escape")
    mr.get("help-window").wait_for(state="hidden")
    assert mr.page.evaluate("() => document.activeElement.dataset.test") == "help"


def test_names_tell_the_lesion_and_sliders_keep_the_focus(mr: Bench) -> None:
    x, y = mr.middle("axial")
    mr.press("b")
    mr.drag((x - 30, y - 20), (x, y), (x + 30, y + 30))
    mr.untilLesions(1)
    mr.get("name").fill("Thigh")
    mr.press("Enter")
    mr.until("() => document.querySelector('[data-test=lesion]').ariaLabel.includes('Thigh')")
    named = mr.page.evaluate(
        "() => [...document.querySelectorAll('.lesion :is(button, input, select)')]"
        ".filter((each) => each.checkVisibility()).map((each) => each.ariaLabel ?? each.innerText)"
    )
    unnamed = [words for words in named if "Thigh" not in words]
    assert len(named) >= 9
    assert unnamed == []
    slider = mr.get("slice-coronal")
    slider.focus()
    number = mr.slice("coronal")[0]
    mr.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert mr.slice("coronal")[0] == number + 3
    assert mr.page.evaluate("() => document.activeElement.dataset.test") == "slice-coronal"
    assert str(slider.get_attribute("aria-valuetext")).startswith(f"{number + 3} of ")


def test_a_second_page_of_a_tab_is_told_what_it_is_and_may_take_over(mr: Bench) -> None:
    other = mr.context.new_page()
    other.goto(mr.page.url)
    strip = other.locator("[data-test=strip-role]")
    strip.wait_for()
    assert "looks on" in strip.inner_text()
    other.locator("[data-test=take-over]").click()
    strip.wait_for(state="hidden")
    mr.get("strip-role").wait_for()
    other.close()
    mr.get("strip-role").wait_for(state="hidden")  # the one that is left works again
