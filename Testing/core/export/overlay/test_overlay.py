"""The picture: right way up, right way round, in scale, with outlines where the voxels are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import SegmentationError
from masam_core.export.overlay import figure as overlay_figure
from masam_core.export.overlay.figure import (
    LUNG,
    SOFT_TISSUE,
    display_window,
    draw_figure,
    measurement_line,
)
from masam_core.export.overlay.overlay import render_overlay
from masam_core.export.overlay.planes import display_frame, lesion_view
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.cut import Cut
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.lesion.organs import term_of
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.first import PointPrompt
from masam_core.prompts.record import PromptRecord

SIGNED_AXES = [
    np.eye(3)[:, list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def outline(axes, number=0):
    """All points of the panel's contour ``number``, in mm as (horizontal, vertical)."""
    contours = [c for c in axes.collections if hasattr(c, "levels")]
    return np.concatenate([path.vertices for path in contours[number].get_paths()])


def extent(points):
    return [points[:, 0].min(), points[:, 0].max(), points[:, 1].min(), points[:, 1].max()]


def lesion_of(volume, mask):
    k, j, i = (np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3))
    box = BoxPrompt.from_voxels(i[0], i[-1], j[0], j[-1], k[0], k[-1], name="Lesion 1")
    found = measure(mask, (0, 0, 0), volume)
    probability = mask.astype(np.float32)
    return Lesion("Lesion 1", mask, (0, 0, 0), probability, 0.9, box, volume.geometry, found)


def bright_centre(figure, axes):
    """Centre of what is bright in a panel, as fractions from its left and from its top."""
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=2)
    height, width = pixels.shape
    place = axes.get_position()
    left, right = round(place.x0 * width), round(place.x1 * width)
    top, bottom = round((1 - place.y1) * height), round((1 - place.y0) * height)
    # The middle of the panel only, away from letters and scale bar.
    panel = pixels[top:bottom, left:right]
    inset = len(panel) // 8
    rows, columns = np.nonzero(panel[inset:-inset, inset:-inset] > 240)
    return (columns.mean() + inset) / panel.shape[1], (rows.mean() + inset) / panel.shape[0]


@pytest.mark.parametrize("direction", SIGNED_AXES[::5])
def test_right_anterior_superior_is_at_the_top_left_however_the_image_is_stored(direction):
    shape, spacing = (24, 24, 24), (1.0, 1.0, 1.0)
    geometry = Geometry.from_spacing(shape, spacing, (0, 0, 0), direction)
    centre = geometry.lps_from_ijk([[11.5, 11.5, 11.5]])[0]
    ijk = np.argwhere(np.ones(shape))[:, ::-1]
    offset = geometry.lps_from_ijk(ijk) - centre
    corner = np.abs(offset - np.array([-6, -6, 6])).max(axis=1) <= 2.6
    array = np.where(corner, 1000, 0).reshape(shape).astype(np.int16)
    # The planes cut through the bright corner; the box keeps the whole image in view.
    volume = Volume(array, geometry, "MR", "corner")
    lesion = lesion_of(volume, array > 0)
    lesion.box = BoxPrompt.from_voxels(0, 23, 0, 23, 0, 23)
    figure = draw_figure(volume, [lesion], None, "corner")
    for artist in figure.findobj(lambda a: hasattr(a, "levels")):
        artist.remove()
    for axes in figure.axes:
        for line in list(axes.lines):
            line.remove()
    figure.canvas.draw()
    for axes in figure.axes:
        # 6 mm off the centre of a view of 24 mm.
        assert bright_centre(figure, axes) == pytest.approx((0.25, 0.25), abs=0.03)


def test_outlines_run_along_the_edges_of_the_voxels_in_every_plane():
    volume = Volume(
        np.zeros((10, 20, 30), np.int16), Geometry.from_spacing((10, 20, 30), (0.5, 2.0, 4.0)), "MR"
    )
    mask = np.zeros(volume.array.shape, dtype=bool)
    mask[2:5, 6:11, 12:20] = True
    expert = np.zeros_like(mask)
    expert[2:5, 5:11, 12:21] = True
    figure = draw_figure(volume, [lesion_of(volume, mask)], expert, "")
    axial, coronal, sagittal = figure.axes
    i, j, k = (11.5 * 0.5, 19.5 * 0.5), (5.5 * 2, 10.5 * 2), (1.5 * 4, 4.5 * 4)
    # The expert's outline is drawn first, below the result's.
    assert extent(outline(axial, 1)) == pytest.approx([*i, *j])
    assert extent(outline(coronal, 1)) == pytest.approx([*i, *k])
    assert extent(outline(sagittal, 1)) == pytest.approx([*j, *k])
    assert extent(outline(axial, 0)) == pytest.approx([i[0], i[1] + 0.5, j[0] - 2, j[1]])
    for axes, expected in ((axial, [*i, *j]), (coronal, [*i, *k]), (sagittal, [*j, *k])):
        # The box was drawn tightly around the voxels.
        assert extent(axes.patches[0].get_xy()) == pytest.approx(expected)


