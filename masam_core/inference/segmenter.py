"""Segmenter: set a volume once, ask for many boxes."""

from __future__ import annotations

import copy as copying
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import Cancelled, ConfigError, DeviceMemoryError
from masam_core.image.geometry import CanonicalFrame
from masam_core.image.given import GivenVolume, one_volume
from masam_core.image.intensity import intensity_limits, scale_intensity, varies
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import IsCancelled, Progress
from masam_core.inference.cache import EmbeddingCache
from masam_core.inference.confidence import confidence, predicted_confidence
from masam_core.inference.cuda_graphs import GraphedDecoder
from masam_core.inference.device import autocast, choose_device, choose_precision, upload
from masam_core.inference.job import Job, RunningMean, job_crop
from masam_core.inference.options import SegmentOptions
from masam_core.inference.rectangle import Rectangle
from masam_core.inference.tightness import respect_box
from masam_core.inference.view import Crop, ellipsoid_prior, network_input
from masam_core.inference.volume_holder import VolumeHolder
from masam_core.inference.windows import stride_of, window_slices, window_starts
from masam_core.lesion.cleaning import postprocess
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt
from masam_core.model.quantize import prepare_int8
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.given import GivenBox, one_box
from masam_core.prompts.warnings import warnings_after, warnings_before

