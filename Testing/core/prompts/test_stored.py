"""Prompts that were stored with results: from every file in which they are kept."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.errors import BoxError
from masam_core.export.save import save
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_labels
from masam_core.lesion.cut import Cut
from masam_core.lesion.lesion import Lesion
from masam_core.prompts import tags
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import PointPrompt
from masam_core.prompts.record import PromptRecord
from masam_core.prompts.stored import read_records

NAME = 'Läsion | 2 \\ "q" 100%7C'


@pytest.fixture
def record(oblique_volume: Volume) -> PromptRecord:
    here = oblique_volume.geometry.lps_from_ijk([[4, 5, 3], [6, 7, 3], [5, 9, 3]])
    corrections = (Correction("lasso", here), Correction("point", here[:1], positive=False))  # type: ignore[arg-type]
    return PromptRecord(PointPrompt(here[1], NAME), corrections)


@pytest.fixture
def lesions(
    oblique_volume: Volume, make_lesion: Callable[..., Lesion], record: PromptRecord
) -> list[Lesion]:
    cut = (Cut("left", 12.0, 0.9),)  # type: ignore[arg-type]
    return [
        make_lesion(
            oblique_volume,
            (1, 2, 3),
            (3, 4, 6),
            name=NAME,
            prompts=record,
            cuts=cut,
            looked_mm=21.0,
        ),
        make_lesion(oblique_volume, (5, 8, 8), (7, 11, 10), name="Old"),  # its box alone is known
    ]


@pytest.mark.parametrize("ending", [".seg.nrrd", ".mrb", ".mrml", ".json"])
def test_what_was_stored_is_read_again(
    ending: str,
    oblique_volume: Volume,
    lesions: list[Lesion],
    record: PromptRecord,
    tmp_path: Path,
) -> None:
    path = tmp_path / f"out{ending}"
    if ending == ".json":
        listed = [{"name": NAME, "prompts": record.to_dict(oblique_volume.geometry)}, {"name": "x"}]
        path.write_text(json.dumps({"lesions": listed}))
    else:
        stored = tmp_path / "a b.seg.nrrd"
        save(lesions, stored)
        assert read_labels(stored)[0].max() == 2  # its tags don't hinder who reads the voxels
    if ending == ".seg.nrrd":
        path = stored
    elif ending == ".mrb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.write(stored, "out/Data/a b.seg.nrrd")
            bundle.writestr("out/out.mrml", "<MRML/>")
    elif ending == ".mrml":
        path.write_text('<MRML><SegmentationStorage fileName="a%20b.seg.nrrd"/></MRML>')
    found = read_records(path, oblique_volume)
    geometry = oblique_volume.geometry
    plain = record.to_dict(geometry)
    if ending != ".json":
        # Slicer's file has no place for a bar or a backslash in a segment's name.
        plain["first"]["name"] = NAME.replace("\\", "/") if ending != ".json" else NAME
    assert found[0].to_dict(geometry) == plain
    if ending == ".json":
        assert len(found) == 1
        return
    old = found[1].first
    assert isinstance(old, BoxPrompt)
    assert np.allclose(old.corners_ijk, lesions[1].box.corners_ijk, atol=1e-3)
    (only,) = read_records(path, oblique_volume, ("Old",))
    assert only.name == "Old"


def test_a_bare_record_is_read_and_a_renamed_lesion_keeps_its_new_name(
    oblique_volume: Volume, record: PromptRecord, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    plain = record.to_dict(oblique_volume.geometry)
    path.write_text(json.dumps(plain))
    assert read_records(path, oblique_volume)[0].name == NAME
    path.write_text(json.dumps([{"name": "Renamed", "prompts": plain}]))
    assert read_records(path, oblique_volume)[0].name == "Renamed"


def test_of_a_scene_the_images_own_lesions_are_taken(
    oblique_volume: Volume, record: PromptRecord, tmp_path: Path
) -> None:
    def scene(path: Path, hashes: list[str]) -> Path:
        with zipfile.ZipFile(path, "w") as bundle:
            for number, content in enumerate(hashes):
                text = tags.to_tag(record.to_dict(oblique_volume.geometry))
                header = (
                    f"NRRD0004\nSegment0_ID:=s\nSegment0_Name:=L{number}\n"
                    f"Segment0_Tags:={tags.PROMPTS}:{text}|{tags.VOLUME}:{content}|\n\n"
                )
                bundle.writestr(f"Data/{number}.seg.nrrd", header)
        return path

    own = oblique_volume.content_hash
    path = scene(tmp_path / "a.mrb", ["aa", own, "bb"])
    assert [each.name for each in read_records(path, oblique_volume)] == ["L1"]
    path = scene(tmp_path / "b.mrb", ["aa", "aa"])
    assert len(read_records(path, oblique_volume)) == 2
    path = scene(tmp_path / "c.mrb", ["aa", "bb"])
    with pytest.raises(BoxError, match=r"lesions of 2 images.*'L0', 'L1'"):
        read_records(path, oblique_volume)
    assert [each.name for each in read_records(path, oblique_volume, ("L1",))] == ["L1"]


def test_what_holds_no_prompts_is_refused(
    oblique_volume: Volume, lesions: list[Lesion], record: PromptRecord, tmp_path: Path
) -> None:
    def refused(name: str, content: Any, words: str, volume: Volume = oblique_volume) -> None:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(
                content if isinstance(content, bytes) else json.dumps(content).encode()
            )
        with pytest.raises(BoxError, match=words) as error:
            read_records(path, volume)
        assert name in str(error.value)

    refused("gone.json", None, "no file of prompts")
    refused("a.txt", b"x", r"expected \.seg\.nrrd, \.mrb, \.mrml")
    refused("a.mrk.json", {}, "no file of stored prompts")
    refused("a.json", b"{", "can't be read as JSON")
    refused("a.json", {"lesions": []}, "holds no prompts")
    refused("a.json", {"lesions": ["x"]}, "entry 1 is 'x'")
    refused("a.json", {"lesions": [{"name": "n", "prompts": 3}]}, "lesion 'n': expected prompts")
    refused("a.mrb", b"x", "can't be read")
    refused("a.seg.nrrd", b"NRRD0004\nno line\n\n", "is damaged")
    refused("a.mrml", b'fileName="b.seg.nrrd"', r"its segmentation b\.seg\.nrrd is not beside it")
    damaged = f"NRRD0004\nSegment0_ID:=s\nSegment0_Tags:={tags.PROMPTS}:{{|\n\n".encode()
    refused("b.seg.nrrd", damaged, "its prompts are damaged")
    far = Volume(oblique_volume.array, replace(oblique_volume.geometry, ijk_to_lps=_far()))
    refused("c.json", record.to_dict(oblique_volume.geometry), "lies outside the volume", far)
    save(lesions, tmp_path / "d.seg.nrrd")
    with pytest.raises(BoxError, match=r"holds no lesion 'X'; it holds .*'Old'"):
        read_records(tmp_path / "d.seg.nrrd", oblique_volume, ("X",))


def _far() -> np.ndarray:
    return np.array(Geometry.from_spacing((9, 14, 12), (1, 1, 1), (500, 0, 0)).ijk_to_lps)
