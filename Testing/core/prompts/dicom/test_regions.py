"""Structures and segments as boxes and as masks."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from masam_core.errors import BoxError
from masam_core.export.dicom.outline import outlines
from masam_core.export.segmentation import write_lesions
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.prompts.dicom.regions import one_region, read_regions
from masam_core.prompts.dicom.structures import filled
from masam_core.prompts.first import LinePrompt
from masam_core.prompts.readers.dicom import left_out
from masam_core.prompts.readers.registry import read_boxes, read_prompts
from Testing.core.export.dicom.making import lesion_of, read, two_masks
from Testing.core.prompts.dicom.making import structures

PLACE = "1.2.3.5"


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return read(tmp_path / "scan")


@pytest.mark.parametrize("name", ["a.seg.dcm", "a.rt.dcm"])
def test_what_was_written_comes_back_voxel_for_voxel(
    volume: Volume, tmp_path: Path, name: str
) -> None:
    masks = two_masks(volume.array.shape)
    lesions = [lesion_of(m, volume, f"Liver {n}") for n, m in enumerate(masks, 1)]
    write_lesions(tmp_path / name, lesions, volume)
    # The same image of another program, that knows nothing of DICOM, its axes stored backwards.
    matrix = volume.geometry.ijk_to_lps @ np.diag([1.0, -1.0, 1.0, 1.0])
    matrix[:3, 3] = volume.geometry.lps_from_ijk([[0, volume.array.shape[1] - 1, 0]])[0]
    for grid, turn in ((volume.geometry, 1), (Geometry(volume.array.shape, matrix), -1)):
        regions = read_regions(tmp_path / name, grid)
        assert [region.name for region in regions] == ["Liver 1", "Liver 2"]
        for region, mask in zip(regions, masks, strict=True):
            assert np.array_equal(region.mask(), mask[:, ::turn])
    boxes = read_boxes(tmp_path / name, volume.geometry)
    for box, lesion in zip(boxes, lesions, strict=True):
        np.testing.assert_allclose(
            np.sort(box.corners_ijk, axis=0), np.sort(lesion.box.corners_ijk, axis=0), atol=1e-4
        )
        assert bool(box.tracking_uid) == (name == "a.seg.dcm")


def test_one_lesion_is_chosen_by_its_name(volume: Volume, tmp_path: Path) -> None:
    masks = two_masks(volume.array.shape)
    lesions = [lesion_of(m, volume, f"Liver {n}") for n, m in enumerate(masks, 1)]
    write_lesions(tmp_path / "a.seg.dcm", lesions, volume)
    with pytest.raises(BoxError, match=r"holds 'Liver 1', 'Liver 2'; .*--only"):
        one_region(tmp_path / "a.seg.dcm", volume.geometry)
    region = one_region(tmp_path / "a.seg.dcm", volume.geometry, ("Liver 2",))
    assert np.array_equal(region.mask(), masks[1])


def test_fractional_and_label_map_segments_are_read(volume: Volume, tmp_path: Path) -> None:
    (mask, _) = two_masks(volume.array.shape)
    sources = sorted(
        map(pydicom.dcmread, (tmp_path / "scan").iterdir()),
        key=lambda d: volume.geometry.images.number_of(d.SOPInstanceUID),
    )
    about = hd.seg.SegmentDescription(
        1,
        "tumour",
        hd.sr.CodedConcept("49755003", "SCT", "Morphologically Altered Structure"),
        hd.sr.CodedConcept("4147007", "SCT", "Mass"),
        "MANUAL",
    )
    for kind, pixels in (
        ("FRACTIONAL", np.where(mask, 0.9, 0.3).astype(np.float32)),
        ("LABELMAP", mask.astype(np.uint8)),
    ):
        made = hd.seg.Segmentation(
            sources, pixels, kind, [about], "1.2.8", 1, "1.2.9", 1, "maker", "model", "1", "1"
        )
        path = tmp_path / f"{kind}.dcm"
        made.save_as(path)
        (region,) = [r for r in read_regions(path, volume.geometry) if r.name == "tumour"]
        assert np.array_equal(region.mask(), mask)


def test_a_mask_of_other_voxels_is_refused_and_its_box_taken(
    volume: Volume, tmp_path: Path
) -> None:
    (mask, _) = two_masks(volume.array.shape)
    write_lesions(tmp_path / "a.seg.dcm", [lesion_of(mask, volume)], volume)
    scale = np.diag([0.5, 0.5, 1.0, 1.0])
    finer = Geometry((8, 24, 20), volume.geometry.ijk_to_lps @ scale)
    (region,) = read_regions(tmp_path / "a.seg.dcm", finer)
    low = [2 * v for v in (0.5, 1.5)]  # first pixels 1 and 2, half a pixel before
    np.testing.assert_allclose(region.low[:2], low, atol=1e-6)
    with pytest.raises(BoxError, match="not on the image's voxels"):
        region.mask()
    place = volume.geometry.ijk_to_lps.copy()
    place[:3, 3] += 0.3 * volume.geometry.direction[:, 0]
    with pytest.raises(BoxError, match="not on the image's voxels"):
        read_regions(tmp_path / "a.seg.dcm", Geometry(volume.array.shape, place))[0].mask()


def outline(volume: Volume, corners: list[tuple[float, float]], k: float) -> list[float]:
    ijk = [(i, j, k) for i, j in corners]
    return volume.geometry.lps_from_ijk(ijk).ravel().tolist()


def test_holes_as_outlines_of_their_own_points_and_lines(volume: Volume, tmp_path: Path) -> None:
    square = [(0.6, 0.6), (6.4, 0.6), (6.4, 8.4), (0.6, 8.4)]
    hole = [(2.6, 2.6), (4.4, 2.6), (4.4, 5.4), (2.6, 5.4)]
    made = structures(
        tmp_path / "rt.dcm",
        PLACE,
        GTV=[("CLOSED_PLANAR", outline(volume, c, 3)) for c in (square, hole)],
        Marker=[("POINT", outline(volume, [(2, 2)], 1))],
        Diameter=[("OPEN_PLANAR", outline(volume, [(2, 2), (7, 2)], 1))],
    )
    (region,) = read_regions(made, volume.geometry)
    expected = np.zeros(volume.array.shape, bool)
    expected[3, 1:9, 1:7] = True
    expected[3, 3:6, 3:5] = False
    assert np.array_equal(region.mask(), expected)
    box, line = read_prompts(made, volume.geometry)  # a point beside outlines is a marker
    assert (box.name, line.name) == ("GTV", "Diameter")
    assert "1 point is beside outlines or lines" in left_out(made, volume.geometry)
    assert left_out(made, volume.geometry, "The prompts").startswith("The prompts: ")
    assert isinstance(line, LinePrompt)
    assert box.corners_ijk.min(axis=0) == pytest.approx([0.6, 0.6, 2.5], abs=1e-3)


def test_an_outline_across_the_slices_is_a_box_and_no_mask(volume: Volume, tmp_path: Path) -> None:
    ijk = [(3, 2, 1), (3, 8, 1), (3, 8, 5), (3, 2, 5)]
    data = volume.geometry.lps_from_ijk(ijk).ravel().tolist()
    made = structures(tmp_path / "rt.dcm", PLACE, Sagittal=[("CLOSED_PLANAR", data)])
    (region,) = read_regions(made, volume.geometry)
    assert region.box.corners_ijk.min(axis=0) == pytest.approx([2.5, 2, 1], abs=1e-3)
    with pytest.raises(BoxError, match="another plane"):
        region.mask()


@pytest.mark.parametrize("name", ["a.seg.dcm", "a.rt.dcm"])
def test_another_frame_of_reference_is_another_place(
    volume: Volume, tmp_path: Path, name: str
) -> None:
    (mask, _) = two_masks(volume.array.shape)
    write_lesions(tmp_path / name, [lesion_of(mask, volume)], volume)
    other = read(tmp_path / "other", FrameOfReferenceUID="1.2.3.6")
    with pytest.raises(BoxError, match=f"{name}.*another frame of reference"):
        read_regions(tmp_path / name, other.geometry)


@pytest.mark.parametrize("name", ["a.seg.dcm", "a.rt.dcm"])
def test_damaged_regions_leave_words(volume: Volume, tmp_path: Path, name: str) -> None:
    (mask, _) = two_masks(volume.array.shape)
    write_lesions(tmp_path / name, [lesion_of(mask, volume)], volume)
    whole = (tmp_path / name).read_bytes()
    errors = []
    for length in range(300, len(whole), len(whole) // 60):
        (tmp_path / name).write_bytes(whole[:length])
        try:
            found = [region.mask() for region in read_regions(tmp_path / name, volume.geometry)]
        except BoxError as error:
            errors.append(str(error))
            continue
        assert all(np.array_equal(one, mask) for one in found)  # nothing, or all of it
    assert len(errors) > 20
    assert all(name in error for error in errors)


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_filling_undoes_outlining(mask: np.ndarray) -> None:
    back = np.zeros(mask.shape, bool)
    for corners in outlines(mask):
        back ^= filled(corners, mask.shape)
    assert np.array_equal(back, mask)


def test_a_triangle_is_filled_by_its_centres() -> None:
    found = filled(np.array([[0.0, -0.4], [4.4, 4.0], [0.0, 4.0]]), (5, 5))
    by_hand = [[j >= i - 0.4 and i >= 0 for i in range(5)] for j in range(4)] + [[False] * 5]
    assert found.tolist() == by_hand
