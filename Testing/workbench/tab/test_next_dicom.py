"""Two studies that came from DICOM go back as DICOM, as one archive or into a real PACS."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from masam_core.image.volume import read_volume
from Testing.core.followup.patients import STUDIES, write_studies
from Testing.core.followup.test_dicom import items, told
from Testing.core.pacs.orthanc import Orthanc
from Testing.slicer.scene.conftest import Scene
from Testing.workbench.client import Page
from Testing.workbench.conftest import Server, requireWorkbench, startServer
from Testing.workbench.tab.test_next_study import send

BOXES = [(1, 4, 2, 6, 1, 4), (1, 5, 2, 7, 1, 6)]  # k, j, i: first, behind last


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    made = Orthanc(tmp_path_factory.mktemp("pacs"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def server(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    requireWorkbench()
    pytest.importorskip("highdicom")
    home = tmp_path_factory.mktemp("home")
    orthanc.write_settings(home / "pacs.json")
    running = startServer("--keep-minutes", "30", home=home)
    yield running
    running.stop()


class Days:
    """Two series of a patient, and a mask in each, as files to upload."""

    def __init__(self, folder: Path) -> None:
        self.series = write_studies(folder)
        self.volumes = [read_volume(each) for each in self.series]
        self.masks, self.drawn = [], []
        for n, (volume, (k, kk, j, jj, i, ii)) in enumerate(zip(self.volumes, BOXES, strict=True)):
            mask = np.zeros(volume.array.shape, bool)
            mask[k:kk, j:jj, i:ii] = True
            self.masks.append(mask)
            path = folder / f"day{n + 1}.seg.nrrd"
            segment = Segment("Liver", mask, (0, 0, 0), (0.9, 0.3, 0.2))
            write_seg_nrrd(path, [segment], volume.geometry)
            self.drawn.append(path)

    def files(self, number: int) -> list[Path]:
        return sorted(self.series[number].iterdir())


async def both(page: Page, days: Days) -> None:
    """Open both studies, each with its mask, and say that it is one lesion."""
    await send(page, "uploaded", *days.files(0))
    await page.until(lambda s: s["image"])
    await send(page, "uploaded", days.drawn[0])
    await page.until(lambda s: len(s["lesions"]) == 1)
    (first,) = page.state["lesions"]
    await send(page, "nextUploaded", *days.files(1))
    await page.until(lambda s: s["earlier"] is not None)
    await send(page, "uploaded", days.drawn[1])
    await page.until(lambda s: len(s["lesions"]) == 1)
    (later,) = page.state["lesions"]
    await page.until(lambda s: not s["followup"]["running"])
    await page.done("followBecame", first["id"], later["id"])
    await page.until(lambda s: s["followup"]["became"][0]["follower"] == later["id"])


async def sent(page: Page, orthanc: Orthanc) -> None:
    """The follow-up goes to the PACS; one that does not answer is told."""
    assert page.state["pacs"]["there"]
    await page.done("followDicom", True)
    await page.until(lambda s: s["pacs"]["message"].startswith("The PACS has the masks"))
    await page.until(lambda s: not s["course"]["writing"] and not s["pacs"]["doing"])
    orthanc.kill()
    await page.done("followDicom", True)
    await page.until(lambda s: "nobody answers there" in s["message"])
    orthanc.start()
    assert (len(orthanc.instances("SEG")), len(orthanc.instances("SR"))) == (1, 2)


def test_both_studies_are_offered_as_one_archive_and_go_to_the_pacs(
    server: Server, orthanc: Orthanc, tmp_path: Path
) -> None:
    import highdicom as hd

    days = Days(tmp_path)

    async def play() -> bytes:
        async with Page(server.address) as page:
            refused = await page.do("followDicom", False)
            assert "Open the next study first" in refused["error"]
            await both(page, days)
            assert page.state["course"]["there"]
            await page.done("followDicom", False)
            await page.until(lambda s: s["course"]["writing"])
            await page.done("followDicom", False)  # pressed again it stops
            await page.until(lambda s: not s["course"]["writing"])
            await page.until(lambda s: "nothing was written" in s["message"])
            assert page.state["download"] == ""
            await page.done("followDicom", False)
            await page.until(lambda s: "followup_dicom.zip" in s["download"])
            assert not page.state["course"]["writing"]
            status, _, body = await page.get("results/followup_dicom.zip")
            assert status == 200
            assert page.state["saved"] is False  # the earlier study's mask is in no file
            await sent(page, orthanc)
            # A scene holds no patient: what it brings back is refused in words.
            await page.done("save", ".mrb")
            await page.until(lambda s: ".mrb" in s["download"])
            _, _, scene = await page.get(f"results/{page.state['download'].split(' ', 1)[1]}")
            (tmp_path / "both.mrb").write_bytes(scene)
            before = page.state["image"]["version"]
            await send(page, "uploaded", tmp_path / "both.mrb")
            await page.until(lambda s: s["image"] and s["image"]["version"] != before)
            await page.until(lambda s: s["earlier"] is not None)
            assert not page.state["course"]["there"]
            refused = await page.do("followDicom", False)
            assert "neither patient nor study" in refused["error"]
            return body

    with zipfile.ZipFile(io.BytesIO(asyncio.run(play()))) as archive:
        names = {"study2.seg.dcm", "study2.sr.dcm", "followup.sr.dcm"}
        assert set(archive.namelist()) == names
        made: dict[str, Any] = {n: io.BytesIO(archive.read(n)) for n in names}
    masks = hd.seg.segread(made["study2.seg.dcm"])
    assert (masks.StudyInstanceUID, masks.PatientID) == (STUDIES[1], "MRN-4711")
    pixels = masks.get_pixels_by_source_instance(
        [name.uid for name in days.volumes[1].geometry.images.slices],
        segment_numbers=[1],
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    assert np.array_equal(pixels[..., 0] > 0, days.masks[1])
    course = pydicom.dcmread(made["followup.sr.dcm"])
    groups = [told(group) for group in items(course, "Measurement Group")]
    assert {point for point, *_ in groups} == {"1", "2"}
    (uid,) = {uid for _, uid, _ in groups}
    assert masks.SegmentSequence[0].TrackingUID == uid


def test_work_that_is_continued_knows_where_both_studies_came_from(scene: Any) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from MASAMSlicerLib.control.twostudies import TwoStudies

    from masam_core.errors import SegmentationError
    from masam_core.image.formats.dicom.origin import SliceName, SourceImages
    from masam_workbench.tab.images import Images

    nodes = [Scene(scene).volume(np.zeros((4, 5, 6), np.int16), name=n) for n in ("old", "new")]
    TwoStudies.join(*nodes)
    kept = [SourceImages(tuple(SliceName(f"{n}.{k}", "1") for k in range(4)), {}) for n in (1, 2)]
    images = Images.__new__(Images)
    images.context = SimpleNamespace(scene=scene, volume=nodes[1])  # type: ignore[assignment]
    images._sources, images._isScene = {}, True
    images._keepSources(nodes[1], kept[1].to_dict())
    images._keepEarlier(nodes[1], {"name": "another", "images": kept[0].to_dict()})
    with pytest.raises(SegmentationError, match="neither patient nor study"):
        images.dicomImages(nodes[0])
    images._keepEarlier(nodes[1], {"name": "old", "images": kept[0].to_dict()})
    assert [images.dicomImages(node).slices for node in nodes] == [each.slices for each in kept]
    images._keepSources(nodes[0], SourceImages(kept[0].slices[:3], {}).to_dict())
    with pytest.raises(SegmentationError, match="other slices"):
        images.dicomImages(nodes[0])
