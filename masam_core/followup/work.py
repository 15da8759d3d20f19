"""What following lesions up takes: a segmenter, its settings, and someone to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masam_core.inference.box_segmenter import BoxSegmenter, IsCancelled, Progress
    from masam_core.inference.options import SegmentOptions

MakeSegmenter = Callable[[], "BoxSegmenter"]


@dataclass(frozen=True, eq=False)
class Work:
    """What the proposals are made with.

    Attributes:
        segmenter: makes the segmenter when it is first needed.
        options: of the segmentation.
        elastic: whether surroundings may be deformed to find a lesion's place.
        progress: called with the fraction done and words.
        cancelled: asked now and then.
    """

    segmenter: MakeSegmenter
    options: SegmentOptions
    elastic: bool = True
    progress: Progress | None = None
    cancelled: IsCancelled | None = None

    def say(self, fraction: float, words: str) -> None:
        """Tell how far it is."""
        if self.progress is not None:
            self.progress(fraction, words)
