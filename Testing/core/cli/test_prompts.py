"""The prompts of `masam segment` as typed, and what is asked of the model for them.

The model is one that notes what it is asked and fills the box around it.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.cut import Cut
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.prompts.record import PromptRecord, correction_to_dict
from Testing.core.prompts.test_markups import write

from .conftest import Masam


class Noting:
    """A segmenter that notes what it is asked."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.config, self.device = SimpleNamespace(name="noting", num_classes=1), "cpu"
        Noting.asked = []

    asked: ClassVar[list[Any]] = []

    def set_volume(self, volume: Volume) -> None:
        self.volume = volume

    def segment(
        self, first: Any, options: Any, *_: Any, corrections: Any = (), mask: Any = None
    ) -> Lesion:
        Noting.asked.append(
            SimpleNamespace(first=first, said=corrections, mask=mask, options=options)
        )
        filled = np.zeros(self.volume.geometry.shape, bool)
        filled[2:4, 3:6, 4:8] = True
        box = first if isinstance(first, BoxPrompt) else BoxPrompt.from_voxels(4, 7, 3, 5, 2, 3)
        lesion = Lesion.from_mask(filled, self.volume, box, first.name, 0.9, model="noting")
        return replace(
            lesion,
            prompts=PromptRecord(first, tuple(corrections), mask is not None),
            cuts=(Cut("left", 12.0, 0.75),) if first.name == "lesion 2" else (),  # type: ignore[arg-type]
            looked_mm=None if isinstance(first, BoxPrompt) else 21.0,
        )

    def refine(self) -> None: ...


@pytest.fixture(autouse=True)
def noting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("masam_core.inference.segmenter.Segmenter", Noting)


def ras(geometry: Geometry, *ijk: tuple[float, float, float]) -> str:
    return " ".join(",".join(f"{v:.6f}" for v in row) for row in geometry.ras_from_ijk(ijk))


def test_lines_boxes_on_a_slice_and_clicks_in_every_frame(
    masam: Masam, image: Path, tmp_path: Path, geometry: Geometry
) -> None:
    out = tmp_path / "out.nii.gz"
    ends = [(3, 4, 2), (9, 8, 2)]
    lps = " ".join(",".join(f"{v:.6f}" for v in row) for row in geometry.lps_from_ijk(ends))
    for frame, text in (("ras", ras(geometry, *ends)), ("lps", lps), ("ijk", "3,4,2 9,8,2")):
        result = masam("segment", image, "-o", out, "--line", text, "--frame", frame)
        assert result.exit_code == 0, result.output
        (asked,) = Noting.asked
        assert isinstance(asked.first, LinePrompt)
        assert np.allclose(geometry.ijk_from_lps(asked.first.ends_lps), ends, atol=1e-4)
        assert asked.first.across_lps is None
    both = ("--line", *map(str, (3, 4, 2, 9, 8, 2, 6, 3, 2, 5, 9, 2)), "--frame", "ijk")
    assert masam("segment", image, "-o", out, *both).exit_code == 0
    across = Noting.asked[0].first.across_lps
    assert np.allclose(geometry.ijk_from_lps(across), [(6, 3, 2), (5, 9, 2)])
    square = ("--slice-box", "3,4,2 9,8,2", "--frame", "ijk")
    assert masam("segment", image, "-o", out, *square).exit_code == 0
    first = Noting.asked[0].first
    assert isinstance(first, SliceBoxPrompt)
    corners = geometry.ijk_from_lps(first.corners_lps)
    assert np.allclose(corners.min(axis=0), (2.5, 3.5, 2))  # both ends belong to it, as of --box
    assert np.allclose(corners.max(axis=0), (9.5, 8.5, 2))
    clicks = ("--click", ras(geometry, ends[0]), "--click", *ras(geometry, ends[1]).split(","))
    assert masam("segment", image, "-o", out, *clicks, "--extend", "auto").exit_code == 0
    assert [type(asked.first) for asked in Noting.asked] == [PointPrompt, PointPrompt]
    assert [asked.first.name for asked in Noting.asked] == ["lesion 1", "lesion 2"]
    assert Noting.asked[0].options.extend == "auto"


