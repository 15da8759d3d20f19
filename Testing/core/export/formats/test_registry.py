"""A format is one file and one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import masam_core as masam
from masam_core.batch.spec import BatchSpec
from masam_core.errors import SegmentationError
from masam_core.export.formats import registry
from masam_core.export.formats.format import Format, Results
from masam_core.export.segmentation import write_lesions


def _write(path: Path, results: Results) -> tuple[str, ...]:
    """A made-up format: the lesions' voxels, counted."""
    counts = [f"{lesion.name} {int(lesion.mask.sum())}" for lesion in results.lesions]
    path.write_text("\n".join(counts))
    return ("Only counted.",)


COUNTS = Format((".counts.txt",), "a list of counts", _write)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "FORMATS", [*registry.FORMATS, COUNTS])


@pytest.fixture
def lesion(oblique_volume: Any, make_lesion: Any) -> Any:
    return make_lesion(oblique_volume, (1, 2, 3), (3, 4, 6), name="Primary")


@pytest.mark.usefixtures("known")
def test_a_made_up_format_is_written_wherever_lesions_are(
    oblique_volume: Any, lesion: Any, tmp_path: Path
) -> None:
    path = tmp_path / "Out.Counts.TXT"
    assert write_lesions(path, [lesion], oblique_volume) == ("Only counted.",)
    assert path.read_text() == f"Primary {np.count_nonzero(lesion.mask)}"
    with pytest.warns(UserWarning, match="Only counted"):
        masam.save(lesion, tmp_path / "again.counts.txt")
    assert BatchSpec(tmp_path, tmp_path, format=".counts.txt").format == ".counts.txt"
    with pytest.raises(SegmentationError, match=r"\.csv, \.png or \.counts\.txt"):
        write_lesions(tmp_path / "out.txt", [lesion])


def test_without_its_line_it_is_not_known(lesion: Any, tmp_path: Path) -> None:
    expected = r"\.seg\.nrrd, \.nii\.gz, \.nii, \.nrrd, \.mha, "
    expected += r"\.seg\.dcm, \.rt\.dcm, \.sr\.dcm, \.csv or \.png"
    with pytest.raises(SegmentationError, match=rf"'out\.counts\.txt' must end with {expected}"):
        write_lesions(tmp_path / "out.counts.txt", [lesion])
    assert list(tmp_path.iterdir()) == []


def test_each_ending_chooses_one_format() -> None:
    endings = registry.endings()
    assert len(set(endings)) == len(endings)
    for known in registry.FORMATS:
        for ending in known.endings:
            assert registry.format_of(Path(f"Case{ending.upper()}")) is known


@pytest.mark.parametrize(("name", "title"), [("a.csv", "a table"), ("a.png", "a picture")])
def test_what_holds_no_masks_is_no_result_on_its_own(lesion: Any, name: str, title: str) -> None:
    with pytest.raises(SegmentationError, match=rf"{title}, which holds no masks; .* or .*"):
        write_lesions(name, [lesion], masks=True)
    with pytest.raises(SegmentationError, match=rf"{title.capitalize()} needs the image"):
        write_lesions(name, [lesion])


def test_a_file_that_can_not_be_written_is_named(
    oblique_volume: Any, lesion: Any, tmp_path: Path
) -> None:
    for ending in registry.endings():
        path = tmp_path / "gone" / f"out{ending}"
        with pytest.raises(SegmentationError, match="out"):
            write_lesions(path, [lesion], oblique_volume)
