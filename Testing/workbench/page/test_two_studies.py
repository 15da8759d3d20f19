"""Two studies side by side in a real browser: what is pointed at in one is found in the other."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.core.followup.phantoms import GEOMETRY
from Testing.workbench.page.bench import Bench
from Testing.workbench.page.test_access import axe, violations
from Testing.workbench.page.test_geometry import modules
from Testing.workbench.studies import earlierOf, laterOf, writeStudies

__all__ = ["axe", "modules"]  # fixtures

NEAR = 3.0  # mm: a voxel is 2.5 mm
SIGNS = {"R": 1, "L": -1, "A": 1, "P": -1, "S": 1, "I": -1}


def cross(bench: Bench, name: str) -> np.ndarray:
    """RAS, mm, of a view's crosshair, as it is read out."""
    bench.untilDrawn()
    bench.untilDrawn()  # the one that follows is drawn after the one that leads
    label = str(bench.get(name).get_attribute("aria-label"))
    found = re.findall(r"([RLAPSI]) ([\d.]+)", label.split("Crosshair")[1])
    return np.array([SIGNS[letter] * float(mm) for letter, mm in found])


@pytest.fixture(scope="module")
def both(tab: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The first study with its lesion, and the next one beside it."""
    studies = writeStudies(tmp_path_factory.mktemp("studies"))
    tab.upload(studies.earlier)
    tab.untilImage()
    tab.upload(studies.lesions)
    tab.untilLesions(1)
    tab.page.set_viewport_size({"width": 1440, "height": 900})
    tab.upload(studies.later, "next-file")
    tab.until("() => document.querySelector('#beside').dataset.image")
    tab.untilText("legend", "Linked by rigid registration")
    return tab


def test_a_place_in_one_study_is_the_same_in_the_other(
    both: Bench, axe: str, screenshots: Path
) -> None:
    for part in ((0.4, 0.45), (0.6, 0.55)):
        area = both.area("axial")
        both.page.mouse.click(
            area["x"] + part[0] * area["width"], area["y"] + part[1] * area["height"]
        )
        later, earlier = cross(both, "view-axial"), cross(both, "earlier-view-axial")
        assert np.linalg.norm(earlier - earlierOf(later)) < NEAR
        assert np.linalg.norm(earlier - later) > 5  # the patient has moved: it is no mere copy
    # And the other way round, slices and keys too.
    area = both.get("earlier-view-axial").bounding_box()
    both.page.mouse.click(area["x"] + 0.45 * area["width"], area["y"] + 0.5 * area["height"])
    both.press("PageUp", "PageUp", "ArrowLeft")
    later, earlier = cross(both, "view-axial"), cross(both, "earlier-view-axial")
    assert np.linalg.norm(later - laterOf(earlier)) < NEAR
    # The same in another plane.
    both.click("plane-coronal")
    both.wheel("coronal", 3)
    later, earlier = cross(both, "view-coronal"), cross(both, "earlier-view-coronal")
    assert np.linalg.norm(earlier - earlierOf(later)) < NEAR
    both.click("plane-axial")
    both.click("follow-goto")
    both.untilDrawn()
    assert violations(both, axe) == []
    both.page.screenshot(path=str(screenshots / "two-studies.png"))


def test_unlinked_each_goes_its_own_way_and_windows_always_do(both: Bench) -> None:
    both.click("link")
    both.untilText("legend", "Not linked")
    before = cross(both, "earlier-view-axial")
    both.wheel("axial", 4)
    assert np.array_equal(cross(both, "earlier-view-axial"), before)
    both.click("link")
    both.untilText("legend", "Linked by rigid")
    later, earlier = cross(both, "view-axial"), cross(both, "earlier-view-axial")
    assert np.linalg.norm(earlier - earlierOf(later)) < NEAR
    level = both.get("level-field").input_value()
    both.get("earlier-level-field").fill("77")
    both.press("Tab")
    both.untilDrawn()
    assert both.get("level-field").input_value() == level
    assert both.get("earlier-level-field").input_value() == "77"


def test_a_proposal_is_taken_or_dropped_by_the_user(both: Bench, screenshots: Path) -> None:
    assert both.get("lesion").count() == 0
    both.click("follow-take")
    both.untilLesions(1)
    both.press("Control+z")
    both.untilLesions(0)
    both.click("follow-look")
    both.get("follow-drop").wait_for()
    both.click("follow-drop")
    both.get("proposal").wait_for(state="detached")
    both.get("became-choice").select_option("absent")
    both.untilText("response", "All target lesions have disappeared")
    both.page.screenshot(path=str(screenshots / "two-studies-table.png"))
    for width in (1280, 1440):  # no column of the table is cut off
        both.page.set_viewport_size({"width": width, "height": 900})
        both.untilDrawn()
        assert both.page.evaluate(
            "() => { const table = document.querySelector('[data-test=follow-table]');"
            " return table.getBoundingClientRect().right"
            " <= table.parentElement.getBoundingClientRect().right; }"
        )


def test_the_table_is_saved_and_dicom_is_offered_where_there_is_a_patient(
    both: Bench, axe: str, tmp_path: Path
) -> None:
    path = both.download("follow-save", tmp_path, "follow-saves")
    with zipfile.ZipFile(path) as archive:
        assert "followup.csv" in archive.namelist()
    both.click("follow-saves")
    assert both.get("follow-save").is_visible()
    assert both.get("follow-dicom").is_hidden()  # NIfTI files belong to no study
    assert both.get("follow-pacs").is_hidden()
    assert both.get("follow-stop").is_hidden()
    assert violations(both, axe) == []
    both.press("Escape")


def test_studies_that_do_not_fit_stay_unlinked_and_that_is_told(
    both: Bench, tmp_path: Path
) -> None:
    noise = sitk.GetImageFromArray(
        np.random.default_rng(1).normal(0, 50, GEOMETRY.shape).astype(np.int16)
    )
    noise.SetSpacing(GEOMETRY.spacing.tolist())
    sitk.WriteImage(noise, str(tmp_path / "noise.nii.gz"))
    both.again("sarcoma_mr")
    assert both.get("linkbar").is_hidden()
    assert both.get("layout-two").is_hidden()
    both.upload(tmp_path / "noise.nii.gz", "next-file")
    both.untilText("legend", "could not be laid over each other")
    before = cross(both, "earlier-view-axial")
    both.wheel("axial", 3)
    assert np.array_equal(cross(both, "earlier-view-axial"), before)
    assert both.get("link").is_disabled()


def test_the_page_maps_places_as_the_lattice_says(modules: Any) -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    rng = np.random.default_rng(3)
    size, step = [6, 5, 4], np.array([-10.0, -9.0, 11.0])
    origin = np.array([30.0, 20.0, -10.0])
    off = rng.normal(0, 2, (*size[::-1], 3))
    turn = np.eye(4)
    turn[:3, :3] = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turn[:3, 3] = [5, -7, 9]
    around = {
        "origin": origin.tolist(),
        "step": step.tolist(),
        "size": size,
        "off": off.ravel().tolist(),
    }
    # Ten millimetres inside, where the lattice alone has its say; and far outside, where none has.
    inner = origin + step * rng.uniform(1.2, np.array(size) - 2.2, (8, 3))
    outer = np.array([[200.0, 0, 0], [0, -300.0, 5]])
    places = [*inner, *outer]
    axes = [o + s * np.arange(n) for o, s, n in zip(origin, step, size, strict=True)]
    field = interpolate.RegularGridInterpolator(
        [np.sort(axis) for axis in axes[::-1]], off[:, ::-1, ::-1]
    )
    expected = [turn[:3, :3] @ p + turn[:3, 3] for p in places]
    for n, p in enumerate(inner):
        expected[n] = expected[n] + field(p[::-1])[0]
    script = """async ([matrix, around, places]) => {
      const { Matching } = await import("/js/view/matching.js");
      const matching = new Matching(matrix, [around]);
      const there = places.map((each) => matching.toEarlier(each));
      return [there, there.map((each) => matching.toLater(each))];
    }"""
    there, back = modules.evaluate(
        script, [turn.tolist(), around, [list(map(float, each)) for each in places]]
    )
    np.testing.assert_allclose(there, expected, atol=1e-9)
    np.testing.assert_allclose(back[-2:], outer, atol=1e-6)
