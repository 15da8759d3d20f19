"""All boxes of a volume, by whatever segmenter."""

from __future__ import annotations

from typing import Any

import pytest

from masam_core.errors import BoxError, Cancelled, ConfigError
from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import segment_boxes
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt

BOXES = [
    BoxPrompt.from_voxels(3, 9, 4, 9, 5, 9, name="first"),
    BoxPrompt.from_voxels(13, 19, 14, 19, 5, 9, name="second"),
]


class Told(Ellipsoid):
    """Tells what it was told."""

    def __init__(self, refuses: str = "") -> None:
        super().__init__()
        self.refuses = refuses
        self.options: list[SegmentOptions | None] = []

    def segment(
        self,
        box: BoxPrompt,
        options: SegmentOptions | None = None,
        progress: Any = None,
        cancelled: Any = None,
    ) -> Lesion:
        self.options.append(options)
        if cancelled is not None and cancelled():
            raise Cancelled("stop")
        if box.name == self.refuses:
            raise BoxError("No good.")
        if progress is not None:
            progress(0.5, "half")
        return super().segment(box)


def test_every_box_gives_a_lesion_and_the_volume_is_let_go(volume: Volume) -> None:
    segmenter, seen = Told(), list[tuple[float, str]]()
    options = SegmentOptions("best")
    lesions = segment_boxes(segmenter, volume, BOXES, options, lambda *told: seen.append(told))
    assert [lesion.name for lesion in lesions] == ["first", "second"]
    assert segmenter.options == [options, options]
    assert seen == [(0.25, "first: half"), (0.75, "second: half")]
    with pytest.raises(ConfigError, match="Choose a volume"):
        segmenter.segment(BOXES[0])


def test_of_several_boxes_the_one_that_fails_is_named(volume: Volume) -> None:
    segmenter = Told(refuses="second")
    with pytest.raises(BoxError, match=r"^second: No good\.$"):
        segment_boxes(segmenter, volume, BOXES)
    with pytest.raises(BoxError, match=r"^No good\.$"):
        segment_boxes(segmenter, volume, BOXES[1:])
    with pytest.raises(Cancelled):
        segment_boxes(Told(), volume, BOXES, cancelled=lambda: True)
    with pytest.raises(ConfigError, match="Choose a volume"):
        segmenter.segment(BOXES[0])
