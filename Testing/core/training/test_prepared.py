"""Prepared cases: the canonical frame, classes, separate lesions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.data.cases import Target
from masam_core.data.reading import read_cases
from masam_core.errors import ConfigError
from masam_core.model.config import ModelConfig
from masam_core.training.prepared import prepare_background, prepare_case


def test_a_case_is_prepared_in_the_canonical_frame(data: Path) -> None:
    (case,) = prepare_case(read_cases(data)[0], ModelConfig())
    z, y, x = np.nonzero(case.mask)
    assert (
        case.box
        == (x.min(), y.min(), z.min(), x.max(), y.max(), z.max())
        == (10, 10, 2, 30, 26, 10)
    )
    assert case.slices.shape == (12, 40, 44)
    assert 0 <= float(case.slices.min()) < float(case.slices.max()) <= 1
    assert case.frame.spacing == pytest.approx((2.0, 1.0, 1.0))


@pytest.mark.parametrize(("change", "message"), [("grid", "image's grid"), ("empty", "no lesion")])
def test_a_label_that_does_not_fit_is_refused(data: Path, change: str, message: str) -> None:
    path = data / "ball0" / "label.nii.gz"
    label = sitk.ReadImage(str(path))
    if change == "grid":
        label.SetSpacing((1.0, 1.0, 2.5))
    sitk.WriteImage(label if change == "grid" else label * 0, str(path))
    with pytest.raises(ConfigError, match=message):
        prepare_case(read_cases(data)[0], ModelConfig())


def test_separate_parts_are_lesions_of_their_own_on_the_same_image(data: Path) -> None:
    path = data / "ball0" / "label.nii.gz"
    label = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(label)
    array[9:11, 34:38, 38:42] = 3  # a second lesion, with another value
    array[0, 0, 0] = 3  # a slip of the pen
    changed = sitk.GetImageFromArray(array)
    changed.CopyInformation(label)
    sitk.WriteImage(changed, str(path))
    case = read_cases(data)[0]
    whole = prepare_case(case, ModelConfig())
    parts = prepare_case(case, ModelConfig(), Target(instances=True))
    chosen = prepare_case(case, ModelConfig(), Target(labels=(3,), instances=True))
    assert len(whole) == 1
    assert whole[0].box == (0, 0, 0, 41, 37, 10)
    assert [p.box for p in parts] == [(10, 10, 2, 30, 26, 10), (38, 34, 9, 41, 37, 10)]
    assert parts[0].slices is parts[1].slices
    assert [p.box for p in chosen] == [(38, 34, 9, 41, 37, 10)]


def test_orientation_and_scattered_values_do_not_matter_to_several_classes(data: Path) -> None:
    """As TotalSegmentator's files have it: 3 mm each way, stored from another corner, values with
    gaps, a class that is not there."""
    case = read_cases(data)[0]
    image, label = sitk.ReadImage(str(case.image)), sitk.ReadImage(str(case.label))
    array = sitk.GetArrayFromImage(label).astype(np.uint8)
    array[:, :, 20:] *= 52
    array[array == 1] = 5
    config = ModelConfig(num_classes=3)
    prepared = []
    for corner in ("LPS", "LAS", "RAS", "PSR"):
        for file, values in ((case.image, sitk.GetArrayFromImage(image)), (case.label, array)):
            turned = sitk.GetImageFromArray(values)
            turned.SetSpacing((3.0, 3.0, 3.0))
            sitk.WriteImage(sitk.DICOMOrient(turned, corner), str(file))
        prepared += prepare_case(case, config, Target(labels=(52, 90, 5)))
    first = prepared[0]
    assert np.unique(first.mask).tolist() == [0, 1, 3]
    assert np.array_equal(first.mask == 1, array == 52)
    for other in prepared[1:]:
        assert np.array_equal(other.slices, first.slices)
        assert np.array_equal(other.mask, first.mask)


@pytest.mark.parametrize("count", [1, 3])
def test_a_case_without_any_class_may_serve_as_an_example_of_that(data: Path, count: int) -> None:
    case, config = read_cases(data)[0], ModelConfig(num_classes=count)
    target = Target(labels=tuple(range(7, 7 + count)))
    with pytest.raises(ConfigError, match="holds no lesion"):
        prepare_case(case, config, target)
    (nothing,) = prepare_case(case, config, target, nothing=True)
    assert nothing.mask.shape == nothing.slices.shape
    assert not nothing.mask.any()
    assert nothing.slices_of_classes == []


def test_labels_become_classes_in_the_order_given() -> None:
    array = np.array([0, 5, 2, 7, 2])
    assert Target((2, 5)).classes(array, 2).tolist() == [0, 2, 1, 0, 1]
    assert Target().classes(array, 1).tolist() == [0, 1, 1, 1, 1]
    assert Target((7,)).classes(array, 1).tolist() == [0, 0, 0, 1, 0]
    with pytest.raises(ConfigError, match="2 label values are needed"):
        Target((2,)).classes(array, 2)


def test_local_channels_keep_values_beyond_the_limits(data: Path) -> None:
    case = read_cases(data)[0]
    cut = prepare_case(case, ModelConfig())[0].slices
    whole = prepare_case(case, ModelConfig(channels="local"))[0].slices
    assert float(whole.max()) > 1.0
    assert np.allclose(np.clip(whole, 0, 1), cut, atol=1e-3)


def test_a_background_has_no_lesion(data: Path) -> None:
    case = prepare_background(data / "ball0" / "image.nii.gz", ModelConfig())
    assert case.slices.shape == case.mask.shape == (12, 40, 44)
    assert not case.mask.any()
