"""Places of two studies for two views: by the registration itself, and by a known motion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.followup.carrying import Pair, place_lps
from masam_core.followup.job import Job, JobLesion, carry_over
from masam_core.followup.linking import judge_whole, lattice_of, matrix_of
from masam_core.followup.quality import Trust
from masam_core.followup.registration import Registration
from masam_core.image.plain_nrrd import write_plain_nrrd
from masam_core.image.volume import Volume

from .phantoms import GEOMETRY, TURNED, Ball, masks, volume

interpolate = pytest.importorskip("scipy.interpolate")
LESION = Ball((-20.0, 5.0, 0.0), 9.0)


def told(folder: Path) -> list[dict[str, Any]]:
    """What the process would say of a study and the next one."""
    for name, image in (
        ("earlier", volume([LESION])),
        ("later", volume([LESION], TURNED, seed=2)),
    ):
        write_plain_nrrd(folder / f"{name}.nrrd", image.array, image.geometry)
    (mask,) = masks([LESION])
    np.save(folder / "0.npy", mask.mask)
    lesion = JobLesion("a", "Liver", folder / "0.npy", mask.offset_kji)
    job = Job(folder / "earlier.nrrd", folder / "later.nrrd", "CT", "CT", (lesion,))
    events: list[dict[str, Any]] = []
    carry_over(job, events.append, lambda: False)
    return [json.loads(json.dumps(event)) for event in events]  # as they go over the pipe


def test_whole_and_lattice_take_a_place_to_where_the_motion_says(tmp_path: Path) -> None:
    events = {event["event"]: event for event in told(tmp_path)}
    assert events["whole"]["trust"] == Trust.GOOD.value
    matrix = np.array(events["whole"]["matrix_lps"])
    places = np.array([[0.0, 0.0, 8.0], [-30.0, 20.0, 0.0], [25.0, -20.0, 30.0]])
    truth = np.array([TURNED.transform().TransformPoint(p.tolist()) for p in places])
    assert np.abs(places @ matrix[:3, :3].T + matrix[:3, 3] - truth).max() < 2.0
    lattice = events["carried"]["lattice"]
    assert len(lattice["off"]) == 3 * np.prod(lattice["size"])
    # The lesion's own centre comes from where it is in the later study.
    there = np.array(TURNED.transform().GetInverse().TransformPoint(list(LESION.center)))
    moved = matrix[:3, :3] @ there + matrix[:3, 3] + at(lattice, there)
    assert np.linalg.norm(moved - LESION.center) < 2.0


def at(lattice: dict[str, Any], place: np.ndarray) -> np.ndarray:
    """By how much a place lies elsewhere: trilinear, by SciPy."""
    axes = [
        origin + step * np.arange(size)
        for origin, step, size in zip(
            lattice["origin"], lattice["step"], lattice["size"], strict=True
        )
    ]
    values = np.reshape(lattice["off"], (*lattice["size"][::-1], 3))
    return np.asarray(interpolate.interpn(axes[::-1], values, place[::-1])[0])


def test_the_lattice_says_what_the_local_registration_does() -> None:
    import SimpleITK as sitk

    from masam_core.followup.likeness import Likeness

    whole = Registration(TURNED.transform(), Likeness(1.0, 1.0))
    # A deformation that is not rigid, and its rigid part.
    crop = sitk.Image([80, 80, 80], sitk.sitkUInt8)
    crop.SetSpacing([2.0] * 3)
    crop.SetOrigin([-70.0] * 3)
    bend = sitk.BSplineTransformInitializer(crop, [4, 4, 4], order=3)  # 40 mm between nodes
    bend.SetParameters(np.random.default_rng(0).normal(0, 3, len(bend.GetParameters())).tolist())
    both = sitk.CompositeTransform(3)
    both.AddTransform(TURNED.transform())
    both.AddTransform(bend)
    local = Registration(both, Likeness(1.0, 1.0), elastic=True)
    place = np.array([[5.0, 10.0, 10.0], [20.0, 22.0, 30.0]])
    lattice = lattice_of(whole, local, place)
    rng = np.random.default_rng(1)
    inner = np.array(lattice["origin"]) + np.array(lattice["step"]) * (
        np.array(lattice["size"]) - 1
    ) * rng.uniform(0.3, 0.7, (20, 3))
    for point in inner:
        exact = local.to_earlier(point)[0]
        rigid = matrix_of(whole)
        found = rigid[:3, :3] @ point + rigid[:3, 3] + at(lattice, point)
        assert np.linalg.norm(found - exact) < 0.5


def test_views_of_what_can_not_be_laid_over_each_other_are_not_linked() -> None:
    rng = np.random.default_rng(1)
    noise = Volume(rng.normal(0, 50, GEOMETRY.shape).astype(np.float32), GEOMETRY, "CT")
    found = judge_whole(Pair(volume([LESION]), noise))
    assert found.trust is Trust.FAILED
    assert found.words


def test_a_rigid_map_is_that_of_its_transform() -> None:
    pair = object.__new__(Pair)
    pair.whole = Registration(TURNED.transform(), None)  # type: ignore[arg-type]
    matrix = matrix_of(pair.whole)
    (mask,) = masks([LESION])
    for point in place_lps(mask.mask, mask.offset_kji, GEOMETRY):
        exact = TURNED.transform().TransformPoint(point.tolist())
        np.testing.assert_allclose(matrix @ [*point, 1.0], [*exact, 1.0], atol=1e-9)
