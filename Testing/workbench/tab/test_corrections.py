"""Prompts besides the box, and hand work, as the page asks for them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.workbench.client import Page
from Testing.workbench.conftest import Server
from Testing.workbench.sample import boxOf, dice, expertOf, imageOf, rasOf, writeSlices

SAMPLE = "sarcoma_mr"
BALL = {"mode": "brush", "shape": "sphere", "radius": 8, "plane": "axial", "range": None}


def diameterOf(folder: Path) -> tuple[list[float], list[float]]:
    """Both ends of a long line in the slice in which the expert's contour is largest, RAS."""
    expert = expertOf(folder)
    k = int(expert.sum(axis=(1, 2)).argmax())
    rows, cols = np.nonzero(expert[k])
    first, last = cols.argmin(), cols.argmax()
    return rasOf(folder, (k, rows[first], cols[first])), rasOf(folder, (k, rows[last], cols[last]))


async def masked(page: Page, before: Any = None) -> dict[str, Any]:
    """Wait for another mask of the only lesion; its row."""

    def done(state: dict[str, Any]) -> bool:
        rows = state["lesions"]
        assert state["messageKind"] != "error", state["message"]
        return bool(rows and rows[0]["mask"] and rows[0]["mask"] != before and not state["busy"])

    await page.until(done)
    row: dict[str, Any] = page.state["lesions"][0]
    return row