Part = tuple[list[int], Embedding]  # slices, and their embedding
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
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``auto``, ``float32``, ``bfloat16``, ``float16``; ``int8`` on the CPU.
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
    >>> lesion = segmenter.segment((52, 132, 52, 124, 16, 41), quality="fast")
    >>> lesion.mask_on_volume().shape == segmenter.volume.geometry.shape
    True
    """

    def __init__(
        self,
        model: MASAM | str | Path = ModelChoice.model,
        device: str | torch.device = ModelChoice.device,
        precision: str = ModelChoice.precision,
        cache_bytes: int = ModelChoice.cache_bytes,
        base: str | Path | None = None,
        copy: bool = True,
    ) -> None:
        self.device = choose_device(device)
        self.dtype = choose_precision(precision, self.device)
        own = _own_model(model, base, copy)
        prepared = prepare_int8(own) if precision == "int8" else own.prepare(self.dtype)
        self._model: MASAM | None = prepared.to(self.device)
        self.precision = prepared.prepared
        self.config = prepared.config
        self.cache = EmbeddingCache(cache_bytes)
        self._graphs = GraphedDecoder(prepared, self.dtype) if self.device.type == "cuda" else None
        self._slices_at_once = SLICES_PER_BATCH.get(self.device.type, 1)
        self._limits = (0.0, 1.0)

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def model(self) -> MASAM:
        """The network, prepared for inference; ConfigError after :meth:`close`."""
        if self._model is None:
            raise ConfigError("This segmenter was closed; make a new one.")
        return self._model

    def close(self) -> None:
        """Give the memory of model, volume and embeddings back; it segments nothing after that."""
        self.forget_volume()
        self.cache.clear()
        self._model = self._graphs = None
        self._empty_gpu()

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
        """
        image = one_volume(volume, spacing, origin, direction)
        if modality and modality != image.modality:
            image = replace(image, modality=modality)  # measuring asks for it, too
        limits = intensity_limits(image.array, image.modality, self.config.intensity)
        self._volume, self._limits = image, limits

    def release_cache(self) -> None:
        """Give the memory of embeddings and recordings back."""
        self.cache.clear()
        if self._graphs is not None:
            self._graphs.clear()

    def segment(
        self,
        box: GivenBox,
        options: SegmentOptions | None = None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        **settings: Any,
    ) -> Lesion:
        """Segment the lesion in a box.

        Args:
            box: the prompt, on the grid of the volume that was set: a BoxPrompt, six voxel indices
                (i0, i1, j0, j1, k0, k1), both ends included, or the path of a Slicer ROI file.
            options: see :class:`SegmentOptions`.
            progress: called with the fraction done and a word on what is being done.
            cancelled: asked between windows.
            settings: single options by name, e.g. ``quality="fast"``, ``margin_mm=2``,
                ``keep="all"``; see ``SegmentOptions.to_dict``.

        Returns:
            The lesion; no voxel outside box + margin is set.

        Raises:
            BoxError: the box lies outside the volume, or is no box.
            Cancelled: ``cancelled`` said so; nothing else has changed.
            DeviceMemoryError: the GPU's memory does not hold even one window.
            ConfigError: no volume was set, the model needs other prompts, or an unknown setting.
        """
        volume = self._require_volume()
        options = (options or SegmentOptions()).changed(**settings)
        box = one_box(box, volume.geometry)
        frame = volume.geometry.canonical_frame(options.slice_axis)
        prompt = box.slice_boxes(frame)
        allowed = box.slice_boxes(frame, options.margin_mm) if options.margin_mm else prompt
        job = Job(frame, prompt, allowed, job_crop(prompt, allowed, frame, self.config))

        stride = stride_of(options.quality, self.config.num_slices)
        starts = window_starts(
            allowed.first_slice, allowed.last_slice, self.config.num_slices, stride
        )
        seen = self._shows_anything(job)
        if not seen:
            starts = []  # what the model would say then follows its box alone, not the patient
        total = RunningMean(job)
        batch_size = WINDOWS_PER_BATCH.get(self.device.type, 1)
        done = 0
        while done < len(starts):
            if cancelled is not None and cancelled():
                raise Cancelled("Segmentation was cancelled.")
            if progress is not None:
                progress(done / len(starts), f"window {done + 1} of {len(starts)}")
            group = self._group(job, starts[done:], batch_size)
            try:
                self._run_windows(job, group, total)
            except torch.cuda.OutOfMemoryError as error:
                batch_size = self._smaller(min(len(group), batch_size), error)
                continue
            done += len(group)
        if progress is not None:
            progress(1.0, "measuring")
        return self._finish(volume, box, job, total, options, seen)

    def _require_volume(self) -> Volume:
        volume = self.volume
        if self.config.num_classes != 1:
            raise ConfigError(
                f"The model '{self.config.name}' tells {self.config.num_classes} classes apart; "
                "segmenting a lesion in a box needs a model with one. It segments whole volumes "
                "without boxes (masam segment --automatic)."
            )
        return volume

    def _smaller(self, batch_size: int, error: Exception) -> int:
        """Make room on the GPU and halve the batches, or give up.

        First the decoder's batch: embeddings that are here already are worth keeping.
        """
        if self._graphs is not None:
            self._graphs.clear()
        once = self._slices_at_once
        if once > self.config.num_slices:
            self._slices_at_once = once // 2
            self._empty_gpu()
            return batch_size
        self.cache.clear()
        self._empty_gpu()
        if batch_size == 1:
            raise DeviceMemoryError(
                f"The memory of {self.device} does not hold one window of {self.config.num_slices} "
                f"slices at {self.config.image_size} pixels. Close other programs that use the "
                "GPU, choose a smaller model, or compute on the CPU."
            ) from error
        return batch_size // 2

    def _empty_gpu(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

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

    @torch.inference_mode()
    def _run_windows(self, job: Job, starts: list[int], total: RunningMean) -> None:
        """Embed what the cache lacks, decode the slices inside the box, add up probabilities."""
        kept = {start: self.cache.get(self._key(job, start)) for start in starts}
        missing = [start for start, embedding in kept.items() if embedding is None]
        if missing:
            kept |= dict(zip(missing, self._embed(job, missing), strict=True))
        parts = [self._inside(job, s, e) for s, e in kept.items() if e is not None]
        shown = self._rectangle(job)
        results = []
        for batch in in_batches(parts, self._slices_at_once):
            results += self._decode(job, shown, batch)
        # Added only when the whole group has succeeded, so that a retry counts nothing twice.
        for index, probability, quality in results:
            total.add(index, probability, quality)

    def _inside(self, job: Job, start: int, window: Embedding) -> Part:
        """The slices of a window that lie in the box, and their embedding."""
        first = max(start, job.allowed.first_slice)
        last = min(start + self.config.num_slices - 1, job.allowed.last_slice)
        part = slice(first - start, last + 1 - start)
        return list(range(first, last + 1)), window.cut(part)

    def _shows_anything(self, job: Job) -> bool:
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

    def _decoder(
        self,
        window: Embedding,
        prompt: NetworkPrompt,
        tokens: tuple[slice, slice] | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self._graphs is not None:
            return self._graphs(window, prompt)
        with autocast(self.device, self.dtype):
            return self.model.decode(window, prompt, tokens)

    def look(self, frame: CanonicalFrame, crop: Crop, start: int) -> torch.Tensor:
        """What the network sees of the window that begins at a slice; see ``network_input``."""
        source = frame.to_canonical(self.volume.array)
        indices = window_slices(start, self.config.num_slices, len(source))
        values = scale_intensity(source[indices], self._limits, self.config.cuts_intensity)
        return network_input(torch.from_numpy(values), crop, self.config)

    def _embed(self, job: Job, starts: list[int]) -> list[Embedding]:
        depth = self.config.num_slices
        windows = [self.look(job.frame, job.crop, start) for start in starts]
        with autocast(self.device, self.dtype):
            embedded = self.model.encode(upload(torch.stack(windows), self.device))
        out = []
        for number, start in enumerate(starts):
            part = slice(number * depth, (number + 1) * depth)
            window = embedded.cut(part).to(self.device, torch.float16, copy=True)
            self.cache.put(self._key(job, start), window)
            out.append(window)
        return out

    def _decode(
        self, job: Job, shown: Rectangle, parts: list[Part]
    ) -> list[tuple[int, NDArray[np.float32], float]]:
        """Decode slices: index, foreground probability on the job's rectangle of the crop,
        predicted quality of the mask."""
        slices = np.array([index for indices, _ in parts for index in indices])
        boxes = job.crop.to_pixels(job.boxes_at(slices), self.config.image_size)
        prompt = NetworkPrompt(torch.from_numpy(boxes))
        if self.config.shape_prior == "ellipsoid":
            first, last = job.prompt.first_slice, job.prompt.last_slice
            prompt.masks = ellipsoid_prior(slices, first, last, boxes, self.config)
        window = Embedding.join([embedding for _, embedding in parts])
        logits, quality = self._decoder(
            window.to(self.device, self.dtype),
            prompt.map(lambda tensor: upload(tensor, self.device)),
            shown.tokens,
        )
        probability = shown.resample(logits).softmax(dim=1)[:, 1].cpu().numpy()
        predicted = quality[:, 1].float().cpu().tolist()
        return list(zip(slices.tolist(), probability, predicted, strict=True))

    def _rectangle(self, job: Job) -> Rectangle:
        """What of the decoder's output the job needs."""
        grid, side = self.config.grid, self.config.logits_side
        # A GPU decodes whole slices at one go, and with one recording of the work.
        local = self.model.mask_decoder.local and self.device.type == "cpu"
        return Rectangle.of(job, side, side // grid if local else None, self.device)

    def _finish(
        self,
        volume: Volume,
        box: BoxPrompt,
        job: Job,
        total: RunningMean,
        options: SegmentOptions,
        seen: bool,
    ) -> Lesion:
        """Threshold, clean, measure; back to the volume's own axes."""
        threshold = self.config.threshold if options.threshold is None else options.threshold
        region, centre = job.region(), job.centre()
        probability, shaped = total.mean(), 0.0
        if self.config.shape_prior == "ellipsoid":
            probability, shaped = respect_box(probability, job, threshold)
        mask = postprocess(
            (probability >= threshold) & region,
            region,
            centre,
            job.frame.spacing[::-1],
            options.postprocess,
        )
        probability = np.where(region, probability, 0).astype(np.float32)
        if not seen:
            mask, probability = np.zeros_like(mask), np.zeros_like(probability)
        if self.config.confidence == "predicted":
            sure = predicted_confidence(total.mean_quality(), mask)
        else:
            sure = confidence(probability, mask)
        offset, mask_kji, probability_kji = job.to_source(mask, probability)
        messages = [*volume.notes, *warnings_before(box, job.prompt)]
        if volume.doubt:
            messages.append(volume.doubt)
        if not seen:
            messages.append(
                "The image has one value in and around this box: there is nothing to see, so "
                "nothing was outlined. Check that it is the right image."
            )
        elif not mask.any():
            messages.append("Nothing was found in this box.")
        elif shaped:
            messages.append(
                "What stands out fills little of this box, so the box's own shape was taken into "
                "account. Check the mask closely, or tighten the box."
            )
        messages += warnings_after(box, mask_kji, offset, sure)
        return Lesion(
            name=box.name or "Lesion",
            mask=mask_kji,
            offset_kji=offset,
            probability=probability_kji,
            confidence=sure,
            box=box,
            geometry=volume.geometry,
            measurements=measure(
                mask_kji, offset, volume, options.slice_axis, options.diameter_plane
            ),
            messages=tuple(messages),
            model=self.config.name,
        )


def _own_model(model: MASAM | str | Path, base: str | Path | None, copy: bool) -> MASAM:
    """A model to prepare: loaded here, or the caller's or a copy of it."""
    from masam_core.catalog.resolve import load_by_name

    if isinstance(model, (str, Path)):
        return load_by_name(str(model), None if base is None else Path(base))
    if not isinstance(model, MASAM):
        raise ConfigError(
            f"The model is a {type(model).__name__}; expected 'bundled', a name of the catalogue, "
            "the path of a weight file, or a MASAM."
        )
    if base is not None:
        raise ConfigError("A backbone file is for models that are loaded by name or path.")
    return copying.deepcopy(model) if copy else model


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
