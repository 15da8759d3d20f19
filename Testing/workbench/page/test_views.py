"""The viewer, with mouse and keys in a real browser; the tab is asked for nothing meanwhile."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from Testing.workbench.page.bench import LPS_TO_RAS, VIEWS, Bench, Case

Label = tuple[np.ndarray, float]


def crosshair(bench: Bench, view: str = "axial") -> Label:
    """Position (RAS, mm) and value of the crosshair, as a view says them to a screen reader."""
    bench.untilDrawn()
    words = str(bench.get(f"view-{view}").get_attribute("aria-label"))
    place = [
        float(mm) * (1 if letter in "RAS" else -1)
        for letter, mm in re.findall(r"([RLAPSI]) ([\d.]+)", words)
    ]
    return np.array(place), float(words.rsplit(" ", 1)[1])


def windowOf(bench: Bench) -> tuple[float, float]:
    """Window and level, as they stand in their fields."""
    return tuple(float(bench.get(name).input_value()) for name in ("window-field", "level-field"))  # type: ignore[return-value]


def picture(bench: Bench) -> np.ndarray:
    """What is on the screen, (rows, columns) grey."""
    return np.array(Image.open(io.BytesIO(bench.page.screenshot())).convert("L"), float)


def test_what_lies_under_a_click_is_what_simpleitk_finds_there(mr: Bench, case: Case) -> None:
    image = sitk.ReadImage(str(case.path))
    mr.press("c")  # without the crosshair, whose lines would cover the picture
    mr.get("window-field").fill("1000")
    mr.press("Enter")
    mr.get("level-field").fill("500")
    mr.press("Enter")
    rng = np.random.default_rng(0)
    for view in VIEWS:
        area = mr.area(view)
        for _ in range(5):
            x = round(area["x"] + area["width"] / 2 + rng.uniform(-60, 60))
            y = round(area["y"] + area["height"] / 2 + rng.uniform(-50, 50))
            mr.page.mouse.click(x, y)
            mr.page.mouse.move(5, 5)
            mr.untilDrawn()
            ras, value = crosshair(mr, view)
            at = image.TransformPhysicalPointToContinuousIndex((ras * LPS_TO_RAS).tolist())
            near = [image[[int(c) for c in each]] for each in around(at, image)]
            assert min(near) <= value <= max(near)
            seen = picture(mr)[y - 1 : y + 2, x - 1 : x + 2].mean()
            assert (
                np.clip(min(near) / 1000 * 255, 0, 255) - 12
                <= seen
                <= np.clip(max(near) / 1000 * 255, 0, 255) + 12
            )
    mr.press("c")


def around(at: Any, image: sitk.Image) -> Any:
    """Voxels (I, J, K) that meet at a continuous index, some further ones for rounding."""
    size = image.GetSize()
    for offset in np.ndindex(3, 3, 3):
        yield np.clip(np.round(np.array(at) + np.array(offset) - 1), 0, np.array(size) - 1)


def test_thirty_notches_in_a_second_end_thirty_slices_on_and_the_server_hears_nothing(
    mr: Bench,
) -> None:
    requests: list[str] = []
    mr.page.on("request", lambda request: requests.append(request.url))
    mr.page.evaluate(
        "() => { const send = WebSocket.prototype.send; window.sent = [];"
        " WebSocket.prototype.send = function (data) {"
        " window.sent.push(data); return send.call(this, data); }; }"
    )
    first, count = mr.slice("axial")
    assert (first, count) == (23, 45)
    mr.wheel("axial", 15)
    assert mr.slice("axial")[0] == 38
    took = mr.page.evaluate(
        """async () => {
          const tile = document.querySelector("[data-test=view-axial]");
          const begun = performance.now();
          for (let n = 0; n < 30; n += 1) {
            const turn = { deltaY: 100, bubbles: true, cancelable: true };
            tile.dispatchEvent(new WheelEvent("wheel", turn));
            await new Promise((done) => setTimeout(done, 20));
          }
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return performance.now() - begun;
        }"""
    )
    print(f"30 notches of the wheel: {took:.0f} ms")
    assert mr.slice("axial")[0] == 8
    sent = mr.page.evaluate("() => window.sent")
    assert sent == []
    assert requests == []


def test_a_volume_is_prepared_once_and_each_view_drawn_once(mr: Bench) -> None:
    mr.page.evaluate(
        """() => {
          const made = WebGL2RenderingContext.prototype;
          window.counted = { textures: [], flat: 0, deep: 0 };
          const after = (name, then) => {
            const old = made[name];
            made[name] = function (...all) {
              then(this, ...all);
              return old.apply(this, all);
            };
          };
          after("texStorage3D", (gl, ...[, , , i, j, k]) => counted.textures.push(i * j * k));
          for (const name of ["drawArrays", "drawElements"]) {
            after(name, (gl) => {
              if (!gl.getParameter(gl.FRAMEBUFFER_BINDING)) counted[gl.canvas.id] += 1;
            });
          }
        }"""
    )

    def counted(change: Callable[[], None]) -> dict[str, Any]:
        mr.page.evaluate("() => Object.assign(counted, { textures: [], flat: 0, deep: 0 })")
        change()
        mr.page.wait_for_timeout(300)  # the slice in the 3D view follows when the wheel rests
        mr.untilDrawn()
        return dict(mr.page.evaluate("() => counted"))

    assert counted(lambda: mr.wheel("axial", 1)) == {"textures": ANY, "flat": 3, "deep": 1}
    voxels = 113 * 111 * 45
    # Values and greys; the gradients, of which only volume renderings know, would be two more.
    for change in (lambda: mr.again("sarcoma_mr"), lambda: setLevel(mr, 500)):
        assert counted(change)["textures"].count(voxels) == 2


def test_the_3d_view_shows_the_axial_slice_with_its_window(mr: Bench) -> None:
    area = {key: round(value) for key, value in mr.area("space").items()}
    crop = np.s_[
        area["y"] + 60 : area["y"] + area["height"] - 10,
        area["x"] + 10 : area["x"] + area["width"] - 10,
    ]

    def untilBright(low: int, high: int) -> None:
        for _ in range(100):
            bright = int((picture(mr)[crop] > 240).sum())
            if low <= bright <= high:
                return
            mr.page.wait_for_timeout(50)
        raise AssertionError(f"{bright} bright pixels, and not {low} to {high}")

    setLevel(mr, -5000)
    untilBright(1500, 60_000)  # all of the slice is white
    setLevel(mr, 50_000)
    untilBright(0, 0)


def setLevel(bench: Bench, level: float) -> None:
    """Type a level into its field."""
    bench.get("level-field").fill(str(level))
    bench.press("Enter")


def test_window_and_level_by_drag_figures_presets_and_keys(tab: Bench) -> None:
    tab.again("sarcoma_ct")
    assert windowOf(tab) == (400, 40)
    assert tab.get("preset").locator("option:checked").inner_text() == "Soft tissue"
    x, y = tab.middle("coronal")
    tab.drag((x, y), (x + 100, y - 40), button="right")
    window, level = windowOf(tab)
    assert window == pytest.approx(500)
    assert level == pytest.approx(0)
    tab.get("preset").select_option(label="Bone")
    tab.untilDrawn()
    assert windowOf(tab)[0] > 1000
    tab.page.mouse.click(*tab.middle("coronal"))  # keys go to the views again
    tab.press("1")
    tab.untilDrawn()
    assert windowOf(tab) == (400, 40)
    before = picture(tab)
    tab.get("level-field").fill("-600")
    tab.press("Enter")
    tab.untilDrawn()
    assert picture(tab).mean() > before.mean() + 10
    tab.get("slab").select_option("20")
    tab.press("1")
    tab.untilDrawn()
    area = tab.area("axial")
    left, top = round(area["x"]), round(area["y"])
    crop = np.s_[top + 60 : top + 200, left + 60 : left + 300]
    slab = picture(tab)[crop]
    tab.get("slab").select_option("0")
    tab.untilDrawn()
    assert slab.mean() > picture(tab)[crop].mean()  # the largest of several is no smaller


def test_the_crosshair_links_the_views_and_keys_move_it(mr: Bench) -> None:
    x, y = mr.middle("axial")
    mr.page.mouse.click(x, y)
    before, _ = crosshair(mr)
    slices = {view: mr.slice(view)[0] for view in VIEWS}
    mr.press("ArrowLeft", "ArrowLeft", "ArrowUp", "PageUp")
    mr.untilDrawn()
    after, _ = crosshair(mr)
    np.testing.assert_allclose(after - before, [2 * 0.977, 0.977, 3.27], atol=0.6)
    assert mr.slice("axial")[0] == slices["axial"] + 1
    assert abs(mr.slice("coronal")[0] - slices["coronal"]) == 1
    assert abs(mr.slice("sagittal")[0] - slices["sagittal"]) == 2
    mr.press("Shift+PageDown")
    mr.untilDrawn()
    assert mr.slice("axial")[0] == slices["axial"] - 9


def test_layouts_double_click_and_zoom_keep_the_place(mr: Bench) -> None:
    x, y = mr.middle("coronal")
    mr.page.mouse.dblclick(x, y)
    mr.untilDrawn()
    assert not mr.get("view-axial").is_visible()
    assert mr.get("view-coronal").is_visible()
    assert mr.area("coronal")["width"] > 900
    mr.page.mouse.dblclick(*mr.middle("coronal"))
    mr.untilDrawn()
    assert all(mr.get(f"view-{name}").is_visible() for name in (*VIEWS, "space"))
    mr.click("layout-side")
    mr.untilDrawn()
    assert mr.area("coronal")["width"] > 2 * mr.area("axial")["width"]
    mr.click("layout-four")
    mr.untilDrawn()
    # What is under the pointer stays there when zoomed with Ctrl and the wheel.
    x, y = mr.middle("axial")
    place = (x + 60, y - 30)
    mr.page.mouse.click(*place)
    before, _ = crosshair(mr)
    mr.page.keyboard.down("Control")
    for _ in range(4):
        mr.page.mouse.wheel(0, -100)
    mr.page.keyboard.up("Control")
    mr.page.mouse.click(*place)
    mr.untilDrawn()
    after, _ = crosshair(mr)
    np.testing.assert_allclose(after, before, atol=0.1)
    mr.page.mouse.click(x - 60, y - 30)
    mr.untilDrawn()
    zoomed = crosshair(mr)[0] - after
    mr.click("fit")
    mr.page.mouse.click(*place)
    mr.untilDrawn()
    base, _ = crosshair(mr)
    mr.page.mouse.click(x - 60, y - 30)
    mr.untilDrawn()
    assert (crosshair(mr)[0] - base)[0] > 1.5 * zoomed[0]


def test_a_turned_image_is_called_oblique_with_two_letters(mr: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    image = sitk.GetImageFromArray(rng.normal(100, 20, (12, 30, 30)).astype(np.float32))
    image.SetSpacing((1.5, 1.5, 4))
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0, 0, np.deg2rad(25))
    image.SetDirection(turn.GetMatrix())
    path = tmp_path / "turned.nrrd"
    sitk.WriteImage(image, str(path))
    before = str(mr.page.evaluate("() => document.body.dataset.image"))
    mr.upload(path)
    mr.untilImage(before)
    label = str(mr.get("view-axial").get_attribute("aria-label"))
    assert label.startswith("Axial Oblique view")
    # LPS x turned by 25 degrees towards posterior: its way back leads to the right and anterior.
    assert mr.get("view-axial").get_attribute("data-letters") == "RA LP AL PR"


def test_a_ruler_measures_in_mm_and_its_picture_says_research_use(
    mr: Bench, tmp_path: Path
) -> None:
    x, y = mr.middle("axial")
    mr.page.mouse.click(x - 50, y)
    a, _ = crosshair(mr)
    mr.page.mouse.click(x + 50, y + 30)
    mr.untilDrawn()
    b, _ = crosshair(mr)
    mr.press("m")
    mr.drag((x - 50, y), (x, y), (x + 50, y + 30))
    mr.untilText("message", " mm")
    said = float(mr.text("message").split(" mm")[0])
    assert said == pytest.approx(np.linalg.norm(a - b), abs=0.2)
    mr.press("t")
    mr.drag((x - 50, y - 20), (x + 50, y - 20))
    mr.untilText("message", "across")
    mr.page.mouse.click(x, y - 50)  # two clicks do as well as a drag
    mr.page.mouse.move(x, y - 10, steps=3)
    mr.page.mouse.click(x, y + 20)
    mr.untilText("message", " \N{MULTIPLICATION SIGN} ")
    mr.press("Escape")
    saved = mr.download("save-png", tmp_path)
    assert saved.name == "SarcomaMR_picture.png"  # however often it was opened
    shot = np.array(Image.open(saved).convert("RGB"), float)
    area = mr.area("axial")
    stage = shot.shape[0] - 26
    assert shot.shape[1] == 1280 - 336
    assert stage == pytest.approx(720 - area["y"], abs=2)
    foot = shot[stage:]
    assert (foot[..., 0] > 200).sum() > 200  # words, in amber
    yellow = (shot[..., 0] > 230) & (shot[..., 1] > 200) & (shot[..., 2] < 140)
    assert yellow[:stage].sum() > 100  # the rulers are in the picture
    assert (np.ptp(shot[:stage], axis=2) < 8).mean() > 0.8  # and so is the image, in greys
    assert shot[60:200, 100:380].std() > 30


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1280, 720), (1920, 1080), (853, 480)])
def test_nothing_jumps_and_all_can_be_reached(
    mr: Bench, width: int, height: int, screenshots: Path
) -> None:  # the last one is 1280 x 720 at 150 %
    mr.page.set_viewport_size({"width": width, "height": height})
    mr.untilDrawn()
    parts = [*(f"view-{name}" for name in (*VIEWS, "space")), "box", "segment", "undo", "help"]

    def layout() -> list[Any]:
        return [mr.get(part).bounding_box() for part in parts]

    first = layout()
    views = [box for part, box in zip(parts, first, strict=True) if part.startswith("view")]
    assert max(v["x"] + v["width"] for v in views) <= width + 1
    assert max(v["y"] + v["height"] for v in views) <= height + 1
    assert sum(v["width"] * v["height"] for v in views) > 0.45 * width * height
    x, y = mr.middle("axial")
    mr.press("b")
    mr.drag((x - 30, y - 20), (x, y), (x + 30, y + 30))
    mr.untilLesions(1)
    mr.press("d")
    assert layout() == first
    mr.press("Escape")
    assert layout() == first
    assert not mr.page.evaluate(
        "() => document.documentElement.scrollHeight > window.innerHeight ||"
        " document.documentElement.scrollWidth > window.innerWidth"
    )
    assert mr.get("lesions").bounding_box()["height"] > 90  # never nothing
    mr.page.screenshot(path=screenshots / f"workbench_{width}.png")
    for name in ("name", "box", "segment", "help", "open-menu", "save-menu", "show-menu"):
        mr.get(name).first.scroll_into_view_if_needed()
        found = mr.get(name).first.bounding_box()
        assert min(found["width"], found["height"]) >= 24, name
        assert min(found["x"], found["y"]) >= 0, name
        assert found["x"] + found["width"] <= width, name
        assert found["y"] + found["height"] <= height, name


def test_a_handle_follows_the_pointer(mr: Bench) -> None:
    x, y = mr.middle("axial")
    mr.press("b")
    mr.drag((x - 40, y - 40), (x, y), (x + 40, y + 40))
    mr.untilLesions(1)
    mr.until("() => document.querySelector('[data-test=size-0]').value !== ''")
    before = float(mr.get("size-0").input_value())
    mr.page.mouse.move(x + 40, y + 10)
    mr.page.mouse.down()
    painted, took = mr.page.evaluate(
        """async ([x, y]) => {
          const tile = document.querySelector("[data-test=view-axial]");
          const clear = CanvasRenderingContext2D.prototype.clearRect;
          let count = 0;
          CanvasRenderingContext2D.prototype.clearRect = function (...all) {
            count += 1;
            return clear.apply(this, all);
          };
          const begun = performance.now();
          for (let n = 1; n <= 60; n += 1) {
            const at = { clientX: x + n / 2, clientY: y, bubbles: true, pointerId: 1 };
            tile.dispatchEvent(new PointerEvent("pointermove", at));
            await new Promise((done) => setTimeout(done, 8));
          }
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          CanvasRenderingContext2D.prototype.clearRect = clear;
          return [count, performance.now() - begun];
        }""",
        [x + 40, y + 10],
    )
    mr.page.mouse.move(x + 70, y + 10)
    mr.page.mouse.up()
    print(f"A dragged handle: {1000 * painted / took:.0f} pictures a second")
    assert painted > 0
    mr.until("v => Number(document.querySelector('[data-test=size-0]').value) > v", before)
    after = float(mr.get("size-0").input_value())
    assert after == pytest.approx(before * 110 / 80, rel=0.05)
