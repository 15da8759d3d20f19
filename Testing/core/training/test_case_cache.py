"""The cache gives back what preparation gave, from files mapped into memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.data.cases import Target
from masam_core.data.reading import read_cases
from masam_core.model.config import ModelConfig
from masam_core.training import case_cache
from masam_core.training.case_cache import CaseCache
from masam_core.training.prepared import prepare_background, prepare_case


def test_a_cached_case_is_the_prepared_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, config = read_cases(data)[0], ModelConfig()
    cache = CaseCache(tmp_path / "cache")
    direct = prepare_case(case, config)
    first = cache.case(case, config)
    monkeypatch.setattr(case_cache, "prepare_case", lambda *a: pytest.fail("prepared again"))
    second = cache.case(case, config)
    for got in (first, second):
        assert [g.box for g in got] == [d.box for d in direct]
        assert np.array_equal(got[0].slices, direct[0].slices)
        assert np.array_equal(got[0].mask, direct[0].mask)
        assert got[0].frame.spacing == direct[0].frame.spacing
        assert (got[0].frame.axes, got[0].frame.flips) == (
            direct[0].frame.axes,
            direct[0].frame.flips,
        )
        assert got[0].frame.shape == direct[0].frame.shape
        assert isinstance(got[0].slices, np.memmap)


def test_another_setting_or_a_changed_file_is_prepared_anew(data: Path, tmp_path: Path) -> None:
    case, config = read_cases(data)[0], ModelConfig()
    cache = CaseCache(tmp_path / "kept")
    cache.case(case, config)
    cache.case(case, replace(config, channels="local"))
    cache.case(case, config, Target(instances=True))
    assert len(list((tmp_path / "kept").iterdir())) == 3
    image = sitk.ReadImage(str(case.image))
    sitk.WriteImage(image + 40, str(case.image))
    fresh = cache.case(case, config)
    assert len(list((tmp_path / "kept").iterdir())) == 4
    assert np.array_equal(fresh[0].slices, prepare_case(case, config)[0].slices)


def test_a_broken_off_entry_is_not_taken_for_a_whole_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, cache = read_cases(data)[0], CaseCache(tmp_path)

    def full(*args: object) -> str:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(case_cache, "_frame_to_json", full)
        with pytest.raises(OSError, match="no space"):
            cache.case(case, ModelConfig())
    assert cache.case(case, ModelConfig())[0].mask.any()


def test_backgrounds_are_kept_too(data: Path, tmp_path: Path) -> None:
    image = data / "ball0" / "image.nii.gz"
    kept = CaseCache(tmp_path).background(image, ModelConfig())
    assert np.array_equal(kept.slices, prepare_background(image, ModelConfig()).slices)
    assert not kept.mask.any()
