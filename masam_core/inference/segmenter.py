"""Segmenter: set a volume once, ask for many boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import BoxError, Cancelled, ConfigError, DeviceMemoryError
from masam_core.image.geometry import CanonicalFrame
from masam_core.image.given import GivenVolume, one_volume
from masam_core.image.intensity import intensity_limits, scale_intensity, varies
from masam_core.image.volume import Volume
from masam_core.inference.answers import answer, lesion_of_mask
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.cache import EmbeddingCache
from masam_core.inference.engine import Ask, Run
from masam_core.inference.job import Job, RunningMean
from masam_core.inference.options import SegmentOptions
from masam_core.inference.patch import contrast
from masam_core.inference.quality import Quality
from masam_core.inference.rectangle import Rectangle
from masam_core.inference.refining import Tools, refined
from masam_core.inference.runtimes.choosing import Device, runtime_for
from masam_core.inference.runtimes.runtime import Runtime, Window
from masam_core.inference.view import Crop, network_input
from masam_core.inference.viewpoints import averages_views, viewpoints
from masam_core.inference.volume_holder import VolumeHolder
from masam_core.inference.windows import stride_of, window_slices, window_starts
from masam_core.lesion.lesion import Lesion, require_same_image
from masam_core.lesion.painted import Painted
from masam_core.prompts.corrections import Correction
from masam_core.prompts.given import GivenPrompt, one_prompt

if TYPE_CHECKING:
    import torch

    from masam_core.model.masam import MASAM

Part = tuple[list[int], Window]  # slices, and their embedding
WINDOWS_PER_BATCH = {"cuda": 4, "cpu": 1, "mps": 2}
# Of the decoder. On the CPU window by window: more do not fit its cache, and rounding would depend
# on which windows were embedded already.
SLICES_PER_BATCH = {"cuda": 32, "mps": 16}
# Voxels beyond the box in which a lesion that fills it must stand out.
AROUND_BOX = 2
SLICES_PER_GROUP = 64  # embeddings held at once, beside the cache


class Segmenter(VolumeHolder):
    """Box-prompted segmentation with a model in this process.

    Embeddings of windows are kept in half precision, so that another box on the same slices and
    crop costs only the decoder; the first box is decoded from the same half-precision values, so
    that on the CPU a mask does not depend on what was asked before. On a GPU it does so in the last
    bits, which follow what was computed side by side.

    Args:
        model: ``bundled``, a name of the catalogue, the path of a weight file, or a MASAM. A MASAM
            stays as it is: a copy of it is prepared for inference (FacT folded, weights in the
            precision) and moved to the device.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``; ``openvino``, ``openvino:GPU``,
            ``openvino:NPU`` for the bundled model and those that were converted for OpenVINO,
            which need no PyTorch. See ``masam_core.inference.runtimes.choosing``.
        precision: ``auto``, ``float32``, ``bfloat16``, ``float16``; ``int8`` on the CPU, and of
            models that were brought to it when they were converted for OpenVINO.
        cache_bytes: most memory for embeddings.
        base: backbone file, for a weight file that holds only what was trained.
        copy: False prepares and moves the MASAM that was given itself, which spares the memory of
            a second one; it can't be trained or saved after that.

    Raises:
        ConfigError: a device that is not there, an unknown precision or model.
        CheckpointError: a weight file that can't be loaded, or a model that was prepared for
            another precision before.

    >>> segmenter = Segmenter("bundled", device="cpu")
    >>> segmenter.set_volume("scan.nii.gz")
    >>> lesion = segmenter.segment("box.mrk.json", quality="fast")  # or six voxel indices, ...
    >>> lesion.mask_on_volume().shape == segmenter.volume.geometry.shape
    True
    """

    def __init__(
        self,
        model: MASAM | str | Path = ModelChoice.model,
        device: Device = ModelChoice.device,
        precision: str = ModelChoice.precision,
        cache_bytes: int = ModelChoice.cache_bytes,
        base: str | Path | None = None,
        copy: bool = True,
    ) -> None:
        runtime = runtime_for(model, device, precision, base, copy)
        self._runtime: Runtime | None = runtime
        self.device, self.precision = runtime.device, runtime.precision
        self.config, self.abilities = runtime.config, runtime.abilities
        self.cache = EmbeddingCache(cache_bytes)
        self._slices_at_once = SLICES_PER_BATCH.get(self.device.type, 1)
        self._limits = (0.0, 1.0)

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def runtime(self) -> Runtime:
        """What computes; ConfigError after :meth:`close`."""
        if self._runtime is None:
            raise ConfigError("This segmenter was closed; make a new one.")
        return self._runtime

    @property
    def model(self) -> MASAM:
        """PyTorch's network, prepared for inference; ConfigError after :meth:`close`, and where
        OpenVINO computes."""
        return self.runtime.model

    @property
    def dtype(self) -> torch.dtype:
        """PyTorch's precision; ConfigError where OpenVINO computes."""
        return self.runtime.dtype

    def close(self) -> None:
        """Give the memory of model, volume and embeddings back; it segments nothing after that."""
        self.forget_volume()
        self.cache.clear()
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.close()

    def set_volume(
        self,
        volume: GivenVolume,
        modality: str | None = None,
        *,
        spacing: ArrayLike | None = None,
        origin: ArrayLike | None = None,
        direction: ArrayLike | None = None,
    ) -> None:
        """Choose the volume for the boxes to come.

        Args:
            volume: the image: a Volume, the path of a file or DICOM folder, a 3D SimpleITK image,
                or an array KJI.
            modality: CT, MR, ...; None takes the volume's own, or guesses from its values.
            spacing: of an array: mm along i, j, k.
            origin: of an array: LPS mm of the centre of voxel (0, 0, 0); None is (0, 0, 0).
            direction: of an array: (3, 3), columns the LPS unit vectors of its i, j, k axes; None
                is the identity.

        Raises:
            VolumeError: an image that can't be read, or an array without spacing.
            IntensityError: the volume has no finite value.
            ConfigError: a model of videos.
        """
        if self.config.sees_video:
            raise ConfigError(
                f"The model '{self.config.name}' was trained on videos in colours and sees no grey "
                "volumes; give it a video or a folder of frames."
            )
        image = one_volume(volume, spacing, origin, direction)
        if modality and modality != image.modality:
            image = replace(image, modality=modality)  # measuring asks for it, too
        limits = intensity_limits(image.array, image.modality, self.config.intensity)
        self._volume, self._limits = image, limits

    def release_cache(self) -> None:
        """Give the memory of embeddings and recordings back."""
        self.cache.clear()
        self.runtime.clear()

    def segment(
        self,
        first: GivenPrompt | None = None,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        corrections: Sequence[Correction] = (),
        mask: NDArray[np.bool_] | None = None,
        **settings: Any,
    ) -> Lesion:
        """Segment the lesion of a prompt.

        A line, a box on one slice and a click have no third extent: it is found, and the lesion's
        ``looked_mm`` and messages say how far was looked.

        Args:
            first: the prompt, on the grid of the volume that was set: a BoxPrompt, six voxel
                indices (i0, i1, j0, j1, k0, k1), both ends included, the path of a Slicer ROI
                file, a LinePrompt, a SliceBoxPrompt or a PointPrompt. None where a mask is given.
            options: see :class:`SegmentOptions`.
            progress: called with the fraction done and a word on what is being done.
            cancelled: asked between windows.
            corrections: of the mask that the prompt gives, oldest first.
            mask: a mask to start with, as of a file or drawn by hand: bool, KJI, the whole image.
                It stands as it is, and corrections change it; the model draws none.
            settings: single options by name, e.g. ``quality="fast"``, ``margin_mm=2``,
                ``keep="all"``; see ``SegmentOptions.to_dict``.

        Returns:
            The lesion. No voxel outside box + margin is set, unless the prompt has no third extent,
            the box was extended because it cut the lesion off (``extend="auto"``), or a correction
            points there.

        Raises:
            BoxError: the prompt lies outside the volume, or is none; neither prompt nor mask.
            SegmentationError: a mask that is empty or of another shape than the volume.
            Cancelled: ``cancelled`` said so; nothing else has changed.
            DeviceMemoryError: the GPU's memory does not hold even one window.
            ConfigError: no volume was set, the model needs other prompts, or an unknown setting.
        """
        volume = self._require_volume()
        run = Run((options or SegmentOptions()).changed(**settings), progress, cancelled)
        whole = run.part(0.0, 0.9) if corrections else run
        if mask is not None:
            lesion = lesion_of_mask(volume, mask, first, self.config.name)
        elif first is None:
            raise BoxError("There is nothing to begin with: give a prompt, a mask, or both.")
        else:
            lesion = answer(self, one_prompt(first, volume.geometry), whole)
        if not corrections:
            return lesion
        return refined(self, lesion, corrections, run.part(0.9, 1.0), self._tools())

    def refine(
        self,
        lesion: Lesion,
        corrections: Sequence[Correction],
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        painted: Painted | None = None,
        **settings: Any,
    ) -> Lesion:
        """Correct a lesion of this or another model, or one that was drawn by hand.

        The lesion that is given stays as it is, so that a correction is undone by going back to
        it. See ``masam_core.inference.refining`` for what is promised.

        Args:
            lesion: on the grid of the volume that was set.
            corrections: new ones, oldest first; they are added to ``lesion.prompts``.
            options, progress, cancelled, settings: see :meth:`segment`.
            painted: what was painted or erased by hand in this round, before the
                corrections; it stays, but where one of them says otherwise.

        Returns:
            A new lesion, measured anew.

        Raises:
            BoxError: a correction outside the volume.
            SegmentationError: a lesion of another image.
            CheckpointError: the corrector is missing from this installation.
            Cancelled, ConfigError: see :meth:`segment`.
        """
        volume = self._require_volume()
        require_same_image([lesion], volume)
        run = Run((options or SegmentOptions()).changed(**settings), progress, cancelled)
        return refined(self, lesion, corrections, run, self._tools(), painted)

    def segment_classes(
        self,
        options: SegmentOptions | None = None,
        classes: Sequence[str] = (),
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> list[Lesion]:
        """Segment the whole volume without prompts; see ``inference.automatic``.

        Args:
            options: quality, slice axis and plane of diameters count.
            classes: those that are wanted, by name; empty takes all.
            progress: called with the fraction done and a word on what is being done.
            cancelled: asked between windows.

        Raises:
            ConfigError: the model needs prompts, or does not know a class.
            IntensityError, Cancelled: see ``automatic.segment_classes``.
        """
        from masam_core.inference.automatic import segment_classes

        chosen = options or SegmentOptions()
        return segment_classes(
            self,
            chosen.quality,
            progress,
            cancelled,
            chosen.slice_axis,
            chosen.diameter_plane,
            classes,
        )

    def _tools(self) -> Tools:
        return Tools(self.runtime.corrector, contrast)

    def predict(self, job: Job, run: Run, ask: Ask | None = None) -> RunningMean:
        """Run all windows that meet the allowed slices, as far as they are to be computed.

        Args:
            job: where, and with which box.
            run: how, and whom to tell.
            ask: what the network is asked about slices; None asks with the job's box.
        """
        if ask is None and averages_views(run.options.quality, self.config):
            total = RunningMean(job)
            views = viewpoints(job, self.config)
            for number, view in enumerate(views):
                part = run.part(number / len(views), (number + 1) / len(views))
                seen = self._slide(view.job, part, partial(view.job.ask, config=self.config))
                total.add_view(seen, view.back)
            return total
        return self._slide(job, run, ask or partial(job.ask, config=self.config))

    def _slide(self, job: Job, run: Run, ask: Ask) -> RunningMean:
        """Run the windows of one view."""
        quality = run.options.quality
        if averages_views(quality, self.config):
            quality = Quality.BALANCED
        stride = stride_of(quality, self.config.num_slices)
        first = max(job.allowed.first_slice, job.where.first_slice)
        last = min(job.allowed.last_slice, job.where.last_slice)
        starts = window_starts(first, last, self.config.num_slices, stride)
        total = RunningMean(job)
        batch_size = WINDOWS_PER_BATCH.get(self.device.type, 1)
        done = 0
        while done < len(starts):
            if run.cancelled is not None and run.cancelled():
                raise Cancelled("Segmentation was cancelled.")
            if run.progress is not None:
                number = max(starts[done], first) - first + 1
                run.progress(done / len(starts), f"slice {number} of {last - first + 1}")
            group = self._group(job, starts[done:], batch_size)
            try:
                self._run_windows(job, group, total, ask)
            except self.runtime.full as error:
                batch_size = self._smaller(min(len(group), batch_size), error)
                continue
            done += len(group)
        return total

    def _require_volume(self) -> Volume:
        volume = self.volume
        if self.config.num_classes != 1:
            raise ConfigError(
                f"The model '{self.config.name}' tells {self.config.num_classes} classes apart; "
                "segmenting a lesion in a box needs a model with one. It segments whole volumes "
                "without boxes (masam segment --automatic)."
            )
        if not self.abilities.prompts:
            raise ConfigError(
                f"The model '{self.config.name}' was trained without prompts and makes nothing of "
                "them. It segments whole volumes without boxes (masam segment --automatic)."
            )
        return volume

    def _smaller(self, batch_size: int, error: BaseException) -> int:
        """Make room on the GPU and halve the batches, or give up.

        First the decoder's batch: embeddings that are here already are worth keeping.
        """
        self.runtime.clear()
        once = self._slices_at_once
        if once > self.config.num_slices:
            self._slices_at_once = once // 2
            self.runtime.make_room()
            return batch_size
        self.cache.clear()
        self.runtime.make_room()
        if batch_size == 1:
            raise DeviceMemoryError(
                f"The memory of {self.device} does not hold one window of {self.config.num_slices} "
                f"slices at {self.config.image_size} pixels. Close other programs that use the "
                "GPU, choose a smaller model, or compute on the CPU."
            ) from error
        return batch_size // 2

    def _group(self, job: Job, starts: list[int], most: int) -> list[int]:
        """The windows to run next: at most so many that must be embedded, and those between them
        whose embeddings are here."""
        group: list[int] = []
        missing = 0
        for start in starts[: max(most, SLICES_PER_GROUP // self.config.num_slices)]:
            missing += self.cache.get(self._key(job, start)) is None
            if missing > most:
                break
            group.append(start)
        return group

    def _run_windows(self, job: Job, starts: list[int], total: RunningMean, ask: Ask) -> None:
        """Embed what the cache lacks, decode the slices inside the box, add up probabilities."""
        kept = {start: self.cache.get(self._key(job, start)) for start in starts}
        missing = [start for start, embedding in kept.items() if embedding is None]
        if missing:
            kept |= dict(zip(missing, self._embed(job, missing), strict=True))
        parts = [self._inside(job, s, e) for s, e in kept.items() if e is not None]
        shown = self._rectangle(job)
        results = []
        for batch in in_batches(parts, self._slices_at_once):
            results += self._decode(shown, batch, ask)
        # Added only when the whole group has succeeded, so that a retry counts nothing twice.
        for index, probability, quality in results:
            total.add(index, probability, quality)

    def _inside(self, job: Job, start: int, window: Window) -> Part:
        """The slices of a window that lie in the box, and their embedding."""
        first = max(start, job.where.first_slice)
        last = min(start + self.config.num_slices - 1, job.where.last_slice)
        part = slice(first - start, last + 1 - start)
        return list(range(first, last + 1)), window.cut(part)

    def shows_anything(self, job: Job) -> bool:
        """Whether the network sees two different values in the box and just around it."""
        planes, rows, cols = job.extent()
        near = [slice(max(0, s.start - AROUND_BOX), s.stop + AROUND_BOX) for s in (rows, cols)]
        seen = job.frame.to_canonical(self.volume.array)[planes, near[0], near[1]]
        return varies(scale_intensity(seen, self._limits, self.config.cuts_intensity))

    def sees_anything(self) -> bool:
        """Whether the network sees two different values in the volume that was set."""
        array = self.volume.array
        ends = np.array([np.nanmin(array), np.nanmax(array)])
        return varies(scale_intensity(ends, self._limits, self.config.cuts_intensity))

    def _key(self, job: Job, start: int) -> tuple[object, ...]:
        """What an embedding depends on: volume, intensity limits, axes, crop, slices."""
        return (self._require_volume().content_hash, self._limits, *job.key(start))

    def look(self, frame: CanonicalFrame, crop: Crop, start: int) -> NDArray[np.float32]:
        """What the network sees of the window that begins at a slice; see ``network_input``."""
        source = frame.to_canonical(self.volume.array)
        indices = window_slices(start, self.config.num_slices, len(source))
        values = scale_intensity(source[indices], self._limits, self.config.cuts_intensity)
        return network_input(values, crop, self.config)

    def _embed(self, job: Job, starts: list[int]) -> list[Window]:
        windows = [self.look(job.frame, job.crop, start) for start in starts]
        embedded = self.runtime.embed(np.stack(windows))
        for start, window in zip(starts, embedded, strict=True):
            self.cache.put(self._key(job, start), window)
        return embedded

    def _decode(
        self, shown: Rectangle, parts: list[Part], ask: Ask
    ) -> list[tuple[int, NDArray[np.float32], float]]:
        """Decode slices: index, foreground probability on the job's rectangle of the crop,
        predicted quality of the mask."""
        slices = np.array([index for indices, _ in parts for index in indices])
        windows = [window for _, window in parts]
        probability, quality = self.runtime.decode(windows, ask(slices), shown)
        return list(zip(slices.tolist(), probability, quality.tolist(), strict=True))

    def _rectangle(self, job: Job) -> Rectangle:
        """What of the decoder's output the job needs."""
        grid, side = self.config.grid, self.config.logits_side
        return Rectangle.of(job, side, side // grid if self.runtime.decodes_parts else None)


def in_batches(parts: list[Part], most: int) -> Iterator[list[Part]]:
    """Neighbouring parts together, as long as they have so many slices at most; at least one."""
    batch: list[Part] = []
    count = 0
    for part in parts:
        if batch and count + len(part[0]) > most:
            yield batch
            batch, count = [], 0
        batch.append(part)
        count += len(part[0])
    if batch:
        yield batch
