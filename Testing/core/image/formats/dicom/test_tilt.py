"""A tilted gantry: read as a straight volume, and results back on the slices as recorded."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pydicom
import pytest

from masam_core.errors import VolumeError
from masam_core.export.segmentation import write_files
from masam_core.image.apart import read_apart
from masam_core.image.formats.dicom.series import grid_of_files
from masam_core.image.volume import Volume, read_volume
from masam_core.prompts.dicom.regions import read_regions
from masam_core.prompts.dicom.shapes import pixels_to_lps
from Testing.core.export.dicom.making import faults, lesion_of
from Testing.core.image.formats.dicom import tilted


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    return read_volume(tilted.write(tmp_path_factory.mktemp("head")))


def center(mask: np.ndarray, volume: Volume) -> np.ndarray:
    """Of a mask on the volume, LPS mm."""
    return volume.geometry.lps_from_ijk(np.argwhere(mask)[:, ::-1]).mean(axis=0)


def half_a_voxel(volume: Volume) -> float:
    return float(volume.geometry.spacing.min() / 2)


def test_the_volume_is_straight_and_everything_lies_where_it_did(scan: Volume) -> None:
    geometry = scan.geometry
    axes = geometry.direction
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    # By hand: planes are 4 cos 18 mm apart, and each lies 4 sin 18 mm further along a column.
    assert geometry.spacing == pytest.approx([0.75, 1.5, 4 * math.cos(tilted.TILT)], abs=1e-5)
    rows = 13 * 4 * math.sin(tilted.TILT) / 1.5
    assert geometry.shape == (14, 30 + math.ceil(rows), 40)
    mask = scan.array > 80
    assert np.abs(center(mask, scan) - tilted.CENTER).max() < half_a_voxel(scan)
    volume_ml = 4 / 3 * math.pi * tilted.RADIUS**3 / 1000
    assert mask.sum() * geometry.voxel_volume_mm3 / 1000 == pytest.approx(volume_ml, rel=0.03)
    (note,) = scan.notes
    assert "tilted gantry (18.0 degrees)" in note
    assert "original slices" in note


def test_values_are_those_of_the_slices_and_no_others(scan: Volume) -> None:
    """Along k nothing is interpolated: each slice is its image, moved within its plane."""
    images = np.where(tilted.ball(), 120, 40)
    pixels = scan.geometry.ijk_from_lps(tilted.places().reshape(-1, 3)).reshape(*tilted.SHAPE, 3)
    for k, image in enumerate(images):
        assert np.allclose(pixels[k, ..., 2], k, atol=1e-4)
        offset = pixels[k, 0, 0, :2]
        # Linear between the two nearest rows, by numpy.
        low = math.floor(offset[1] + 1e-4)
        share = offset[1] - low
        wanted = image[1:] * (1 - share) + image[:-1] * share
        column = round(offset[0])
        there = scan.array[k, low + 1 : low + tilted.SHAPE[1], column : column + tilted.SHAPE[2]]
        assert np.abs(there - wanted).max() <= 0.51
    assert scan.array.dtype.kind == "i"


def test_a_mask_comes_back_on_the_pixels_it_was_made_of(scan: Volume, tmp_path: Path) -> None:
    import highdicom as hd

    pytest.importorskip("highdicom")
    mask = scan.array > 80
    files = [tmp_path / name for name in ("a.seg.dcm", "a.rt.dcm", "a.sr.dcm")]
    assert write_files(files, [lesion_of(mask, scan)], scan) == ()
    for path in files:
        assert faults(path) == []
    made = pydicom.dcmread(files[0])
    assert (made.Rows, made.Columns) == tilted.SHAPE[1:]
    found = []
    for group, frame in zip(made.PerFrameFunctionalGroupsSequence, made.pixel_array, strict=True):
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        number = int(source.ReferencedSOPInstanceUID.rsplit(".", 1)[1]) - 1
        place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        assert np.abs(place - tilted.position(number)).max() < 1e-3  # that of its source slice
        found.append(tilted.places()[number][frame > 0])
    middle = np.vstack(found).mean(axis=0)
    assert np.abs(middle - tilted.CENTER).max() < half_a_voxel(scan)
    # Image by image, by their names: all but pixels at the rim are the ball's.
    pixels = hd.seg.segread(files[0]).get_pixels_by_source_instance(
        [name.uid for name in scan.geometry.images.slices],
        segment_numbers=[1],
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    drawn, wanted = pixels[..., 0] > 0, tilted.ball()
    assert 2 * (drawn & wanted).sum() / (drawn.sum() + wanted.sum()) > 0.95
    outline = pydicom.dcmread(files[1]).ROIContourSequence[0].ContourSequence
    for contour in outline:
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        uid = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
        away = (points - tilted.position(int(uid.rsplit(".", 1)[1]) - 1)) @ tilted.NORMAL
        assert np.abs(away).max() < 1e-3  # in the plane of its image


def test_the_ends_of_a_diameter_lie_on_their_image(scan: Volume, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    mask = scan.array > 80
    lesion = lesion_of(mask, scan)
    write_files([tmp_path / "a.sr.dcm"], [lesion], scan)
    ends, images = [], []

    def walk(item: pydicom.Dataset) -> None:
        for child in item.get("ContentSequence", []):
            if child.get("ValueType") == "SCOORD":
                ends.append(np.reshape(child.GraphicData, (2, 2)))
            if child.get("ValueType") == "IMAGE" and item.get("ValueType") == "SCOORD":
                images.append(child.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            walk(child)

    walk(pydicom.dcmread(tmp_path / "a.sr.dcm"))
    assert ends
    number = int(images[0].rsplit(".", 1)[1]) - 1
    x, y = (ends[0] - 0.5).T  # the first pixel's corner is 0
    mm = (
        tilted.position(number)
        + x[:, None] * tilted.SPACING[1] * tilted.ROW
        + y[:, None] * tilted.SPACING[0] * tilted.COLUMN
    )
    wanted = np.array(lesion.measurements["diameter_endpoints_lps"])
    assert np.abs(mm - wanted).max() < 0.01
    # And the same way in: what a reader draws on an image is found in the volume.
    again = pixels_to_lps(ends[0].ravel().tolist(), number, scan.geometry)
    assert np.abs(again - wanted).max() < 0.01


def test_a_mask_of_the_slices_is_one_to_begin_with(scan: Volume, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    mask = scan.array > 80
    write_files([tmp_path / "a.seg.dcm", tmp_path / "a.rt.dcm"], [lesion_of(mask, scan)], scan)
    for name in ("a.seg.dcm", "a.rt.dcm"):
        (region,) = read_regions(tmp_path / name, scan.geometry)
        assert np.array_equal(region.mask(), mask), name


def test_what_was_kept_of_the_slices_goes_through_another_process(tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    folder = tilted.write(tmp_path / "head")
    scan = read_apart(str(folder))
    mask = scan.array > 80
    write_files([tmp_path / "a.seg.dcm"], [lesion_of(mask, scan)], scan)
    (region,) = read_regions(tmp_path / "a.seg.dcm", scan.geometry)
    assert np.array_equal(region.mask(), mask)
    assert "tilted gantry" in " ".join(scan.notes)


def test_a_gantry_that_tilts_the_other_way_is_read_as_well(tmp_path: Path) -> None:
    """Slices from the head down, turned about the vertical, too."""
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    axes = [*np.round(turn @ tilted.ROW, 6), *np.round(turn @ tilted.COLUMN * [1, 1, -1], 6)]
    volume = read_volume(
        tilted.write(
            tmp_path,
            ImageOrientationPatient=axes,
            ImagePositionPatient=lambda k: [0.0, 0.0, -4.0 * k],
        )
    )
    grid = volume.geometry.images.tilt.grid
    row, column = np.reshape(axes, (2, 3))
    for k, j, i in ((0, 0, 0), (13, 29, 39), (5, 0, 39), (9, 29, 0)):
        # Which image lies at k is its place along the normal, not its number.
        name = volume.geometry.images.slices[k].uid
        number = int(name.rsplit(".", 1)[1]) - 1
        wanted = np.array([0, 0, -4.0 * number]) + i * 0.75 * row + j * 1.5 * column
        assert np.allclose(grid.lps_from_ijk([[i, j, k]])[0], wanted, atol=1e-3)
    # The marked pixels' middle, by the tags alone, is that of the marked voxels.
    k, j, i = np.argwhere(tilted.ball()).T[..., None]
    middle = (np.array([0, 0, -4.0]) * k + i * 0.75 * row + j * 1.5 * column).mean(axis=0)
    assert np.abs(center(volume.array > 80, volume) - middle).max() < half_a_voxel(volume)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda k: [0.0, 5.0 * k, 3.0 * k], "no gantry tilts that far"),
        (lambda k: [0.0, 0.3 * k + 0.5 * (k == 4), 3.0 * k], "drift within their plane"),
        (lambda k: [0.0, 0.3 * k, 3.0 * (k + (k > 6))], "do not lie evenly"),
    ],
)
def test_what_is_not_shifted_evenly_stays_refused(tmp_path: Path, step: object, says: str) -> None:
    tilted.write(tmp_path, ImagePositionPatient=step, ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    with pytest.raises(VolumeError, match=says):
        read_volume(tmp_path)


def test_two_images_show_no_tilt(tmp_path: Path) -> None:
    folder = tilted.write(tmp_path)
    for path in folder.iterdir():
        if pydicom.dcmread(path).InstanceNumber > 2:
            path.unlink()
    with pytest.raises(VolumeError, match="drift within their plane"):
        read_volume(folder)


def test_a_grid_that_another_program_has_loaded_is_not_guessed(tmp_path: Path) -> None:
    folder = tilted.write(tmp_path)
    with pytest.raises(VolumeError, match=r"gantry tilt of 18\.0 degrees"):
        grid_of_files(sorted(folder.iterdir()), "The series")