def test_corrections_and_a_mask_go_with_the_only_lesion(
    masam: Masam, image: Path, tmp_path: Path, geometry: Geometry
) -> None:
    out = tmp_path / "out.seg.nrrd"
    mask = np.zeros(geometry.shape, np.uint8)
    mask[1:3, 2, 5:9] = 7
    start = sitk.GetImageFromArray(mask)
    geometry.apply_to_sitk(start)
    sitk.WriteImage(start, str(tmp_path / "start.nii.gz"))
    corners = geometry.lps_from_ijk([(3, 4, 2), (8, 4, 2), (5, 9, 2)])
    curve = write(tmp_path / "a.mrk.json", "Curve", corners)
    said = (
        *("--point", ras(geometry, (3, 4, 2)), "--not-point", ras(geometry, (9, 9, 5))),
        *("--scribble", curve, "--not-scribble", curve, "--lasso", curve, "--not-lasso", curve),
    )
    start_file = tmp_path / "start.nii.gz"
    for first in (("--box", "3 9 4 8 1 3"), ()):
        words = ("segment", image, "-o", out, *first, "--mask", start_file, *said)
        result = masam(*words)
        assert result.exit_code == 0, result.output
        (asked,) = Noting.asked
        assert np.array_equal(asked.mask, mask > 0)
        box = BoxPrompt.from_voxels(*((3, 9, 4, 8, 1, 3) if first else (5, 8, 2, 2, 1, 2)))
        assert np.allclose(asked.first.corners_ijk, box.corners_ijk)
        kinds = [(each.kind.value, each.positive) for each in asked.said]
        assert kinds == [
            *(("point", True), ("point", False), ("scribble", True), ("scribble", False)),
            *(("lasso", True), ("lasso", False)),
        ]
        assert np.allclose(geometry.ijk_from_lps(asked.said[1].points_lps), [(9, 9, 5)], atol=1e-4)


def test_what_was_asked_is_printed_and_runs_again_from_every_file(
    masam: Masam, image: Path, tmp_path: Path, geometry: Geometry
) -> None:
    out, table = tmp_path / "out.seg.nrrd", tmp_path / "out.csv"
    line, point = ras(geometry, (3, 4, 2), (9, 8, 2)), ras(geometry, (4, 4, 2))
    words = ("--line", line, "--not-point", point, "--measurements", table, "--json")
    result = masam("segment", image, "-o", out, *words)
    assert result.exit_code == 0, result.output
    (lesion,) = json.loads(result.stdout)["lesions"]
    assert lesion["looked_mm"] == 21.0
    assert lesion["cuts"] == []
    assert lesion["prompts"]["first"]["kind"] == "line"
    (tmp_path / "results.json").write_text(result.stdout)
    with table.open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert json.loads(row["prompts"]) == lesion["prompts"]
    (before,) = Noting.asked
    for stored in (out, tmp_path / "results.json"):
        more = ("--point", ras(geometry, (5, 5, 2)))
        again = masam("segment", image, "-o", tmp_path / "b.nii.gz", "--prompts", stored, *more)
        assert again.exit_code == 0, again.output
        (asked,) = Noting.asked
        assert np.allclose(asked.first.ends_lps, before.first.ends_lps, atol=1e-5)
        assert len(asked.said) == 2  # gone on with
        assert correction_to_dict(asked.said[0]) == correction_to_dict(before.said[0])
        assert asked.mask is None


