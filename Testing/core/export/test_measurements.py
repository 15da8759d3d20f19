"""The CSV, read back with the standard library."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from masam_core.errors import SegmentationError
from masam_core.export.measurements import COLUMNS, measurement_rows, write_measurements


def read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_for_each_lesion_with_units_in_the_header(oblique_volume, make_lesion, tmp_path):
    first = make_lesion(oblique_volume, (2, 3, 4), (4, 5, 6), name="Métastase, foie")
    empty = make_lesion(
        oblique_volume,
        (1, 1, 1),
        (2, 2, 2),
        name="None here",
        mask=np.zeros((2, 2, 2), bool),
        messages=("The box was clipped.", "Nothing found."),
    )
    path = tmp_path / "report.csv"
    write_measurements(path, measurement_rows([first, empty], oblique_volume))

    assert path.read_bytes().startswith(b"\xef\xbb\xbfimage,lesion,volume_ml,")
    rows = read(path)
    assert list(rows[0]) == list(COLUMNS)
    assert [row["lesion"] for row in rows] == ["Métastase, foie", "None here"]
    assert float(rows[0]["volume_ml"]) == pytest.approx(27 * 0.8 * 1.2 * 3 / 1000, rel=1e-5)
    # 3 pixels of 0.8 mm by 3 of 1.2 mm.
    assert float(rows[0]["longest_diameter_mm"]) == pytest.approx(np.hypot(2.4, 3.6), rel=1e-5)
    assert (rows[0]["diameter_axis"], rows[0]["voxels"]) == ("k", "27")
    assert (rows[0]["bounding_box_i_mm"], rows[0]["bounding_box_k_mm"]) == ("2.4", "9")
    assert (rows[0]["intensity_unit"], rows[0]["confidence"]) == ("HU", "0.875")
    assert (rows[1]["voxels"], rows[1]["volume_ml"]) == ("0", "0")
    assert rows[1]["longest_diameter_mm"] == rows[1]["mean"] == ""
    assert rows[1]["messages"] == "The box was clipped. Nothing found."


def test_names_that_a_spreadsheet_would_run_are_defused(oblique_volume, make_lesion, tmp_path):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (4, 5, 6), name="=HYPERLINK(1)")
    write_measurements(tmp_path / "r.csv", measurement_rows([lesion], oblique_volume))
    (row,) = read(tmp_path / "r.csv")
    assert row["lesion"] == "'=HYPERLINK(1)"
    assert float(row["centroid_l_mm"]) < 0


def test_a_table_of_many_images_keeps_their_order(oblique_volume, make_lesion, tmp_path):
    lesion = make_lesion(oblique_volume, (2, 3, 4), (4, 5, 6))
    rows = measurement_rows([lesion], oblique_volume)
    write_measurements(tmp_path / "r.csv", [{**rows[0], "image": str(n)} for n in range(3)])
    assert [row["image"] for row in read(tmp_path / "r.csv")] == ["0", "1", "2"]


def test_a_folder_that_is_missing_is_named_and_nothing_is_left(tmp_path):
    with pytest.raises(SegmentationError, match="not written"):
        write_measurements(tmp_path / "no" / "r.csv", [])
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_table(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("old")
    with pytest.raises(KeyError):
        write_measurements(path, [{"image": "only"}])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
