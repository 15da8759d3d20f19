"""From a sample to a mask, over the tab's own addresses."""

from __future__ import annotations

import asyncio
import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.workbench.client import Page
from Testing.workbench.conftest import Server
from Testing.workbench.sample import dice, middleSlicesOf


def test_from_a_sample_to_a_mask(server: Server, sample_data: Path, tmp_path: Path) -> None:
    folder = sample_data / "sarcoma_ct"
    source = sitk.ReadImage(str(folder / "image.nii.gz"))
    (center, axes, size), expert = middleSlicesOf(folder, 6)

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            assert page.state["role"] == "first"
            image = await page.open("sarcoma_ct")
            assert image["size"] == list(source.GetSize())
            assert image["unit"] == "HU"

            status, headers, body = await page.get(image["url"])
            assert status == 200
            assert int(headers["Content-Length"]) == len(body)
            assert "Content-Encoding" not in headers  # a browser would unpack it
            assert headers["Cache-Control"] == "no-store"  # of a patient
            (tmp_path / "whole.nii.gz").write_bytes(body)
            shown = sitk.ReadImage(str(tmp_path / "whole.nii.gz"))
            np.testing.assert_array_equal(
                sitk.GetArrayFromImage(shown), sitk.GetArrayFromImage(source)
            )
            assert shown.GetPixelID() == source.GetPixelID()
            np.testing.assert_allclose(shown.GetOrigin(), source.GetOrigin(), atol=1e-3)
            np.testing.assert_allclose(shown.GetDirection(), source.GetDirection(), atol=1e-5)

            lesion = await page.done("newBox", center, axes, size)
            await page.until(lambda s: s["lesions"] and s["lesions"][0]["box"])
            (row,) = page.state["lesions"]
            assert row["id"] == lesion == page.state["selected"]
            np.testing.assert_allclose(row["box"]["center"], center, atol=1e-3)
            np.testing.assert_allclose(row["box"]["size"], size, atol=1e-3)
            await page.done("segment")
            await page.until(lambda s: s["lesions"][0]["mask"] and not s["busy"])
            (row,) = page.state["lesions"]
            mask = await page.mask(row, expert.shape)
            assert dice(mask, expert) > 0.8
            litres = mask.sum() * float(np.prod(source.GetSpacing())) / 1000
            assert float(row["figures"]["volume"]) == pytest.approx(litres, rel=5e-3)

            await _surfaceHolds(page, row, litres)

            await page.done("undo")
            await page.until(lambda s: s["lesions"][0]["mask"] is None)
            await page.done("redo")
            await page.until(lambda s: s["lesions"][0]["mask"] == row["mask"])

            center[0] += 5
            await page.done("moveBox", lesion, center, axes, size)
            await page.until(lambda s: s["lesions"][0]["mask"] != row["mask"] and not s["busy"])
            np.testing.assert_allclose(page.state["lesions"][0]["box"]["center"], center, atol=1e-3)
            await page.done("undo")
            await page.until(lambda s: s["lesions"][0]["mask"] == row["mask"])
            for name, values in row["box"].items():
                now = page.state["lesions"][0]["box"][name]
                np.testing.assert_allclose(now, values, atol=1e-3)
            await page.until(lambda _: page.beats > 1)

    asyncio.run(play())


async def _surfaceHolds(page: Page, row: dict[str, Any], ml: float) -> None:
    """The mesh that is served is closed, in RAS, and holds what the mask holds."""
    status, _, body = await page.get(f"surface/{row['id']}/{row['surface']}")
    assert status == 200
    raw = gzip.decompress(body)
    magic, parts, faces, points, skip = struct.unpack_from("<HHIII", raw)
    assert (magic, parts, skip) == (0x5A4D, 3, 0)
    triangles = np.frombuffer(raw, "<i4", 3 * faces, 16).reshape(-1, 3)
    places = np.frombuffer(raw, "<f4", 3 * points, 16 + 12 * faces).reshape(-1, 3).astype(float)
    a, b, c = (places[triangles[:, n]] for n in range(3))
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6000
    assert volume == pytest.approx(ml, rel=0.05)  # positive: seen from outside
    half = np.array(row["box"]["size"]) / 2 + 5
    away = (places - row["box"]["center"]) @ np.array(row["box"]["axes"]).T
    assert (np.abs(away) <= half).all()


def test_what_is_not_understood_is_answered_and_harms_nothing(server: Server) -> None:
    async def play() -> None:
        async with Page(server.address) as page:
            for asked in (
                ("nothing", []),
                ("select", []),
                ("select", ["a", "b"]),
                ("newBox", ["a", [], None]),
                ("newBox", [[0, 0, 0], [[1, 0, 0]] * 3, [1, 1, 1]]),
                ("rename", ["gone", ""]),
            ):
                answer = await page.do(asked[0], *asked[1])
                assert asked[0] == "rename" or answer["error"]
            await page.socket.send_str("no json")
            await page.socket.send_str("[1, 2]")
            await page.socket.send_str('{"do": "select", "with": 3, "n": 77}')
            await page.done("select", "")
            assert page.state["lesions"] == []
            status, _, _ = await page.get("mask/a/b")
            assert status == 404

    asyncio.run(play())


def test_a_second_page_looks_on_until_it_takes_over(server: Server) -> None:
    async def play() -> None:
        async with Page(server.address) as first:
            jar = first.client.cookie_jar
            async with Page(first.base + "index.html", jar) as second:
                await second.until(lambda s: s["role"] == "second")
                answer = await second.do("openSample", "sarcoma_mr")
                assert "looks on" in answer["error"]
                await first.open("sarcoma_mr")
                await second.until(lambda s: s["image"])
                await second.done("takeOver")
                await first.until(lambda s: s["role"] == "second")
                assert second.state["role"] == "first"

    asyncio.run(play())


def test_a_page_that_connects_again_has_its_place_and_all_that_is_known(server: Server) -> None:
    async def play() -> None:
        async with Page(server.address, query="?page=a") as first:
            await first.open("sarcoma_mr")
            jar = first.client.cookie_jar
            async with Page(first.base + "index.html", jar, "?page=b") as second:
                await second.until(lambda s: s["role"] == "second")
                async with Page(first.base + "index.html", jar, "?page=a") as again:
                    await again.until(lambda s: s["role"] == "first")
                    assert again.state["image"] == first.state["image"]
                    assert second.state["role"] == "second"

    asyncio.run(play())