def test_one_of_several_is_gone_on_with_by_its_name(
    masam: Masam, image: Path, tmp_path: Path, geometry: Geometry
) -> None:
    out = tmp_path / "out.seg.nrrd"
    boxes = ("--box", "3 9 4 8 1 3", "--box", "13 16 4 8 1 3")
    shown = masam("segment", image, "-o", out, *boxes)
    assert "cut off" in shown.stdout  # instead of a confidence that means nothing
    printed = json.loads(masam("segment", image, "-o", out, *boxes, "--json").stdout)
    first, second = printed["lesions"]
    assert (first["confidence"], first["cuts"]) == (0.9, [])
    assert second["confidence"] is None
    assert second["cuts"] == [{"side": "left", "area_mm2": 12.0, "certainty": 0.75}]
    point = ("--point", ras(geometry, (5, 5, 2)))
    again = ("segment", image, "-o", tmp_path / "b.nii.gz", "--prompts", out)
    refused = masam(*again, *point)
    assert refused.exit_code == 1
    assert "received 2 lesions ('lesion 1', 'lesion 2'). Choose one with --only" in refused.output
    assert masam(*again, *point, "--only", "lesion 2").exit_code == 0
    (asked,) = Noting.asked
    assert asked.first.corners_ijk.min(axis=0)[0] == pytest.approx(12.5, abs=1e-4)
    assert masam(*again).exit_code == 0
    assert len(Noting.asked) == 2


def test_a_lesion_that_began_with_a_mask_needs_it_again(
    masam: Masam, image: Path, tmp_path: Path, geometry: Geometry
) -> None:
    out = tmp_path / "out.seg.nrrd"
    assert masam("segment", image, "-o", out, "--box", "3 9 4 8 1 3").exit_code == 0
    assert masam("segment", image, "-o", tmp_path / "b.seg.nrrd", "--mask", out).exit_code == 0
    again = ("segment", image, "-o", tmp_path / "c.nii.gz", "--prompts", tmp_path / "b.seg.nrrd")
    refused = masam(*again)
    assert refused.exit_code == 1
    assert "began with a mask that was given to it" in refused.output
    assert "Give that mask with --mask FILE." in refused.output
    assert masam(*again, "--mask", out).exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "in exactly one way. Expected one of --roi, --box"),
        (("--box", "1 2 3 4 5 6", "--click", "1,2,3"), "received --box and --click"),
        (("--automatic", "--point", "1,2,3"), "--automatic takes neither"),
        (("--click", "1,2,3", "--only", "x"), "--only names lesions of the file"),
        (("--line", "1,2,3"), "--line '1,2,3': expected 6 or 12 numbers"),
        (("--click", "1,2,x"), "expected 3 numbers, 'X,Y,Z' for each position, in quotes; RAS mm"),
        (("--click", "1,2,nan"), "expected 3 numbers"),
        (("--click", "1,2", "--frame", "ijk"), "IJK voxel indices"),
        (("--click", "900,2,3"), "The click lies outside the volume: R 900.0"),
        (("--line", "1,2,3 1,2,3", "--frame", "ijk"), "no length"),
        (("--slice-box", "1,2,3 4,5,6", "--frame", "ijk"), "lie on slices 1 and 4 along i"),
        (("--slice-box", "1,20,110 1,25,110", "--frame", "lps"), "no area"),
        (("--box", "1 2 3 4 5 6", "--point", "900,2,3"), "The point lies outside the volume"),
        (("--box", "1 2 3 4 5 6", "--scribble", "gone.mrk.json"), "no Markups file at gone"),
        (
            ("--box", "1 2 3 4 5 6", "--box", "1 2 3 4 5 6", "--point", "1 2 3"),
            "received 2 lesions.",
        ),
        (("--mask", "IMAGE"), "labels; expected the mask of one lesion"),
        (("--prompts", "gone.seg.nrrd"), "no file of prompts at gone.seg.nrrd"),
    ],
)
def test_what_makes_no_sense_is_told(
    masam: Masam, image: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    given = [image if word == "IMAGE" else word for word in words]
    if "box" in " ".join(words) and "--point" in words and "900,2,3" not in words:
        given += ["--frame", "ijk"]
    result = masam("segment", image, "-o", tmp_path / "out.nii.gz", *given)
    assert result.exit_code == 1
    assert says in " ".join(result.output.split())
    assert not (tmp_path / "out.nii.gz").exists()
