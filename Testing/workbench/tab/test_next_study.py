"""The next study opened beside the first, over the tab's own addresses; no browser."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.slicer.scene.conftest import Scene
from Testing.workbench.client import Page
from Testing.workbench.conftest import Server, requireWorkbench
from Testing.workbench.studies import BALL, earlierOf, laterOf, writeStudies


async def send(page: Page, action: str, *paths: Path) -> None:
    """Upload files as one batch, and have them opened."""
    await page.upload({path.name: path.read_bytes() for path in paths}, paths[0].name, action)


def responseOf(state: dict[str, Any]) -> str:
    """Category of the later study; empty where there is none."""
    found = state["followup"]["responses"]
    return str(found["rows"][-1][5]) if found else ""


def mapped(link: dict[str, Any], ras: np.ndarray) -> np.ndarray:
    """By the rigid map alone."""
    return np.asarray((np.array(link["matrix"]) @ [*ras, 1.0])[:3])


def test_from_two_files_to_the_table_and_its_archive(server: Server, tmp_path: Path) -> None:
    studies = writeStudies(tmp_path)

    async def play() -> None:
        async with Page(server.address) as page:
            await send(page, "uploaded", studies.earlier, studies.lesions)
            await page.until(lambda s: len(s["lesions"]) == 1)
            (first,) = page.state["lesions"]
            await send(page, "nextUploaded", studies.later)
            await page.until(lambda s: s["earlier"] is not None)
            assert page.state["image"]["name"] == "second.nii.gz"
            earlier = page.state["earlier"]
            assert earlier["image"]["name"] == "first.nii.gz"
            assert [each["id"] for each in earlier["lesions"]] == [first["id"]]
            assert page.state["saved"] is False  # the earlier study's lesions count, too
            for image in (page.state["image"], earlier["image"]):
                assert (await page.get(image["url"]))[0] == 200

            # A proposal, and the map: nothing is in the scene by itself.
            await page.until(lambda s: s["followup"].get("proposals"))
            (proposal,) = page.state["followup"]["proposals"]
            assert (proposal["name"], proposal["trust"]) == ("Liver lesion", "good")
            assert page.state["lesions"] == []
            middle = np.array(BALL.center) * [-1, -1, 1]
            assert np.linalg.norm(np.array(proposal["box"]["center"]) - laterOf(middle)) < 4.0
            link = page.state["link"]
            for place in ([0.0, 0.0, 8.0], [20.0, -15.0, 20.0]):
                off = mapped(link, np.array(place)) - earlierOf(np.array(place))
                assert np.linalg.norm(off) < 2.5

            # Taken in one step, taken back in one.
            await page.done("followTake", [proposal["id"]])
            await page.until(lambda s: len(s["lesions"]) == 1)
            assert page.state["undoTitle"] == "Carry over Liver lesion"
            await page.done("undo")
            await page.until(lambda s: not s["lesions"])

            # Somebody has drawn it: new, until it is said to be the same.
            await send(page, "uploaded", studies.grown)
            await page.until(lambda s: len(s["lesions"]) == 1)
            (drawn,) = page.state["lesions"]
            await page.done("followBecame", first["id"], drawn["id"])
            await page.done("followDate", False, "2024-01-01")
            await page.done("followDate", True, "2024-04-10")
            await page.until(
                lambda s: (
                    (s["followup"]["responses"] or {"rows": [[""] * 7]})["rows"][-1][5] == "PD"
                )
            )
            refused = await page.do("followDate", True, "2023-01-01")
            assert "before the study that is shown" in refused["error"]
            # Balls of 18 and 24 mm, from outer corner to outer corner of voxels of 2.5 mm.
            sums = [course for course in page.state["followup"]["plot"] if course["name"] == "sum"]
            before, after = sums[0]["diameters"]
            assert before == pytest.approx(18, abs=3.6)
            assert after == pytest.approx(24, abs=3.6)

            await page.done("followSave")
            await page.until(lambda s: "followup.zip" in s["download"])
            status, _, body = await page.get("results/followup.zip")
            assert status == 200
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                assert set(archive.namelist()) == {
                    "followup.csv",
                    "followup.html",
                    "followup.json",
                    "followup.md",
                    "study1.seg.nrrd",
                    "study2.seg.nrrd",
                }
                assert "PD" in archive.read("followup.md").decode()

            # The scene holds both, and comes back as a pair.
            await page.done("save", ".mrb")
            await page.until(lambda s: ".mrb" in s["download"])
            _, _, scene = await page.get(f"results/{page.state['download'].split(' ', 1)[1]}")
            (tmp_path / "both.mrb").write_bytes(scene)
            await page.open("sarcoma_mr")
            assert page.state["earlier"] is None
            await send(page, "uploaded", tmp_path / "both.mrb")
            await page.until(lambda s: s["earlier"] is not None)
            assert page.state["image"]["date"] == "2024-04-10"
            assert page.state["earlier"]["image"]["date"] == "2024-01-01"

    asyncio.run(play())


def test_another_patient_is_refused_unless_somebody_is_sure(harness: Any) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from masam_core.errors import ConfigError
    from masam_workbench.tab.nextstudy import Joining

    study: Any = SimpleNamespace(
        current=SimpleNamespace(facts={"patient": {"id": "A1"}}),
        dateNow=lambda: "2024-02-01",
        requireFirst=lambda: None,
    )
    other = {"origin": {"patient": {"id": "B2"}, "date": "2024-03-01"}}
    with pytest.raises(ConfigError) as refused:
        Joining(study, same=False).require("b", other)
    assert "different patient IDs" in str(refused.value)
    assert "B2" not in str(refused.value)
    Joining(study, same=True).require("b", other)
    Joining(study, same=False).require("b", {"origin": {"patient": {"id": "A1"}}})
    older = {"origin": {"patient": {"id": "A1"}, "date": "2024-01-01"}}
    with pytest.raises(ConfigError, match="before the study"):
        Joining(study, same=False).require("b", older)
    odd = {"origin": {"patient": {"id": "A1"}, "date": "2024-13-99"}}  # as some files have it
    Joining(study, same=False).require("b", odd)


def test_a_third_study_is_refused_though_it_was_asked_for_before_the_second_came() -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from masam_core.errors import ConfigError
    from masam_workbench.tab.nextstudy import Joining, NextStudy

    study = NextStudy.__new__(NextStudy)
    study.context = SimpleNamespace(volume=object())  # type: ignore[assignment]
    study.pair = SimpleNamespace()  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="Two studies are open already"):
        Joining(study, same=True).require("c", {})


def test_files_of_a_study_that_is_refused_do_not_stay(tmp_path: Path) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from masam_core.errors import ConfigError
    from masam_workbench.tab.nextstudy import NextStudy
    from masam_workbench.tab.uploads import Uploads

    sent = tmp_path / "uploads" / "abc" / "scan.nii"
    sent.parent.mkdir(parents=True)
    sent.write_bytes(b"an image")
    uploads = Uploads.__new__(Uploads)
    uploads.context = SimpleNamespace(folder=tmp_path)  # type: ignore[assignment]
    uploads._batches = {"abc": [1, 8]}
    study = NextStudy.__new__(NextStudy)
    study.context = SimpleNamespace(volume=None)  # type: ignore[assignment]
    study._uploads = uploads
    for batch in ("../..", "abc"):
        with pytest.raises(ConfigError, match="Open the first study"):
            asyncio.run(study.uploaded(batch, "scan"))
    assert not sent.parent.exists()
    assert tmp_path.exists()


def test_what_a_reader_says_is_another_state_for_the_autosave(scene: Any) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from MASAMSlicerLib.control.twostudies import TwoStudies, setBecame, setDate, setNode
    from MASAMSlicerLib.session.session import Session

    from masam_workbench.tab.nextstudy import NextStudy

    make = Scene(scene)
    nodes = [make.volume(np.zeros((4, 5, 6), np.int16), name=name) for name in ("old", "new")]
    session = Session(scene, lambda: None)  # type: ignore[arg-type,return-value]
    lesion = session.lesions.add(nodes[0], name="Liver").id
    study = NextStudy.__new__(NextStudy)
    study.context = SimpleNamespace(session=session)  # type: ignore[assignment]
    study.pair = TwoStudies.join(*nodes)
    seen = [study.said()]
    setBecame(session, study.pair, lesion, "absent")
    seen.append(study.said())
    setNode(session, [lesion], True)
    seen.append(study.said())
    setDate(nodes[1], "2024-04-10")
    seen.append(study.said())
    assert len({repr(each) for each in seen}) == 4
