"""What int8's scales are found on: windows as the encoder is shown them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import ConfigError
from masam_core.image.volume import Volume
from masam_core.inference.calibrating import (
    MOST_CASES,
    calibration_pairs,
    calibration_windows,
    evenly,
)

from .conftest import BuildModel


def test_windows_to_calibrate_on_are_what_the_encoder_is_shown(
    build_model: BuildModel, volume: Volume, tmp_path: Path
) -> None:
    label = np.zeros(volume.array.shape, np.uint8)
    label[5:13, 9:29, 12:32] = 1
    for name, array in (("image", volume.array), ("label", label)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((0.9, 0.9, 2.5))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    pair = (tmp_path / "image.nii.gz", tmp_path / "label.nii.gz", "MR")
    windows = calibration_windows(build_model(), [pair])
    assert len(windows) * 5 >= 8  # slices of the lesion
    for window in windows:
        assert window.shape == (1, 5, 56, 56)
        assert 0 <= window.min() < window.max() <= 1
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros_like(label)), str(pair[1]))
    with pytest.raises(ConfigError, match="None of the images"):
        calibration_windows(build_model(), [pair])


def test_cases_to_be_judged_by_are_not_calibrated_on(tmp_path: Path) -> None:
    names = {pair[2] for pair in calibration_pairs(None)}
    assert names == {"CT", "MR"}  # the samples
    rows = ["case,patient,image,label,split"]
    for number in range(40):
        for kind in ("image", "label"):
            (tmp_path / f"{kind}{number}.nii.gz").touch()
        split = "val" if number % 2 else "train"
        rows.append(f"c{number},p{number},image{number}.nii.gz,label{number}.nii.gz,{split}")
    (tmp_path / "cases.csv").write_text("\n".join(rows))
    found = [pair[0].name for pair in calibration_pairs(tmp_path / "cases.csv")]
    assert len(found) == MOST_CASES
    assert all(int(name[5:].split(".")[0]) % 2 == 0 for name in found)
    assert evenly(range(10), 3) == [0, 4, 9]
