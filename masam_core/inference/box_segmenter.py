"""What every segmenter of boxes has in common; needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from masam_core.errors import MasamError

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.lesion import Lesion
    from masam_core.prompts.boxes import BoxPrompt

Progress = Callable[[float, str], None]
IsCancelled = Callable[[], bool]


class BoxSegmenter(Protocol):
    """Segments lesions from boxes: the model in this process, a worker, a peer of an evaluation.

    Implemented by :class:`masam_core.inference.segmenter.Segmenter`,
    :class:`masam_core.worker.remote.RemoteSegmenter` and ``masam_core.evaluation.peers``.
    """

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        """Choose the volume for the boxes to come.

        Args:
            volume: the image.
            modality: CT, MR, ...; None takes the volume's own, or guesses from its values.

        Raises:
            MasamError: a volume that can't be segmented.
        """

    def forget_volume(self) -> None:
        """Let go of the volume."""

    def segment(
        self,
        box: BoxPrompt,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> Lesion:
        """Segment the lesion in a box on the grid of the volume that was set.

        Args:
            box: the prompt.
            options: None are the defaults. A model that knows no such setting leaves it out.
            progress: called with the fraction done and a word on what is being done.
            cancelled: asked now and then.

        Raises:
            ConfigError: no volume was set.
            MasamError: a box that can't be segmented.
            Cancelled: ``cancelled`` said so.
        """


def segment_boxes(
    segmenter: BoxSegmenter,
    volume: Volume,
    boxes: Sequence[BoxPrompt],
    options: SegmentOptions | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    modality: str | None = None,
) -> list[Lesion]:
    """Segment all boxes of one volume, and let go of the volume then.

    Args:
        segmenter: does the work.
        volume: the image.
        boxes: on its grid.
        options, cancelled, modality: see :class:`BoxSegmenter`.
        progress: called with the fraction of all boxes, and the box's name where there are several.

    Returns:
        A lesion for each box, in their order.

    Raises:
        MasamError, Cancelled: as the segmenter, of the first box that can't be segmented, which it
            names where there are several.
    """
    segmenter.set_volume(volume, modality)
    lesions = []
    try:
        for number, box in enumerate(boxes):
            show = None if progress is None else _part(progress, number, len(boxes), box.name)
            try:
                lesions.append(segmenter.segment(box, options, show, cancelled))
            except MasamError as error:
                if len(boxes) > 1 and box.name:
                    error.args = (f"{box.name}: {error}",)
                raise
    finally:
        segmenter.forget_volume()
    return lesions


def _part(progress: Progress, number: int, count: int, name: str) -> Progress:
    """Progress of one box as a part of all."""

    def show(fraction: float, text: str) -> None:
        progress((number + fraction) / count, f"{name}: {text}" if count > 1 else text)

    return show
