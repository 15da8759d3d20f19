"""Tables that a spreadsheet opens without running anything, and tables that a spreadsheet wrote."""

from __future__ import annotations

import csv

import pytest

from masam_core.errors import SegmentationError
from masam_core.spreadsheet import columns_of, defused, read_table, write_table

ODD = ("=1+1", "+cmd", "-x", "@sum", "\t=1+1", "\r=1", "\n=1", "\uff1d1+1", "\uff20a")


@pytest.mark.parametrize("text", ODD)
def test_no_cell_begins_as_a_formula(tmp_path, text):
    path = tmp_path / "t.csv"
    write_table(path, ["name"], [[text]])
    with path.open(newline="", encoding="utf-8-sig") as file:
        assert list(csv.reader(file)) == [["name"], [f"'{text}"]]


@pytest.mark.parametrize("value", [-1.5, "-1.5", "1e-05", "-3", "", None, "lesion = 1"])
def test_numbers_and_plain_words_stay(value):
    assert defused(value) == ("" if value is None else str(value))


def test_names_in_every_script_and_broken_ones_are_written(tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, ["name"], [["Schädel"], ["肿瘤"], ["\udce4"]])
    assert [row["name"] for row in read_table(path)] == ["Schädel", "肿瘤", "\\udce4"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("first", ["", "sep={}\n", '"sep={}"\r\n'])
@pytest.mark.parametrize("divider", [",", ";", "\t"])
def test_every_way_in_which_a_spreadsheet_divides_columns_is_read(tmp_path, divider, first, mark):
    path = tmp_path / "t.csv"
    lines = [
        f"image{divider} boxes {divider}name",
        f'a.nii{divider}"b;c,d"{divider}x',
        f"{divider}" * 2,
    ]
    path.write_text(mark + first.format(divider) + "\r\n".join(lines), "utf-8")
    assert read_table(path) == [{"image": "a.nii", "boxes": "b;c,d", "name": "x"}]
    assert columns_of(path) == ["image", "boxes", "name"]


def test_short_and_long_rows_lose_nothing_that_has_a_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1\n1,2,3\n")
    assert read_table(path) == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]


def test_a_table_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(SegmentationError, match=r"t\.csv' was not written"):
        write_table(tmp_path / "none" / "t.csv", ["a"], [], SegmentationError)


def test_a_table_without_end_is_not_read(tmp_path):
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.write(b"image,boxes\n")
        file.truncate((1 << 30) + 1)  # takes no room on the disk
    with pytest.raises(ValueError, match=r"it has 1\.1 GB, and a table may have 1 GB"):
        read_table(path)
