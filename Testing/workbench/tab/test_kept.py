"""Nothing is lost: unsaved work is there again after a restart, and saved work opens as it was."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.workbench.client import Page
from Testing.workbench.conftest import (
    WITHOUT_MODEL,
    Server,
    environment,
    requireWorkbench,
    startServer,
)
from Testing.workbench.processes import childrenOf
from Testing.workbench.sample import boxOf, imageOf, rasOf

SAMPLE = "sarcoma_mr"


@pytest.fixture
def home(server: Server) -> Path:
    """Where unsaved work is kept."""
    return server.home


async def work(page: Page, folder: Path) -> dict[str, Any]:
    """Open a sample, paint a lesion by hand, and draw the box of another one; both rows."""
    await page.open(folder.name)
    center, axes, size = boxOf(folder)
    shape = imageOf(folder).GetSize()[::-1]
    middle = [n // 2 for n in shape]
    how = {"mode": "brush", "shape": "sphere", "radius": 9, "plane": "axial", "range": None}
    await page.done("paint", "", how, [rasOf(folder, middle)])
    await page.until(lambda s: s["lesions"] and s["lesions"][0]["mask"])
    await page.done("rename", page.state["lesions"][0]["id"], "Thigh")
    await page.done("newBox", center, axes, size)
    await page.until(lambda s: len(s["lesions"]) == 2 and s["lesions"][0]["name"] == "Thigh")
    await page.until(measured)
    return {row["label"]: row for row in page.state["lesions"]}


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two rows are of the same lesion as it was."""
    for name in ("id", "name", "label", "color", "kind", "mask", "prompts", "locked", "corrected"):
        assert one[name] == other[name], name
    assert one["figures"] == other["figures"]
    if one["box"] is not None:
        for name, values in one["box"].items():
            np.testing.assert_allclose(other["box"][name], values, atol=1e-2)
    else:
        assert other["box"] is None


def measured(state: dict[str, Any]) -> bool:
    """Whether every mask has its figures."""
    return all(row["figures"]["volume"] for row in state["lesions"] if row["mask"])


def kept(home: Path) -> list[Path]:
    """Whole pieces of unsaved work."""
    return [path.parent for path in (home / "workbench").glob("*/work.json")]


