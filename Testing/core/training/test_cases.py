"""Case lists: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import ConfigError
from masam_core.intensity import DEFAULT_INTENSITY
from masam_core.training.cases import prepare_case, read_index


def test_an_index_lists_its_cases(data: Path) -> None:
    cases = read_index(data)
    assert [(c.name, c.patient, c.split) for c in cases] == [
        ("ball0", "p0", "train"),
        ("ball1", "p1", "train"),
        ("ball2", "p2", "val"),
    ]
    assert read_index(data / "index.csv") == cases


def test_a_case_is_prepared_in_the_canonical_frame(data: Path) -> None:
    case = prepare_case(read_index(data)[0], DEFAULT_INTENSITY)
    z, y, x = np.nonzero(case.mask)
    assert (
        case.box
        == (x.min(), y.min(), z.min(), x.max(), y.max(), z.max())
        == (10, 10, 2, 30, 26, 10)
    )
    assert case.slices.shape == (12, 40, 44)
    assert 0 <= float(case.slices.min()) < float(case.slices.max()) <= 1
    assert case.frame.spacing == pytest.approx((2.0, 1.0, 1.0))


def test_a_patient_in_two_splits_is_refused(data: Path) -> None:
    index = data / "index.csv"
    index.write_text(index.read_text().replace("ball2,p2", "ball2,p0"))
    with pytest.raises(ConfigError, match="p0 is in both train and val"):
        read_index(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,split\na,train\n", "lacks the column"),
        ("", "lacks the column"),
        ("case,patient,split\nghost,p,train\n", "is missing"),
    ],
)
def test_broken_lists_are_refused(data: Path, text: str, message: str) -> None:
    (data / "index.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_index(data)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no case list"):
        read_index(tmp_path)


@pytest.mark.parametrize(("change", "message"), [("grid", "same grid"), ("empty", "no lesion")])
def test_a_label_that_does_not_fit_is_refused(data: Path, change: str, message: str) -> None:
    path = data / "ball0" / "label.nii.gz"
    label = sitk.ReadImage(str(path))
    if change == "grid":
        label.SetSpacing((1.0, 1.0, 2.5))
    sitk.WriteImage(label if change == "grid" else label * 0, str(path))
    with pytest.raises(ConfigError, match=message):
        prepare_case(read_index(data)[0], DEFAULT_INTENSITY)
