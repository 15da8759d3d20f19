"""What every segmenter of boxes has in common; needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError, MasamError, SegmentationError
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.lesion import Lesion
    from masam_core.lesion.painted import Painted
    from masam_core.prompts.corrections import Correction

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
        /,
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


class PromptSegmenter(Protocol):
    """Segments lesions from any prompt, and corrects masks: ``Segmenter``, ``RemoteSegmenter``."""

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        """Choose the volume; see :class:`BoxSegmenter`."""

    def forget_volume(self) -> None:
        """Let go of the volume."""

    def segment(
        self,
        first: Any = None,
        /,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        corrections: Sequence[Correction] = (),
        mask: NDArray[np.bool_] | None = None,
    ) -> Lesion:
        """Segment the lesion of any first prompt, and correct it then, one by one.

        Args:
            first: a ``FirstPrompt``, or what stands for a box; None where a mask is given.
            options, progress, cancelled: see :class:`BoxSegmenter`.
            corrections: oldest first.
            mask: bool KJI on the image's grid, which the lesion begins with; or None.
        """

    def refine(
        self,
        lesion: Lesion,
        corrections: Sequence[Correction],
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        painted: Painted | None = None,
    ) -> Lesion:
        """Correct a lesion; it stays as it is, and a new one is given back.

        Args:
            lesion: of the volume that was set.
            corrections: further ones, oldest first.
            painted: what was painted or erased by hand in this round, before the
                corrections; it stays, but where one of them says otherwise.
            options, progress, cancelled: see :class:`BoxSegmenter`.
        """


class ClassSegmenter(Protocol):
    """Segments whole volumes without prompts: ``Segmenter``, ``RemoteSegmenter``."""

    def set_volume(self, volume: Volume, modality: str | None = None) -> None:
        """Choose the volume; see :class:`BoxSegmenter`."""

    def forget_volume(self) -> None:
        """Let go of the volume."""

    def segment_classes(
        self,
        options: SegmentOptions | None = None,
        classes: Sequence[str] = (),
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> list[Lesion]:
        """Segment every class, or those that are named; see ``Segmenter.segment_classes``."""


def segment_whole(
    segmenter: ClassSegmenter,
    volume: Volume,
    options: SegmentOptions | None = None,
    classes: Sequence[str] = (),
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> list[Lesion]:
    """Segment a whole volume without prompts, and let go of it then.

    Returns:
        A lesion for each class, in the model's order; empty masks for what was not found.

    Raises:
        SegmentationError: nothing was found at all.
        MasamError, Cancelled: as the segmenter.
    """
    segmenter.set_volume(volume)
    try:
        lesions = segmenter.segment_classes(options, classes, progress, cancelled)
    finally:
        segmenter.forget_volume()
    if not any(lesion.mask.any() for lesion in lesions):
        raise SegmentationError(
            "Nothing was found. Is this the kind of image that the model was trained on?"
        )
    return lesions


def not_found(lesions: Sequence[Lesion]) -> str:
    """A sentence that names the classes of which nothing was found; empty if there are none."""
    names = [each.name for each in lesions if each.term is not None and not each.mask.any()]
    return f"Not found: {', '.join(names)}." if names else ""


def segment_record(
    segmenter: BoxSegmenter | PromptSegmenter,
    record: PromptRecord,
    options: SegmentOptions | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    mask: NDArray[np.bool_] | None = None,
) -> Lesion:
    """Segment what a record asks for, on the volume that was set.

    Args:
        segmenter: does the work; one that takes boxes alone will do for a box.
        record: first prompt and corrections.
        options, progress, cancelled: see :class:`BoxSegmenter`.
        mask: bool KJI on the image's grid, of a record that started from one.

    Returns:
        The lesion, with its record.

    Raises:
        ConfigError: other prompts than a box, for a segmenter that takes boxes alone.
        MasamError, Cancelled: as the segmenter.
    """
    plain = isinstance(record.first, BoxPrompt) and not record.corrections and mask is None
    more: dict[str, Any] = {} if plain else {"corrections": record.corrections, "mask": mask}
    if more and not hasattr(segmenter, "refine"):
        raise ConfigError(
            f"{type(segmenter).__name__} takes boxes alone; '{record.name}' has other prompts."
        )
    lesion = segmenter.segment(record.first, options, progress, cancelled, **more)  # type: ignore[arg-type]
    return lesion if lesion.prompts is not None else replace(lesion, prompts=record)


def segment_boxes(
    segmenter: BoxSegmenter,
    volume: Volume,
    boxes: Sequence[BoxPrompt],
    options: SegmentOptions | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    modality: str | None = None,
) -> list[Lesion]:
    """Segment all boxes of one volume; as :func:`segment_records`, with a box each."""
    records = [PromptRecord(box) for box in boxes]
    return segment_records(segmenter, volume, records, options, progress, cancelled, modality)


def segment_records(
    segmenter: BoxSegmenter | PromptSegmenter,
    volume: Volume,
    records: Sequence[PromptRecord],
    options: SegmentOptions | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    modality: str | None = None,
) -> list[Lesion]:
    """Segment all lesions of one volume, and let go of the volume then.

    Args:
        segmenter: does the work.
        volume: the image.
        records: a lesion each, on its grid.
        options, cancelled, modality: see :class:`BoxSegmenter`.
        progress: called with the fraction of all lesions, and the name where there are several.

    Returns:
        The lesions, in their order.

    Raises:
        MasamError, Cancelled: as the segmenter, of the first lesion that can't be segmented, which
            it names where there are several.
    """
    segmenter.set_volume(volume, modality)
    lesions = []
    try:
        for number, record in enumerate(records):
            show = None if progress is None else _part(progress, number, len(records), record.name)
            try:
                lesions.append(segment_record(segmenter, record, options, show, cancelled))
            except MasamError as error:
                if len(records) > 1 and record.name:
                    error.args = (f"{record.name}: {error}",)
                raise
    finally:
        segmenter.forget_volume()
    return lesions


def _part(progress: Progress, number: int, count: int, name: str) -> Progress:
    """Progress of one box as a part of all."""

    def show(fraction: float, text: str) -> None:
        progress((number + fraction) / count, f"{name}: {text}" if count > 1 else text)

    return show