async def untilKept(home: Path, words: str) -> Path:
    """Wait until a file of unsaved work holds these words; its folder."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for folder in kept(home):
            if words in (folder / "work.json").read_text():
                return folder
        await asyncio.sleep(0.1)
    raise AssertionError("Nothing was kept")


def test_a_killed_server_loses_nothing(tmp_path: Path, sample_data: Path) -> None:
    requireWorkbench()
    own = startServer(*WITHOUT_MODEL, home=tmp_path)
    before: dict[str, Any] = {}

    async def first() -> None:
        async with Page(own.address) as page:
            assert page.state["works"] == []
            before.update(await work(page, sample_data / SAMPLE))
            assert page.state["saved"] is False
            folder = await untilKept(tmp_path, before[2]["id"])
            for path in (folder, *folder.iterdir()):
                assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
            os.kill(own.process.pid, signal.SIGKILL)

    asyncio.run(first())
    own.process.wait(20)
    again = startServer(*WITHOUT_MODEL, home=tmp_path)

    async def second() -> None:
        async with Page(again.address) as page:
            (offered,) = page.state["works"]
            assert (offered["name"], offered["lesions"]) == ("SarcomaMR", 2)
            await page.done("continueWork", offered["id"])
            await page.until(lambda s: len(s["lesions"]) == 2 and measured(s))
            for row in page.state["lesions"]:
                same(before[row["label"]], row)
            assert page.state["image"]["name"] == "SarcomaMR"
            assert page.state["saved"] is False
            # What is open is offered to nobody else.
            async with Page(again.address) as other:
                assert other.state["works"] == []
                answer = await other.do("continueWork", offered["id"])
                assert answer == {"answer": 1} or "error" in answer
                await other.until(lambda s: "not there any more" in s["message"])
            # It goes on being kept.
            await page.done("rename", page.state["lesions"][0]["id"], "Calf")
            await untilKept(tmp_path, "Calf")

    try:
        asyncio.run(second())
    finally:
        again.stop()
    assert len(kept(tmp_path)) == 1  # unsaved still


def test_work_that_is_forgotten_is_gone(server: Server, home: Path, sample_data: Path) -> None:
    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            rows = await work(page, sample_data / SAMPLE)
            folder = await untilKept(home, rows[2]["id"])
            # Another image takes its place: the work stays to be continued.
            await page.open("sarcoma_ct")
            async with Page(server.address) as other:
                assert folder.name in [each["id"] for each in other.state["works"]]
                await other.done("forgetWork", folder.name)
                await other.until(lambda s: folder.name not in [w["id"] for w in s["works"]])
                await other.done("forgetWork", "../../etc")
        assert not folder.exists()

    asyncio.run(play())


async def saved(page: Page, kind: str) -> tuple[str, bytes]:
    """Save, and fetch what was saved: its name and its bytes."""
    before = page.state["download"]
    await page.done("save", kind)
    await page.until(lambda s: s["download"] != before)
    name = page.state["download"].split(" ", 1)[1]
    status, _, body = await page.get(f"results/{name}")
    assert status == 200
    return name, body


def test_a_saved_scene_opens_as_it_was(server: Server, sample_data: Path) -> None:
    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            rows = await work(page, sample_data / SAMPLE)
            name, body = await saved(page, ".mrb")
            assert name == "SarcomaMR_scene.mrb"
            await page.until(lambda s: s["saved"])  # boxes too: no question
            async with Page(server.address) as other:
                await other.upload({name: body}, name)
                await other.until(lambda s: len(s["lesions"]) == 2 and measured(s))
                assert other.state["image"]["size"] == page.state["image"]["size"]
                for row in other.state["lesions"]:
                    same(rows[row["label"]], row)
                # Another image takes all of it away.
                await other.open("sarcoma_ct")
                assert other.state["lesions"] == []

    asyncio.run(play())


def test_saved_masks_open_on_their_image(server: Server, sample_data: Path) -> None:
    image = (sample_data / SAMPLE / "image.nii.gz").read_bytes()

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            rows = await work(page, sample_data / SAMPLE)
            name, body = await saved(page, ".seg.nrrd")
            assert name == "SarcomaMR.seg.nrrd"
            assert page.state["saved"] is False  # the box that was only drawn is not in it
            await page.done("delete", rows[2]["id"])
            await page.until(lambda s: s["saved"])
            async with Page(server.address) as other:
                await other.upload({name: body}, name)
                await other.until(lambda s: "Open the image first" in s["message"])
                await other.upload({name: body, "scan.nii.gz": image}, "scan.nii.gz")
                await other.until(lambda s: len(s["lesions"]) == 1 and measured(s))
                same(rows[1], other.state["lesions"][0])
                # Not onto another image.
                await other.open("sarcoma_ct")
                await other.upload({name: body}, name)
                await other.until(lambda s: s["messageKind"] == "error" or s["lesions"])

    asyncio.run(play())


def test_a_saved_label_image_has_the_labels_of_the_list(
    server: Server, sample_data: Path, tmp_path: Path
) -> None:
    import SimpleITK as sitk

    folder = sample_data / SAMPLE

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.open(SAMPLE)
            how = {"mode": "brush", "shape": "sphere", "radius": 6, "plane": "axial"}
            places = [[10, 30, 30], [22, 55, 56], [35, 80, 80]]
            for number, place in enumerate(places, 1):
                await page.done("paint", "", {**how, "range": None}, [rasOf(folder, place)])
                await page.until(
                    lambda s, n=number: (
                        len(s["lesions"]) == n and all(r["mask"] for r in s["lesions"])
                    )
                )
            await page.done("delete", page.state["lesions"][0]["id"])
            await page.until(lambda s: [row["label"] for row in s["lesions"]] == [2, 3])
            name, body = await saved(page, ".nii.gz")
            assert name == "SarcomaMR_seg.nii.gz"
            (tmp_path / name).write_bytes(body)
            labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name)))
            assert np.unique(labels).tolist() == [0, 2, 3]
            for row in page.state["lesions"]:
                mask = await page.mask(row, labels.shape)
                np.testing.assert_array_equal(labels == row["label"], mask)
            await page.until(lambda s: s["saved"])

    asyncio.run(play())


def test_a_tab_whose_browser_has_gone_can_be_continued_in_another(
    server: Server, home: Path, sample_data: Path
) -> None:
    async def play() -> None:
        async with Page(server.address) as page:
            rows = await work(page, sample_data / SAMPLE)
            folder = await untilKept(home, rows[2]["id"])
        assert childrenOf(server.process.pid)
        async with Page(server.address) as other:
            deadline = time.monotonic() + 20
            while folder.name not in [each["id"] for each in other.state["works"]]:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)
                await other.done("forgetWork", "none")  # looks again
            await other.done("continueWork", folder.name)
            await other.until(lambda s: len(s["lesions"]) == 2 and measured(s))
            for row in other.state["lesions"]:
                same(rows[row["label"]], row)

    asyncio.run(play())


def test_work_that_was_saved_is_not_kept_beyond_its_tab(tmp_path: Path, sample_data: Path) -> None:
    requireWorkbench()
    own = startServer(*WITHOUT_MODEL, home=tmp_path)

    async def play() -> None:
        async with Page(own.address) as page:
            rows = await work(page, sample_data / SAMPLE)
            await untilKept(tmp_path, rows[2]["id"])
            await saved(page, ".mrb")
            await page.until(lambda s: s["saved"])
            assert kept(tmp_path)  # a killed server would still offer it

    try:
        asyncio.run(play())
    finally:
        own.stop()
    assert kept(tmp_path) == []


def test_work_on_a_dicom_series_keeps_its_patient_and_a_scene_says_that_it_does_not(
    server: Server, home: Path, tmp_path: Path
) -> None:
    pytest.importorskip("highdicom")
    import pydicom

    from Testing.core.export.dicom.making import patient_series

    values = np.random.default_rng(3).integers(0, 900, (12, 40, 40)).astype(np.int16)
    scan = patient_series(tmp_path / "scan", values)
    files = {path.name: path.read_bytes() for path in scan.iterdir()}

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.upload(files, "scan")
            await page.until(lambda s: s["image"] and s["image"]["name"] == "scan")
            assert page.state["lesions"] == []
            how = {"mode": "brush", "shape": "sphere", "radius": 6, "plane": "axial"}
            await page.done("paint", "", {**how, "range": None}, [middleOf(scan)])
            await page.until(lambda s: s["lesions"] and measured(s))
            made = page.state["lesions"][0]["id"]
            folder = await untilKept(home, str(made))
            assert "MRN-4711" in (folder / "work.json").read_text()
        async with Page(server.address) as other:
            await other.until(lambda s: folder.name in [each["id"] for each in s["works"]])
            await other.done("continueWork", folder.name)
            await other.until(lambda s: [row["id"] for row in s["lesions"]] == [made])
            _, body = await saved(other, ".seg.dcm")
            written = pydicom.dcmread(io.BytesIO(body))
            assert (written.PatientID, written.StudyInstanceUID) == ("MRN-4711", "1.2.3.99")
            _, scene = await saved(other, ".mrb")
            with zipfile.ZipFile(io.BytesIO(scene)) as archive:
                assert not any(b"MRN-4711" in archive.read(part) for part in archive.namelist())
            await other.upload({"a.mrb": scene}, "a.mrb")
            await other.until(lambda s: "as it was saved" in s["message"] and not s["loading"])
            await other.done("save", ".seg.dcm")
            await other.until(lambda s: "holds neither patient nor study" in s["message"])
            assert "drop the .seg.nrrd on it" in other.state["message"]

    asyncio.run(play())


def middleOf(folder: Path) -> list[float]:
    """Where the middle of a DICOM series lies, RAS mm."""
    from masam_core.image.volume import read_volume

    grid = read_volume(folder).geometry
    return [float(v) for v in grid.ras_from_ijk([[n / 2 for n in grid.size_ijk]])[0]]


def edited(body: bytes, folder: Path, change: str) -> bytes:
    """A saved scene after a change in Slicer: lines of code that know ``scene`` and ``volume``."""
    (folder / "a.mrb").write_bytes(body)
    code = f"""
