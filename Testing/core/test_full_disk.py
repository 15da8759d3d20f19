"""A disk that really is full: a small file system in memory, where the user may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from masam_core.atomic import append_text, write_text
from masam_core.errors import MasamError, SegmentationError, WriteError
from masam_core.export.formats import label_image
from masam_core.export.overlay.overlay import render_overlay
from masam_core.export.save import save
from masam_core.export.segmentation import write_probability
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.model.state_files import write_safetensors, write_torch

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha", ".seg.nrrd")


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    """A folder on a disk of 400 KB."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("A small disk can be mounted by root on Linux alone.")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def full(small_disk: Path):
    """Fills the disk but for a few bytes; it is empty at the beginning."""
    for path in small_disk.iterdir():
        path.unlink()

    def fill(left: int = 0) -> Path:
        with (small_disk / "fill").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
            file.truncate(file.tell() - left)
        return small_disk

    return fill


@pytest.fixture(scope="module")
def noisy():
    """An image, and a lesion whose mask and probabilities don't compress."""
    rng = np.random.default_rng(0)
    shape = (20, 64, 64)
    volume = Volume(rng.normal(0, 9, shape).astype(np.int16), Geometry.from_spacing(shape), "CT")
    return volume, rng.random(shape) > 0.5


@pytest.mark.parametrize("left", [0, 8192])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_mask_that_has_no_room_is_an_error_and_the_older_one_stays(
    small_disk, full, noisy, make_lesion, ending, left
):
    volume, mask = noisy
    path = small_disk / f"mask{ending}"
    path.write_bytes(b"the good old mask")
    full(left)
    lesion = make_lesion(volume, (0, 0, 0), (19, 63, 63), mask=mask)
    with pytest.raises(
        SegmentationError, match=rf"mask{ending}' was not written: the disk is full"
    ):
        save([lesion], path, volume)
    assert path.read_bytes() == b"the good old mask"
    assert sorted(os.listdir(small_disk)) == ["fill", path.name]


def test_every_other_kind_of_file_is_refused_too(small_disk, full, noisy, make_lesion):
    volume, mask = noisy
    lesion = make_lesion(volume, (0, 0, 0), (19, 63, 63), mask=mask)
    state = {"weights": torch.randn(60_000)}
    writers = {
        "map.nii.gz": lambda path: write_probability(path, [lesion], volume),
        "map.mha": lambda path: write_probability(path, [lesion], volume),
        "picture.png": lambda path: render_overlay(path, volume, [lesion]),
        "table.csv": lambda path: save([lesion], path, volume),
        "model.safetensors": lambda path: write_safetensors(path, state, {}),
        "model.pth": lambda path: write_torch(path, state),
        "state.json": lambda path: write_text(path, "x" * 9000),
    }
    for name in writers:
        (small_disk / name).write_text("old")
    (small_disk / "log.csv").write_text("step\n")
    full()
    for name, write in writers.items():
        with pytest.raises(MasamError, match=rf"{name}' was not written: .*disk is full"):
            write(small_disk / name)
        assert (small_disk / name).read_text() == "old"
    with pytest.raises(WriteError, match="disk is full"):
        append_text(small_disk / "log.csv", "1\n" * 4000)
    assert (small_disk / "log.csv").read_text() == "step\n"
    assert sorted(os.listdir(small_disk)) == sorted([*writers, "log.csv", "fill"])


@pytest.mark.parametrize("ending", ENDINGS[:-1])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.98])
def test_a_writer_that_stops_short_without_a_word_is_found(
    tmp_path, noisy, make_lesion, monkeypatch, ending, kept
):
    volume, mask = noisy
    path = tmp_path / f"mask{ending}"
    path.write_bytes(b"the good old mask")
    write = sitk.WriteImage

    def short(image, file, **options):
        write(image, file, **options)
        os.truncate(file, int(kept * os.path.getsize(file)))

    monkeypatch.setattr(label_image.sitk, "WriteImage", short)
    lesion = make_lesion(volume, (0, 0, 0), (19, 63, 63), mask=mask)
    with pytest.raises(SegmentationError, match=rf"mask{ending}' was not written: "):
        save([lesion], path)
    assert path.read_bytes() == b"the good old mask"
    assert os.listdir(tmp_path) == [path.name]


def test_a_mask_that_reads_back_as_another_is_found(tmp_path, noisy, make_lesion, monkeypatch):
    volume, mask = noisy
    write = sitk.WriteImage
    monkeypatch.setattr(
        label_image.sitk, "WriteImage", lambda image, file, **o: write(image * 0, file, **o)
    )
    lesion = make_lesion(volume, (0, 0, 0), (19, 63, 63), mask=mask)
    with pytest.raises(SegmentationError, match="reads back as something else"):
        save([lesion], tmp_path / "mask.nii.gz")
    assert not list(tmp_path.iterdir())
