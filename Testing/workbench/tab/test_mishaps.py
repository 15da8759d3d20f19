"""What goes wrong is told in words, and what was there stays."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from Testing.core.image.formats.dicom.test_series import write_series
from Testing.workbench.client import Page
from Testing.workbench.conftest import Server
from Testing.workbench.processes import processesBelow
from Testing.workbench.sample import middleSlicesOf

SAMPLE = "sarcoma_mr"
SECONDS = 60.0
SLICES = 7  # of the box, which no other test draws: its slices are encoded anew


async def below(server: Server, words: str) -> list[int]:
    """Wait for processes whose command line has these words."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = [p for p, line in processesBelow(server.process.pid).items() if words in line]
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"No process of '{words}'")


async def boxed(page: Page, sample_data: Path) -> str:
    """A sample with a box; the id of the lesion."""
    await page.open(SAMPLE)
    await page.until(lambda s: s["device"].startswith("Computing on"))
    lesion = await page.done("newBox", *middleSlicesOf(sample_data / SAMPLE, SLICES)[0])
    await page.until(lambda s: s["pending"] == 1)
    return str(lesion)


def test_a_killed_worker_is_told_and_the_next_run_has_a_new_one(
    server: Server, sample_data: Path
) -> None:
    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await boxed(page, sample_data)
            await page.done("segment")
            await page.until(lambda s: s["busy"] and "slice" in s["message"])
            for pid in await below(server, "masam_core.worker"):
                os.kill(pid, signal.SIGKILL)
            await page.until(lambda s: "ended unexpectedly" in s["message"] and not s["busy"])
            assert page.state["messageKind"] == "error"
            assert page.state["lesions"][0]["mask"] is None
            await page.done("segment")
            await page.until(lambda s: s["lesions"][0]["mask"] and not s["busy"])

    asyncio.run(play())


def test_cancel_changes_nothing_and_disturbs_no_other_tab(
    server: Server, sample_data: Path
) -> None:
    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page, Page(server.address) as other:
            await boxed(page, sample_data)
            await boxed(other, sample_data)
            workers = await below(server, "masam_core.worker")
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)  # else a fast run might be over before it is cancelled
            await page.done("segment")
            await page.until(lambda s: s["busy"])
            await other.done("segment")
            await other.until(lambda s: "waiting for another tab" in s["message"])
            await page.done("segment")  # the large button
            await page.until(lambda s: "Cancelled" in s["message"] and not s["busy"])
            assert page.state["lesions"][0]["mask"] is None
            assert page.state["lesions"][0]["state"] == "new"
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            await other.until(lambda s: s["lesions"][0]["mask"] and not s["busy"])

    asyncio.run(play())


def test_a_broken_file_is_told_and_what_was_open_stays(
    server: Server, sample_data: Path, tmp_path: Path
) -> None:
    content = (sample_data / "sarcoma_ct" / "image.nii.gz").read_bytes()

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            image = await page.open(SAMPLE)
            await page.upload({"broken.nii.gz": content[: len(content) // 2]}, "broken.nii.gz")
            await page.until(lambda s: "Copy or export it again" in s["message"])
            assert page.state["messageKind"] == "error"
            assert "broken.nii.gz" in page.state["message"]
            assert str(server.folder) not in page.state["message"]
            assert page.state["image"] == image
            for name in ("scene.mrb", "masks.seg.nrrd"):
                last = page.state["message"]
                await page.upload({name: content[:1000]}, name)
                await page.until(lambda s, m=last: s["message"] not in (m, "") and not s["loading"])
                assert page.state["messageKind"] == "error"
                assert "sitk" not in page.state["message"]
                assert str(server.folder) not in page.state["message"]
                assert page.state["image"] == image
            await page.upload({"my scan.nii.gz": content}, "my scan.nii.gz")
            await page.until(lambda s: s["image"]["name"] == "my scan.nii.gz")
            assert page.state["image"]["size"][2] == 58
            assert page.state["image"]["windows"][0]["name"] == "Soft tissue"

    asyncio.run(play())


def test_dicom_slices_are_opened_from_a_folder_and_from_an_archive(
    server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    write_series(folder, "1", slices=4)
    first = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    write_series(folder, "2", slices=6, modality="MR")
    archive = tmp_path / "two.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.iterdir():
            packed.write(path, f"deep/er/{path.name}")

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.upload(first, "study")
            await page.until(lambda s: s["image"] and s["image"]["size"][2] == 4)
            assert page.state["image"]["name"] == "study"
            await page.upload({"two.zip": archive.read_bytes()}, "two.zip")
            await page.until(lambda s: s["series"])
            assert page.state["series"][0]["words"] == "MR, series 2, 6 slices"
            await page.done("chooseSeries", page.state["series"][0]["uid"])
            await page.until(lambda s: s["image"]["size"][2] == 6)
            assert (page.state["image"]["name"], page.state["series"]) == ("two.zip", [])
            assert page.state["image"]["modality"] == "MR"

    asyncio.run(play())


def test_the_tab_answers_while_an_image_is_read_and_the_reading_can_be_cancelled(
    server: Server, tmp_path: Path
) -> None:
    slow = sitk.GetImageFromArray(np.random.default_rng(1).normal(size=(9, 300, 300)))
    path = tmp_path / "slow.nii.gz"
    sitk.WriteImage(slow, str(path))

    async def play() -> None:
        async with Page(server.address) as page:
            image = await page.open(SAMPLE)
            await page.upload({path.name: path.read_bytes()}, path.name)
            await page.until(lambda s: s["loading"] == "slow.nii.gz")
            readers = await below(server, "masam_core.image.apart")
            for pid in readers:
                os.kill(pid, signal.SIGSTOP)  # as slow as can be
            await page.done("toggleMasks")
            await page.until(lambda s: s["showMasks"] is False)
            await page.done("openSample", "sarcoma_ct")
            await page.until(lambda s: "An image is being read" in s["message"])
            await page.done("segment")  # the large button
            await page.until(lambda s: "Cancelled" in s["message"] and not s["loading"])
            assert page.state["image"] == image
            found = processesBelow(server.process.pid)
            assert not [pid for pid in readers if pid in found]

    asyncio.run(play())