import sys; from pathlib import Path; import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from masam_workbench.tab.application import Application
from masam_workbench.tab.bundle import unpackScene
from masam_workbench.tab.opening import importScene
from MASAMSlicerLib.scene.scenefile import saveScene
from MASAMSlicerLib.scene.nodes import nodesOfClass
here = Path(sys.argv[1]); (here / "u").mkdir()
scene = Application(here).scene
volume, _ = importScene(scene, unpackScene(here / "a.mrb", here / "u"))
{change}
saveScene(scene, here / "b.mrb")
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment())
    return (folder / "b.mrb").read_bytes()


# Laid under a transform, as a registration in Slicer leaves a scene.
TRANSFORMED = """
moved = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
matrix = vtkMatrix4x4(); matrix.SetElement(0, 3, 25.0); matrix.SetElement(1, 3, -40.0)
moved.SetMatrixTransformToParent(matrix)
for kind in ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLMarkupsNode"):
    for node in nodesOfClass(scene, kind): node.SetAndObserveTransformNodeID(moved.GetID())
"""

# The image is the first of three frames, each brighter by 100.
SEQUENCED = """
times = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "Times")
array = slicer.util.arrayFromVolume(volume).copy()
for n in range(3):
    frame = slicer.vtkMRMLScalarVolumeNode(); frame.CopyOrientation(volume)
    slicer.util.updateVolumeFromArray(frame, array + 100 * n)
    times.SetDataNodeAtValue(frame, str(n))
browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
browser.SetAndObserveMasterSequenceNodeID(times.GetID())
browser.AddProxyNode(volume, times, False)
browser.SetSelectedItemNumber(0)
"""


