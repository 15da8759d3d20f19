"""A tab and a real PACS: search, picture, fetch, segment, send back, search again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from Testing.core.pacs.conftest import write_study
from Testing.core.pacs.orthanc import Orthanc
from Testing.core.watch.making import headers, report, save
from Testing.workbench.client import Page
from Testing.workbench.conftest import Server


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A PACS with a CT of 12 slices and a report on it."""
    folder = tmp_path_factory.mktemp("pacs")
    made = Orthanc(folder)
    made.start()
    write_study(folder / "study", 1, 12)
    save(report(headers(folder / "study")), folder / "study" / "report.dcm")
    made.put(folder / "study")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def server(server: Server, orthanc: Orthanc) -> Iterator[Server]:
    """The workbench while the settings of this PACS are there, which each new tab reads."""
    pytest.importorskip("highdicom")
    settings = server.home / "pacs.json"
    settings.parent.mkdir(exist_ok=True)
    orthanc.write_settings(settings)
    yield server
    settings.unlink()


async def finished(page: Page) -> None:
    """Wait until nothing is going on with the PACS."""
    await page.until(lambda state: not state["pacs"]["doing"])


async def _savesDicom(page: Page, folder: Path) -> None:
    """Masks, contours and report are offered as files of the patient's own study."""
    for ending, modality in {".seg.dcm": "SEG", ".rt.dcm": "RTSTRUCT", ".sr.dcm": "SR"}.items():
        await page.done("save", ending)
        await page.until(lambda state, end=ending: state["download"].endswith(end))  # type: ignore[misc]
        name = page.state["download"].split(" ", 1)[1]
        status, _, body = await page.get(f"results/{name}")
        assert status == 200
        (folder / name).write_bytes(body)
        made = pydicom.dcmread(folder / name)
        assert (made.Modality, made.PatientID) == (modality, "P-4711")
        assert made.StudyInstanceUID == "1.2.826.0.1.1"


def test_from_the_pacs_and_back(server: Server, orthanc: Orthanc, tmp_path: Path) -> None:
    async def play() -> None:
        async with Page(server.address) as page:
            assert page.state["pacs"]["there"]
            await page.done("pacsFind", {"name": "Nobody"})
            await page.until(lambda state: state["pacs"]["message"] == "Nothing was found.")
            await page.done("pacsFind", {"name": "Muster", "modality": "", "dates": ""})
            await page.until(lambda state: len(state["pacs"]["rows"]) == 2)
            await finished(page)
            assert "DICOMweb at http://127.0.0.1" in page.state["pacs"]["words"]
            rows = {row["modality"]: row for row in page.state["pacs"]["rows"]}
            ct = rows["CT"]
            assert (ct["images"], ct["patient"], ct["date"]) == (12, "P-4711", "2024-01-01")
            assert rows["SR"]["picture"] == ""

            status, kind, body = await page.get(ct["picture"])
            assert (status, kind["Content-Type"]) == (200, "image/png")
            (tmp_path / "picture.png").write_bytes(body)
            assert (await page.get("pacs/0123.png"))[0] == 404

            await page.done("pacsFetch", ct["key"])
            await page.until(lambda state: state["image"])
            image = (await page.idle())["image"]
            assert image["size"] == [10, 12, 12]
            assert page.state["pacs"]["had"] == page.state["pacs"]["total"] == 12

            await page.done("pacsSend")  # nothing to be sent yet
            await page.until(lambda state: "no mask" in state["pacs"]["message"])
            axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
            # The middle of 10 x 12 x 12 voxels of 0.75 x 1.5 x 3 mm, in RAS.
            await page.done("newBox", [-3.4, -8.2, 16.5], axes, [4.5, 9.0, 15.0])
            await page.done("segment")
            await page.until(lambda s: s["lesions"] and s["lesions"][0]["mask"] and not s["busy"])
            await _savesDicom(page, tmp_path)
            await page.done("pacsSend")
            await page.until(lambda state: state["pacs"]["message"].startswith("The PACS has"))
            await page.until(lambda state: state["saved"])
            await page.done("pacsFind", {"patient": "P-4711"})
            await page.until(lambda state: len(state["pacs"]["rows"]) == 4)

            await page.open("sarcoma_ct")
            await page.done("save", ".seg.dcm")
            await page.until(lambda state: "is no DICOM series" in state["message"])
            await page.done("pacsSend")
            await page.until(lambda state: "is no DICOM series" in state["pacs"]["message"])

    asyncio.run(play())
    assert sorted(map(len, (orthanc.instances("SEG"), orthanc.instances("SR")))) == [1, 2]


def test_a_pacs_that_does_not_answer_is_told(server: Server, orthanc: Orthanc) -> None:
    async def play() -> None:
        async with Page(server.address) as page:
            await page.done("pacsFind", {"patient": "P-4711"})
            await page.until(lambda state: state["pacs"]["rows"])
            await finished(page)
            key = page.state["pacs"]["rows"][0]["key"]
            orthanc.kill()
            await page.done("pacsFetch", key)
            await page.until(lambda state: "nobody answers there" in state["pacs"]["message"])
            assert page.state["pacs"]["kind"] == "error"
            await page.done("pacsFind", {})
            await page.until(lambda state: "Nothing to look for" in state["pacs"]["message"])
            assert page.state["image"] is None

    asyncio.run(play())


def test_the_pacs_has_what_was_sent_as_dicom(orthanc: Orthanc) -> None:
    orthanc.start()
    (uid,) = orthanc.instances("SEG")
    (found,) = orthanc.ask("/tools/lookup", uid.encode())
    import io
    import urllib.request

    with urllib.request.urlopen(f"{orthanc.rest}/instances/{found['ID']}/file") as answer:
        segmented = pydicom.dcmread(io.BytesIO(answer.read()))
    assert segmented.PatientID == "P-4711"
    assert segmented.StudyInstanceUID == "1.2.826.0.1.1"
    assert segmented.pixel_array.any()