def test_pixels_lie_where_their_voxels_are():
    volume = Volume(
        np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6),
        Geometry.from_spacing((4, 5, 6), (0.5, 1.0, 2.0)),
        "MR",
    )
    mask = np.zeros((4, 5, 6), dtype=bool)
    mask[1:3, 1:4, 2:4] = True
    figure = draw_figure(volume, [lesion_of(volume, mask)], None, "")
    axial, coronal, _ = figure.axes
    (image,) = axial.images
    assert image.get_extent() == pytest.approx([-0.25, 2.75, -0.5, 4.5])
    index = lesion_view(lesion_of(volume, mask), display_frame(volume.geometry), 2, 1).index
    np.testing.assert_array_equal(image.get_array(), volume.array[index[0]])
    # P grows downwards on axial sections, S upwards on coronal ones.
    assert axial.get_ylim()[0] > axial.get_ylim()[1]
    assert coronal.get_ylim()[0] < coronal.get_ylim()[1]


def test_a_millimetre_is_as_long_across_as_down_and_in_every_panel(oblique_volume, make_lesion):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9))
    figure = draw_figure(oblique_volume, [lesion], None, "")
    width, height = figure.get_size_inches()
    scales = []
    for axes in figure.axes:
        place = axes.get_position()
        scales.append(place.width * width / abs(np.diff(axes.get_xlim())[0]))
        scales.append(place.height * height / abs(np.diff(axes.get_ylim())[0]))
    assert scales == pytest.approx([scales[0]] * 6)


def test_diameters_are_drawn_where_they_were_measured_and_nowhere_else(oblique_volume, make_lesion):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9))
    axial, coronal, sagittal = draw_figure(oblique_volume, [lesion], None, "").axes

    def lines(axes):
        """Ends of the lines given in mm (the scale bar is given in fractions of the panel)."""
        return [line.get_xydata() for line in axes.lines if line.get_transform() == axes.transData]

    longest, chord = lines(axial)
    assert np.linalg.norm(longest[1] - longest[0]) == pytest.approx(
        lesion.measurements.longest_diameter_mm
    )
    assert np.linalg.norm(chord[1] - chord[0]) == pytest.approx(
        lesion.measurements.perpendicular_diameter_mm
    )
    # Their ends lie on the rectangle of voxels that was measured.
    edges = [3.5 * 0.8, 9.5 * 0.8, 2.5 * 1.2, 8.5 * 1.2]
    assert extent(longest) == pytest.approx(edges)
    assert lines(coronal) == lines(sagittal) == []


def test_each_lesion_has_a_row_and_says_what_it_measures(oblique_volume, make_lesion):
    lesions = [
        make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9), name="Liver S8"),
        make_lesion(
            oblique_volume, (6, 3, 4), (7, 4, 5), name="Nothing", mask=np.zeros((2, 2, 2), bool)
        ),
    ]
    expert = lesions[0].mask_on_volume()
    expert[5] = False
    figure = draw_figure(oblique_volume, lesions, expert, "Follow-up")
    assert len(figure.axes) == 6
    texts = [text.get_text() for text in figure.texts]
    assert "Follow-up" in texts
    assert {"Liver S8", "Nothing", "nothing found in this box"} <= set(texts)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    # 108 of the 144 voxels: 2 * 108 / (108 + 144).
    assert labels[2] == "Expert, 0.31 ml (Dice 0.86)"
    letters = {text.get_text() for text in figure.axes[0].texts}
    assert {"R", "L", "A", "P"} <= letters


def test_a_box_that_was_found_is_not_called_the_users(oblique_volume, make_lesion):
    ends = (2, 3, 4), (5, 8, 9)
    clicked = PromptRecord(PointPrompt(oblique_volume.geometry.lps_from_ijk([[5, 4, 3]])[0]))
    for prompts, label in (
        ([None], "Box prompt"),
        ([clicked], "Box found"),
        ([None, clicked], "Box prompt, or box found"),
    ):
        lesions = [make_lesion(oblique_volume, *ends, prompts=each) for each in prompts]
        figure = draw_figure(oblique_volume, lesions, None, "")
        assert label in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_structure_of_a_whole_volume_has_no_box_prompt_and_says_when_nobody_checked_it(
    oblique_volume, make_lesion
):
    ends, term = ((2, 3, 4), (5, 8, 9)), term_of("liver")
    organ = make_lesion(oblique_volume, *ends, term=term, confidence=float("nan"))
    figure = draw_figure(oblique_volume, [organ], None, "")
    assert "Box found" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert measurement_line(organ, "CT").endswith("confidence not known")
    checked = make_lesion(oblique_volume, *ends, term=term, confidence=0.75)
    assert measurement_line(checked, "CT").endswith("confidence 75%")


