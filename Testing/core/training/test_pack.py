"""Packs: what samples need comes back, nothing else travels, other files are refused."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import ConfigError
from masam_core.training.pack import (
    LEVELS,
    choose_levels,
    from_bytes,
    read_pack,
    to_bytes,
    write_pack,
)
from masam_core.training.prepared import PreparedCase, Regions


def test_a_lesion_comes_back_with_its_surroundings(
    prepared: list[PreparedCase], tmp_path: Path
) -> None:
    path = tmp_path / "set.npz"
    lesion = replace(prepared[0], case=replace(prepared[0].case, weight=2.5))
    assert write_pack(path, [[lesion]]) == path.stat().st_size
    ((back,),) = read_pack(path)
    assert back.case.weight == 2.5
    content = zipfile.ZipFile(path).read("pack.json").decode()
    assert lesion.case.name not in content
    assert f'"{lesion.case.patient}"' not in content
    assert back.frame.spacing == pytest.approx(lesion.frame.spacing)
    assert back.mask.sum() == lesion.mask.sum()
    x0, y0, z0, x1, y1, z1 = lesion.box
    a0, b0, c0, a1, b1, c1 = back.box
    assert (a1 - a0, b1 - b0, c1 - c0) == (x1 - x0, y1 - y0, z1 - z0)
    held = lesion.slices[z0 : z1 + 1, y0 : y1 + 1, x0 : x1 + 1].astype(np.float32)
    kept = back.slices[c0 : c1 + 1, b0 : b1 + 1, a0 : a1 + 1].astype(np.float32)
    spread = np.percentile(held, 99) - np.percentile(held, 1)
    assert np.abs(kept - held).mean() < spread / 50


def test_levels_lie_where_the_voxels_lie_and_reach_the_ends() -> None:
    rng = np.random.default_rng(0)
    tissue = np.concatenate([rng.normal(0.5, 0.05, 9000), rng.uniform(-3, 4, 1000)])
    levels = choose_levels(tissue)
    assert len(levels) == LEVELS
    assert (np.diff(levels) > 0).all()
    assert levels[0] < -2.9
    assert levels[-1] > 3.9
    fine = np.diff(levels)[(levels[:-1] > 0.4) & (levels[:-1] < 0.6)]
    assert fine.max() < 0.02  # evenly spread it would be 0.07
    back = from_bytes(to_bytes(tissue, levels), levels).astype(np.float32)
    assert np.abs(back - tissue)[:9000].mean() < 0.005


def test_patients_stay_apart_without_their_names(
    prepared: list[PreparedCase], tmp_path: Path
) -> None:
    path = tmp_path / "set.npz"
    write_pack(path, [[lesion] for lesion in prepared])
    back = [lesion.case.patient for (lesion,) in read_pack(path)]
    own = [lesion.case.patient for lesion in prepared]
    assert len(set(back)) == len(set(own))
    assert [back.index(p) for p in back] == [own.index(p) for p in own]


def test_lesions_of_one_image_share_it(prepared: list[PreparedCase], tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    moved = replace(prepared[0], mask=np.roll(prepared[0].mask, 1, axis=1))
    write_pack(path, [[prepared[0], moved]])
    ((one, other),) = read_pack(path)
    assert one.slices is other.slices
    assert one.box[1] + 1 == other.box[1]


def test_regions_that_the_crop_cuts_are_left_behind(
    prepared: list[PreparedCase], tmp_path: Path
) -> None:
    lesion = prepared[0]
    labels = np.zeros(lesion.slices.shape, np.int32)
    x0, y0, z0, x1, y1, z1 = lesion.box
    labels[z0 : z0 + 2, y0 : y0 + 3, x0 : x0 + 3] = 1
    whole = (0, 0, 0, *(n - 1 for n in lesion.slices.shape[::-1]))
    regions = Regions(labels, {1: (x0, y0, z0, x0 + 2, y0 + 2, z0 + 1), 2: whole})
    far = np.pad(lesion.slices, ((0, 0), (200, 0), (0, 0)))
    shifted = replace(
        lesion,
        slices=far,
        mask=np.pad(lesion.mask, ((0, 0), (200, 0), (0, 0))),
        box=(x0, y0 + 200, z0, x1, y1 + 200, z1),
        regions=Regions(
            np.pad(labels, ((0, 0), (200, 0), (0, 0))),
            {1: (x0, y0 + 200, z0, x0 + 2, y0 + 202, z0 + 1), 2: (0, 0, 0, *whole[3:])},
        ),
    )
    assert regions.boxes
    write_pack(tmp_path / "set.npz", [[shifted]])
    ((back,),) = read_pack(tmp_path / "set.npz")
    assert back.regions is not None
    assert list(back.regions.boxes) == [1]
    a0, b0, c0, a1, b1, c1 = back.regions.boxes[1]
    assert (back.regions.labels[c0 : c1 + 1, b0 : b1 + 1, a0 : a1 + 1] == 1).all()


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "no.npz"
    path.write_bytes(b"PK no")
    with pytest.raises(ConfigError, match=r"no\.npz is no training pack"):
        read_pack(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack.json", '{"format": 99, "images": []}')
    with pytest.raises(ConfigError, match="format 99; expected 1"):
        read_pack(path)