def test_the_frames_of_a_sequence_are_stepped_through(
    server: Server, sample_data: Path, tmp_path: Path
) -> None:
    import SimpleITK as sitk

    async def mean(page: Page) -> float:
        _, _, body = await page.get(page.state["image"]["url"])
        path = tmp_path / "x.nii.gz"
        path.write_bytes(body)
        return float(sitk.GetArrayFromImage(sitk.ReadImage(str(path))).mean())

    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            await page.open(SAMPLE)
            await page.done("stepFrame", 1)  # a single image has none
            _, body = await saved(page, ".mrb")
            scene = await asyncio.to_thread(edited, body, tmp_path, SEQUENCED)
            await page.upload({"times.mrb": scene}, "times.mrb")
            await page.until(lambda s: s["image"] and s["image"]["frames"] == 3)
            first, name = await mean(page), page.state["image"]["name"]
            seen = [page.state["image"]["version"]]
            for by, frame in ((1, 1), (1, 2), (-2, 0), (1, 1)):
                await page.done("stepFrame", by)
                await page.until(lambda s, n=frame: s["image"]["frame"] == n)
                assert page.state["image"]["version"] not in seen
                assert page.state["image"]["name"] == name
                seen.append(page.state["image"]["version"])
                assert await mean(page) == pytest.approx(first + 100 * frame, abs=0.01)
            await page.done("stepFrame", 9)
            await page.until(lambda s: s["image"]["frame"] == 2)

    asyncio.run(play())


def test_a_scene_under_a_transform_is_kept_whole(
    server: Server, home: Path, sample_data: Path, tmp_path: Path
) -> None:
    async def play() -> None:
        async with Page(server.address, kept=server.tab) as page:
            rows = await work(page, sample_data / SAMPLE)
            _, body = await saved(page, ".mrb")
            moved = await asyncio.to_thread(edited, body, tmp_path, TRANSFORMED)
            await page.upload({"moved.mrb": moved}, "moved.mrb")
            await page.until(lambda s: "as it was saved" in s["message"] and not s["loading"])
            await page.until(lambda s: len(s["lesions"]) == 2 and measured(s))
            for row in page.state["lesions"]:
                same(rows[row["label"]], row)  # in the image's own space nothing has moved
            # A stroke lands where the page says, in the image's own space too.
            ball = {"mode": "brush", "shape": "sphere", "radius": 5, "plane": "axial"}
            place = [5, 20, 20]
            point = rasOf(sample_data / SAMPLE, place)
            made = await page.done("paint", "", {**ball, "range": None}, [point])
            await page.until(lambda s: any(r["id"] == made and r["mask"] for r in s["lesions"]))
            row = next(row for row in page.state["lesions"] if row["id"] == made)
            mask = await page.mask(row, imageOf(sample_data / SAMPLE).GetSize()[::-1])
            middle = np.argwhere(mask).mean(axis=0)
            np.testing.assert_allclose(middle, place, atol=0.6)
            folder = await untilKept(home, '"count": 3')
            assert list(folder.glob("*.mrb"))
        async with Page(server.address) as other:
            await other.until(lambda s: folder.name in [each["id"] for each in s["works"]])
            await other.done("continueWork", folder.name)
            await other.until(lambda s: any(r["id"] == made and r["mask"] for r in s["lesions"]))
            assert len(other.state["lesions"]) == 3
            again = next(each for each in other.state["lesions"] if each["id"] == made)
            assert again["mask"] == row["mask"]

    asyncio.run(play())