def test_a_line_begins_a_lesion_and_clicks_correct_it(
    server: Server, sample_data: Path, tmp_path: Path
) -> None:
    folder = sample_data / SAMPLE
    few = slice(20, 28)  # of 26 with the lesion, among them that with the largest contour
    expert = expertOf(folder)[few]
    image = writeSlices(folder, few, tmp_path / "few.nii.gz")

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.upload({image.name: image.read_bytes()}, image.name)
            await page.until(lambda s: s["image"] and s["image"]["name"] == image.name)
            ends = diameterOf(folder)
            lesion = await page.done("first", "line", list(ends), "axial")
            begun = await masked(page)
            assert begun["id"] == lesion
            (line,) = begun["prompts"]
            assert (line["kind"], line["first"]) == ("line", True)
            np.testing.assert_allclose(sorted(line["points"]), sorted(map(list, ends)), atol=1e-2)
            assert begun["asked"] == "line"
            first = await page.mask(begun, expert.shape)
            assert dice(first, expert) > 0.5
            assert page.state["saved"] is False

            # One click on what is wrong: in one step, with its mask.
            wrong = first ^ expert
            where = np.argwhere(wrong)[int(wrong.sum()) // 2]
            belongs = bool(expert[tuple(where)])
            point = rasOf(folder, where + np.array([few.start, 0, 0]))
            await page.done("correct", lesion, "point", belongs, [point], "axial")
            row = await masked(page, begun["mask"])
            click = row["prompts"][1]
            assert (click["kind"], click["positive"]) == ("point", belongs)
            np.testing.assert_allclose(click["points"], [point], atol=1e-2)
            second = await page.mask(row, expert.shape)
            assert bool(second[tuple(where)]) is belongs

            await page.done("undo")
            await page.until(lambda s: s["lesions"][0]["mask"] == begun["mask"])
            assert page.state["lesions"][0]["prompts"] == begun["prompts"]
            await page.done("redo")
            await page.until(lambda s: s["lesions"][0]["mask"] == row["mask"])
            assert len(page.state["lesions"][0]["prompts"]) == 2

            await page.done("deletePrompt", lesion, click["id"])
            gone = await masked(page, row["mask"])
            assert len(gone["prompts"]) == 1

            # A locked lesion refuses.
            await page.done("lock", lesion)
            await page.until(lambda s: s["lesions"][0]["locked"])
            await page.done("correct", lesion, "point", True, [point], "axial")
            await page.until(lambda s: "locked" in s["message"])
            assert page.state["lesions"][0]["prompts"] == gone["prompts"]
            assert page.state["lesions"][0]["corrected"] is True

    asyncio.run(play())


def test_hand_work_is_a_step_each(server: Server, sample_data: Path) -> None:
    folder = sample_data / SAMPLE
    image = imageOf(folder)
    shape = image.GetSize()[::-1]
    spacing = np.array(image.GetSpacing())
    k, j, i = (n // 2 for n in shape)

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.open(SAMPLE)

            async def after(name: str, *arguments: Any) -> np.ndarray:
                before = page.state["lesions"][0]["mask"] if page.state["lesions"] else None
                await page.done(name, *arguments)
                return await page.mask(await masked(page, before), shape)

            ball = await after("paint", "", BALL, [rasOf(folder, (k, j, i))])
            lesion = page.state["lesions"][0]["id"]
            first = page.state["lesions"][0]["mask"]["version"]
            # As large as a ball of that radius, as far as voxels allow.
            volume = ball.sum() * spacing.prod()
            assert volume == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.1)
            assert page.state["lesions"][0]["asked"] == "drawn by hand"
            grown = await after("grow", lesion, 3)
            assert (grown & ball).sum() == ball.sum() < grown.sum()
            shrunk = await after("grow", lesion, -3)
            assert (shrunk & ~grown).sum() == 0
            far = [rasOf(folder, (k, j, i + 35))]
            both = await after("paint", lesion, BALL, far)
            one = await after("keepPiece", lesion, far[0])
            assert 0 < one.sum() < both.sum()
            assert not one[k, j, i]
            disc = {**BALL, "mode": "eraser", "shape": "disc", "radius": 20}
            erased = await after("paint", lesion, disc, far)
            assert not erased[k].any()
            assert (erased == one)[np.arange(shape[0]) != k].all()  # in that slice alone
            filled = await after("interpolate", lesion)
            assert filled[k].any()
            for _ in range(6):
                await page.done("undo")
            # Masks are called by their content.
            await page.until(lambda s: s["lesions"][0]["mask"]["version"] == first)
            now = await page.mask(page.state["lesions"][0], shape)
            np.testing.assert_array_equal(now, ball)

            # Only what has such a value: nothing there is so bright.
            bright = {**BALL, "range": [1e6, None]}
            answer = await page.do("paint", "", bright, far)
            assert "no voxel under the brush" in answer["error"]
            assert len(page.state["lesions"]) == 1
            for odd in ({}, {**BALL, "radius": "5"}, {**BALL, "radius": 1e9}, {**BALL, "range": 3}):
                assert (await page.do("paint", lesion, odd, far))["error"]
            for odd in ([], [[1, 2]], [["a", "b", "c"]], [[None, 0, 0]], 7):
                assert (await page.do("paint", lesion, BALL, odd))["error"]
            for odd in ("5", 0, 1e9, None, True):
                assert (await page.do("smooth", lesion, odd))["error"]

    asyncio.run(play())


@pytest.mark.parametrize("order", [("upper", "lower"), ("lower", "upper")])
def test_ends_are_set_in_any_order_in_the_view_that_was_used(
    server: Server, sample_data: Path, order: tuple[str, str]
) -> None:
    folder = sample_data / SAMPLE
    center, axes, size = boxOf(folder)
    shape = imageOf(folder).GetSize()[::-1]

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.open(SAMPLE)
            lesion = await page.done("newBox", center, axes, size)
            middle = np.array([n // 2 for n in shape])
            places = {}
            for end, offset in zip(order, (6, 14) if order[0] == "lower" else (14, 6), strict=True):
                places[end] = rasOf(folder, (offset + 15, middle[1], middle[2]))
                await page.done("setEnd", lesion, end, places[end], "axial")
            step = imageOf(folder).GetSpacing()[2]
            height = abs(places["upper"][2] - places["lower"][2]) + step

            def lies(state: dict[str, Any]) -> bool:
                box = state["lesions"][0]["box"]
                along = np.abs(np.array(box["axes"])[:, 2]).argmax()
                return bool(box["size"][along] == pytest.approx(height, abs=0.05))

            await page.until(lies)
            assert "runs between" in page.state["message"]
            box = page.state["lesions"][0]["box"]
            assert box["center"][2] == pytest.approx(
                (places["upper"][2] + places["lower"][2]) / 2, abs=0.05
            )
            await page.done("undo")
            answer = await page.do("setEnd", lesion, "middle", places["upper"], "axial")
            assert "expected first, last" in answer["error"]
            answer = await page.do("setEnd", lesion, "upper", places["upper"], "diagonal")
            assert "expected sagittal" in answer["error"]

    asyncio.run(play())
