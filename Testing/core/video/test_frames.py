"""Videos: folders of frames and files, read in their own colours, and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from masam_core.errors import SegmentationError, VolumeError
from masam_core.video.container import write_video
from masam_core.video.frames import is_video, open_frames
from masam_core.video.labels import open_label_frames, require_same_frames
from masam_core.video.save import class_colours, coloured, overlay, write_labels

av = pytest.importorskip("av")


def pictures(folder: Path, count: int, size: tuple[int, int] = (32, 24)) -> list[np.ndarray]:
    """Frames f1.png to f<count>.png, each of its own colours."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(1, count + 1):
        frame = np.zeros((size[1], size[0], 3), np.uint8)
        frame[...] = (10 * number, 255 - 10 * number, 7)
        frame[:8, :8] = (250, 5, 5)
        Image.fromarray(frame).save(folder / f"f{number}.png")
        made.append(frame)
    return made


def test_frames_of_a_folder_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    made = pictures(tmp_path / "clip", 12)
    (tmp_path / "clip" / "._f1.png").write_bytes(b"no picture")
    (tmp_path / "clip" / "notes.txt").write_text("of the surgeon")
    frames = open_frames(tmp_path / "clip")
    assert frames.names[:3] == ("f1", "f2", "f3")
    assert frames.names[-1] == "f12"
    assert all(np.array_equal(frames.frame(n), made[n]) for n in (11, 0, 9))
    stack = frames.stack(np.array([0, 0, 1]))
    assert stack.shape == (3, 3, 24, 32)
    assert np.array_equal(stack[2, 0], made[1][..., 0])


def test_a_frame_of_another_size_or_a_damaged_one_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, 4)
    Image.new("RGB", (8, 8)).save(tmp_path / "f2.png")
    (tmp_path / "f3.png").write_bytes((tmp_path / "f4.png").read_bytes()[:60])
    frames = open_frames(tmp_path)
    with pytest.raises(VolumeError, match="frame f2 has 8 x 8 pixels; the first one has 32 x 24"):
        frames.frame(1)
    with pytest.raises(VolumeError, match=r"f3\.png"):
        frames.frame(2)


def test_a_video_file_gives_its_frames_in_colours_in_any_order(tmp_path: Path) -> None:
    made = pictures(tmp_path / "clip", 9, (64, 48))
    write_video(tmp_path / "clip.mp4", made, 10)
    frames = open_frames(tmp_path / "clip.mp4")
    assert (len(frames), frames.size, frames.rate) == (9, (48, 64), 10.0)
    assert frames.names[0] == "frame000"
    for index in (0, 8, 3, 4, 1):  # back and forth
        apart = np.abs(frames.frame(index).astype(int) - made[index])
        assert apart[12:, 12:].max() < 12, index
    assert is_video(tmp_path / "clip.mp4")
    assert is_video(tmp_path / "clip")
    assert not is_video(tmp_path)
    slices = tmp_path / "series"
    slices.mkdir()
    Image.fromarray(made[0]).save(slices / "preview.png")
    for n in range(3):
        (slices / f"{n}.dcm").write_bytes(b"")
    assert not is_video(slices)


def test_what_is_no_video_is_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "talk.mp4"
    text.write_text("not a video at all")
    with pytest.raises(VolumeError, match=r"talk\.mp4 can't be read as a video"):
        open_frames(text)
    with pytest.raises(VolumeError, match="no video at"):
        open_frames(tmp_path / "gone.mp4")
    with pytest.raises(SegmentationError, match="there are no frames"):
        write_video(tmp_path / "none.mp4", [])
    assert not (tmp_path / "none.mp4").exists()


def test_a_video_that_was_cut_off_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(30)]
    write_video(tmp_path / "whole.mp4", noise)
    data = (tmp_path / "whole.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 2])

    def read() -> None:
        frames = open_frames(cut)
        for n in range(len(frames)):
            frames.frame(n)

    with pytest.raises(VolumeError, match=r"cut\.mp4"):
        read()


def test_labels_are_written_indexed_and_read_back(tmp_path: Path) -> None:
    pictures(tmp_path / "clip", 3)
    frames = open_frames(tmp_path / "clip")
    rng = np.random.default_rng(1)
    labels = [(n, rng.integers(0, 12, frames.size, dtype=np.uint8)) for n in range(3)]
    colours = class_colours(11)
    assert len(set(colours.values())) == 12
    shown = list(overlay(frames, write_labels(tmp_path / "out", frames, labels, colours), colours))
    own = open_label_frames(tmp_path / "out")
    require_same_frames(frames, own)
    assert all(np.array_equal(own.classes(n), classes) for n, classes in labels)
    picture = Image.open(tmp_path / "out" / "f2.png")
    assert picture.mode == "P"
    where = np.argwhere(labels[1][1] == 5)[0]
    assert picture.convert("RGB").getpixel((int(where[1]), int(where[0]))) == colours[5]
    assert len(shown) == 3
    nothing = labels[0][1] == 0
    assert np.array_equal(shown[0][nothing], frames.frame(0)[nothing])


def test_an_overlay_is_the_stated_mixture() -> None:
    frame = np.full((4, 6, 3), 100, np.uint8)
    classes = np.zeros((4, 6), np.uint8)
    classes[:, 2:] = 1
    shown = coloured(frame, classes, {0: (0, 0, 0), 1: (200, 0, 0)})
    assert shown[0, 0].tolist() == [100, 100, 100]
    assert shown[0, 4].tolist() == [145, 55, 55]  # 55 % frame, 45 % colour


def test_labels_that_belong_to_other_frames_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "clip", 3)
    pictures(tmp_path / "colour", 3)
    frames = open_frames(tmp_path / "clip")
    with pytest.raises(VolumeError, match="picture in colours"):
        require_same_frames(frames, open_label_frames(tmp_path / "colour"))
    (tmp_path / "grey").mkdir()
    for name in ("f1", "f2"):
        Image.fromarray(np.zeros(frames.size, np.uint8)).save(tmp_path / "grey" / f"{name}.png")
    with pytest.raises(VolumeError, match="frame f3 has no counterpart"):
        require_same_frames(frames, open_label_frames(tmp_path / "grey"))
