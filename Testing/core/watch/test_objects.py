"""Which objects ask for something, and on which images."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileDataset

from masam_core.errors import PacsError
from masam_core.watch.objects import Came, came_of

from ..pacs.conftest import write_study
from .making import headers, report, state


def came(dataset: FileDataset) -> Came:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    file.seek(0)
    return came_of(file)


@pytest.fixture
def images(tmp_path: Path) -> list[Dataset]:
    write_study(tmp_path, 1, 4)
    return headers(tmp_path)


def test_an_image_is_no_measurement(tmp_path: Path, images: list[Dataset]) -> None:
    with next(tmp_path.iterdir()).open("rb") as file:
        found = came_of(file)
    assert found.is_image
    assert not found.is_measurement
    assert found.series == images[0].SeriesInstanceUID


def test_a_report_names_the_images_of_its_lines_alone(images: list[Dataset]) -> None:
    found = came(report(images, [(1, (1, 1, 5, 5)), (3, (2, 2, 4, 4))]))
    assert found.refers == {images[1].SOPInstanceUID, images[3].SOPInstanceUID}
    assert found.refers_series == {images[0].SeriesInstanceUID}
    assert not found.is_image


def test_a_report_in_space_names_what_it_looked_at(images: list[Dataset]) -> None:
    made = report(images)
    drawn = made.ContentSequence[0].ContentSequence[0].ContentSequence[2].ContentSequence[0]
    drawn.ValueType = "SCOORD3D"
    del drawn.ContentSequence
    assert came(made).refers == {one.SOPInstanceUID for one in images}


def test_a_report_without_a_drawing_asks_for_nothing(images: list[Dataset]) -> None:
    assert not came(report(images, [])).is_measurement


def test_a_presentation_state_names_the_image_of_its_line(images: list[Dataset]) -> None:
    found = came(state(images))
    assert found.refers == {images[2].SOPInstanceUID}
    assert found.refers_series == {images[0].SeriesInstanceUID}


def test_a_presentation_state_for_all_images_names_all(images: list[Dataset]) -> None:
    made = state(images)
    del made.GraphicAnnotationSequence[0].ReferencedImageSequence
    assert came(made).refers == {one.SOPInstanceUID for one in images}
    made.GraphicAnnotationSequence = []
    assert not came(made).is_measurement


@pytest.mark.parametrize("maker", ["MASAM", "MASAM developers"])
def test_our_own_reports_are_nobody_s_prompts(images: list[Dataset], maker: str) -> None:
    made = report(images)
    made.Manufacturer = maker
    assert not came(made).is_measurement


@pytest.mark.parametrize("data", [b"", b"no DICOM", bytes(200), bytes(128) + b"DICM"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(PacsError):
        came_of(io.BytesIO(data))


def test_an_object_whose_id_is_a_path_is_refused(images: list[Dataset]) -> None:
    made = report(images)
    made.SeriesInstanceUID = "../../etc"
    with pytest.raises(PacsError, match="lacks a unique id"):
        came(made)
