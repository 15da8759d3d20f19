"""Videos through the network, against every window run alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from masam_core.errors import BoxError, Cancelled, ConfigError
from masam_core.image.volume import Volume
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.video import segment_around, segment_frames
from masam_core.model.prompt import NetworkPrompt
from masam_core.video.frames import FrameSequence, open_frames

from .conftest import BuildModel

VIDEO = {"field_of_view": "slice", "shape_prior": "none", "channels": "rgb"}
ROWS, COLUMNS, COUNT = 30, 48, 7


@pytest.fixture
def frames(tmp_path: Path) -> FrameSequence:
    rng = np.random.default_rng(4)
    for number in range(COUNT):
        frame = np.zeros((ROWS, COLUMNS, 3), np.uint8)
        frame[..., 0] = np.linspace(0, 255, COLUMNS)
        frame[4 + number : 14 + number, 10:25, 1] = 220
        frame[..., 2] = rng.integers(0, 60, (ROWS, COLUMNS))
        Image.fromarray(frame).save(tmp_path / f"frame{number:03d}.png")
    return open_frames(tmp_path)


def seen_by_hand(frames: FrameSequence, start: int, side: int) -> torch.Tensor:
    """A window in colours, stretched to the square input, edge frames repeated."""
    stack = [frames.frame(min(max(n, 0), COUNT - 1)) for n in range(start, start + 5)]
    values = torch.from_numpy(np.stack(stack)).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(values, size=(side, side), mode="bilinear", antialias=True)


def test_frames_keep_their_colours_and_windows_run_over_time(
    build_model: BuildModel, frames: FrameSequence
) -> None:
    model = build_model(**VIDEO, num_classes=3)
    side = model.config.image_size
    segmenter = Segmenter(build_model(**VIDEO, num_classes=3), device="cpu")
    found = list(segment_frames(segmenter, frames, "best"))
    total = torch.zeros(COUNT, 4, ROWS, COLUMNS)
    seen = torch.zeros(COUNT)
    for start in range(-4, COUNT):
        with torch.no_grad():
            logits, _ = model(seen_by_hand(frames, start, side)[None], NetworkPrompt())
        up = F.interpolate(logits[0], size=(ROWS, COLUMNS), mode="bilinear").softmax(1)
        for place, n in enumerate(range(start, start + 5)):
            if 0 <= n < COUNT:
                total[n] += up[place]
                seen[n] += 1
    expected = (total / seen[:, None, None, None]).argmax(dim=1).numpy()
    assert [index for index, _, _ in found] == list(range(COUNT))
    got = np.stack([labels for _, labels, _ in found])
    assert (got != expected).mean() < 2e-3
    assert len(np.unique(expected)) > 1


def test_a_box_on_a_frame_is_asked_of_the_window_around_it(
    build_model: BuildModel, frames: FrameSequence
) -> None:
    model = build_model(**VIDEO)
    side = model.config.image_size
    segmenter = Segmenter(build_model(**VIDEO), device="cpu")
    found = segment_around(segmenter, frames, 1, (10, 5, 24, 14))
    assert [index for index, _ in found] == [0, 1, 2, 3]  # the window of 1 begins before the video
    x, y = side / COLUMNS, side / ROWS
    box = torch.tensor([[10 * x - 0.5, 5 * y - 0.5, 25 * x - 0.5, 15 * y - 0.5]])
    with torch.no_grad():
        logits, _ = model(
            seen_by_hand(frames, -1, side)[None], NetworkPrompt(box.expand(5, 4)[None])
        )
    up = F.interpolate(logits[0], size=(ROWS, COLUMNS), mode="bilinear").softmax(1)[1:, 1]
    got = np.stack([mask for _, mask in found])
    assert (got != (up >= model.config.threshold).numpy()).mean() < 2e-3
    other = segment_around(segmenter, frames, 1, (30, 15, 40, 25))
    assert any((a[1] != b[1]).any() for a, b in zip(found, other, strict=True))


def test_boxes_outside_frames_that_are_not_there_and_wrong_models_are_refused(
    build_model: BuildModel, frames: FrameSequence, volume: Volume
) -> None:
    segmenter = Segmenter(build_model(**VIDEO), device="cpu")
    with pytest.raises(BoxError, match="does not lie in the frame of 48 x 30 pixels"):
        segment_around(segmenter, frames, 1, (10, 5, 48, 14))
    with pytest.raises(BoxError, match="has the frames 0 to 6; got 7"):
        segment_around(segmenter, frames, 7, (10, 5, 24, 14))
    with pytest.raises(ConfigError, match="sees no grey volumes"):
        segmenter.set_volume(volume)
    several = Segmenter(build_model(**VIDEO, num_classes=2), device="cpu")
    with pytest.raises(ConfigError, match="2 classes apart"):
        segment_around(several, frames, 1, (10, 5, 24, 14))
    grey = Segmenter(build_model(field_of_view="slice", shape_prior="none"), device="cpu")
    with pytest.raises(ConfigError, match="trained on grey volumes"):
        segment_frames(grey, frames)


def test_it_stops_between_windows(build_model: BuildModel, frames: FrameSequence) -> None:
    segmenter = Segmenter(build_model(**VIDEO, num_classes=2), device="cpu")
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        list(segment_frames(segmenter, frames, "best", cancelled=cancelled))
    assert len(asked) == 3