def test_the_confidence_of_a_part_is_not_shown(oblique_volume, make_lesion):
    cut = (Cut("left", 12.0, 0.75), Cut("upper", 3.0, 0.6))
    line = measurement_line(make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9), cuts=cut), "CT")
    assert "confidence" not in line
    assert line.endswith("cut off by its box: left, upper")


def test_the_measurements_in_one_line(oblique_volume, make_lesion):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9))
    line = measurement_line(lesion, "CT")
    found = lesion.measurements
    assert line.split("     ") == [
        "0.41 ml",
        f"Ø {found.longest_diameter_mm:.1f} \N{MULTIPLICATION SIGN} "
        f"{found.perpendicular_diameter_mm:.1f} mm axial",
        f"mean {found.mean:.0f} ± {found.sd:.0f} HU",
        "confidence 88%",
    ]


def test_any_name_can_be_written_and_long_ones_are_cut(oblique_volume, make_lesion, tmp_path):
    name = "50 $ or $x_ in total,\nand then " + 9 * "very "
    lesion = make_lesion(oblique_volume, (2, 3, 4), (3, 4, 5), name=name)
    render_overlay(tmp_path / "a.png", oblique_volume, [lesion], title="$$ \\alpha")
    figure = draw_figure(oblique_volume, [lesion], None, "")
    texts = [text.get_text() for text in figure.texts]
    assert any(t.startswith("50 $ or $x_ in total, and") and len(t) <= 50 for t in texts)


def test_long_lists_are_cut_and_say_so(oblique_volume, make_lesion, monkeypatch):
    monkeypatch.setattr(overlay_figure, "MOST_ROWS", 2)
    lesions = [make_lesion(oblique_volume, (2, 3, 4), (3, 4, 5))] * 3
    figure = draw_figure(oblique_volume, lesions, None, "")
    assert len(figure.axes) == 3 * 2
    assert any("first 2 of 3 lesions" in text.get_text() for text in figure.texts)


def test_windows_suit_what_is_seen(oblique_volume, make_lesion):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9))
    frame = display_frame(oblique_volume.geometry)
    view = lesion_view(lesion, frame, 2.0, 1.0)
    image = frame.to_canonical(oblique_volume.array)
    assert display_window(image, view, "CT") == SOFT_TISSUE
    assert display_window(np.full_like(image, -850), view, "CT") == LUNG
    limb = np.full_like(image, -1000)
    limb[tuple(slice(n // 3, n - n // 3) for n in limb.shape)] = 40
    assert display_window(limb, view, "CT") == SOFT_TISSUE
    low, high = display_window(image.astype(np.float32), view, "MR")
    assert low < np.median(image) < high
    assert display_window(np.full_like(image, 7), view, "MR") == (7.0, 8.0)
    assert display_window(np.full(image.shape, np.nan), view, "MR") == (0.0, 1.0)


def test_a_picture_is_written_whole(oblique_volume, make_lesion, tmp_path):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9))
    path = tmp_path / "overlay.png"
    render_overlay(path, oblique_volume, [lesion], lesion.mask_on_volume(), "Title")
    picture = sitk.ReadImage(str(path))
    width, height = picture.GetSize()
    assert width > 1500
    assert width > height
    assert [p.name for p in tmp_path.iterdir()] == ["overlay.png"]


def test_what_cannot_be_drawn_is_refused(oblique_volume, make_lesion, tmp_path):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (5, 8, 9))
    with pytest.raises(SegmentationError, match="no lesion"):
        render_overlay(tmp_path / "a.png", oblique_volume, [])
    with pytest.raises(SegmentationError, match="expert's mask"):
        render_overlay(tmp_path / "a.png", oblique_volume, [lesion], np.zeros((2, 2, 2), bool))
    other = Volume(oblique_volume.array, Geometry.from_spacing(oblique_volume.array.shape))
    with pytest.raises(SegmentationError, match="another image"):
        render_overlay(tmp_path / "a.png", other, [lesion])
    with pytest.raises(SegmentationError, match="not written"):
        render_overlay(tmp_path / "no" / "a.png", oblique_volume, [lesion])
    assert list(tmp_path.iterdir()) == []
