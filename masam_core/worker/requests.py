"""What the worker does for each request; knows nothing of pipes and threads."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import masam_core
from masam_core.catalog.choice import ModelChoice
from masam_core.errors import ConfigError, MasamError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.options import SegmentOptions, axis_of
from masam_core.installation.devices import list_devices
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.limits import CACHE_MB
from masam_core.prompts.record import PromptRecord
from masam_core.worker import fields
from masam_core.worker.automatic import classes_answer, wanted_classes
from masam_core.worker.codes import UnknownRequest, UnknownVolume, VersionMismatch, code_of
from masam_core.worker.fields import field, optional_text
from masam_core.worker.kept import KeptProbabilities
from masam_core.worker.lesions import (
    lesion_fields,
    read_corrections,
    read_lesion,
    read_painted,
    read_prompt,
    whole_mask,
)
from masam_core.worker.models import (
    LoadedModel,
    ModelHolder,
    described,
    download_model,
    list_models,
    verify_model,
)
from masam_core.worker.protocol import (
    PROTOCOL,
    Message,
    ProtocolError,
    unpack_mask,
)
from masam_core.worker.volumes import VolumeStore

Send = Callable[[Message], None]
IsCancelled = Callable[[], bool]


class Requests:
    """The worker's state, and one method for each type of request.

    A method takes the message, ``send`` for messages on the way (``id`` is added by the caller)
    and ``cancelled``; it returns the fields of the final answer or raises.
    """

    def __init__(self) -> None:
        self.models = ModelHolder()
        self.volumes = VolumeStore()
        self.kept = KeptProbabilities()
        self._known: dict[str, Callable[[Message, Send, IsCancelled], Message]] = {
            "hello": self._hello,
            "devices": lambda *_: {"devices": list_devices()},
            "models": lambda *_: {"models": list_models()},
            "load_model": self._load_model,
            "download_model": self._download_model,
            "verify_model": self._verify_model,
            "check": self._check,
            "put_volume": self._put_volume,
            "volume_part": self._volume_part,
            "segment": self._segment,
            "refine": self._refine,
            "automatic": self._automatic,
            "describe_model": self._describe_model,
            "measure": self._measure,
            "release": self._release,
        }

    def answer(self, message: Message, send: Send, cancelled: IsCancelled) -> Message:
        """The fields of the final answer.

        Raises:
            UnknownRequest: a type that is not in the protocol.
            MasamError, Cancelled: as the request's work does.
        """
        handle = self._known.get(message["type"])
        if handle is None:
            raise UnknownRequest(
                f"The worker does not know the request '{message['type']}'; it knows "
                f"{', '.join([*self._known, 'cancel', 'shutdown'])}."
            )
        return handle(message, send, cancelled)

    def make_room(self) -> None:
        """Drop what can be had again, after running out of memory."""
        self.models.release_cache()

    def _hello(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        theirs = field(message, "protocol", int)
        if theirs != PROTOCOL:
            raise VersionMismatch(
                f"The worker speaks protocol {PROTOCOL} (MASAM {masam_core.__version__}), this "
                f"program {theirs}. Install the same version of MASAM on both sides."
            )
        return {
            "protocol": PROTOCOL,
            "version": masam_core.__version__,
            "pid": os.getpid(),
            "host": platform.node(),
        }

    def _load_model(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        cache = field(message, "cache_bytes", int, ModelChoice.cache_bytes)
        CACHE_MB.check(cache / (1 << 20))
        choice = ModelChoice(
            field(message, "model", str, ModelChoice.model),
            optional_text(message, "base"),
            field(message, "device", str, ModelChoice.device),
            field(message, "precision", str, ModelChoice.precision),
            cache,
        )
        return self.models.load(choice).describe()

    def _download_model(self, message: Message, send: Send, cancelled: IsCancelled) -> Message:
        name = field(message, "name", str)
        return {"path": str(download_model(name, _progress(send), cancelled))}

    def _verify_model(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        matches, digest = verify_model(field(message, "name", str))
        return {"matches": matches, "sha256": digest}

    def _check(self, message: Message, send: Send, cancelled: IsCancelled) -> Message:
        from masam_core.installation.machine import check_machine

        model = field(message, "model", str, ModelChoice.model)
        device = field(message, "device", str, ModelChoice.device)
        found = check_machine(model, device, _progress(send), cancelled)
        return {"findings": [finding.to_dict() for finding in found]}

    def _put_volume(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        matrix = fields.numbers(message, "ijk_to_lps", 16).reshape(4, 4)
        shape = fields.shape_of(message, "shape")
        known = self.volumes.announce(
            field(message, "hash", str),
            shape,
            field(message, "dtype", str),
            Geometry(shape, matrix),
            optional_text(message, "modality"),
            field(message, "name", str, "volume"),
        )
        return {"known": known}

    def _volume_part(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        complete = self.volumes.add_part(
            field(message, "hash", str),
            field(message, "offset", int),
            field(message, "data", bytes),
        )
        return {"complete": complete}

    def _segment(self, message: Message, send: Send, cancelled: IsCancelled) -> Message:
        began = time.monotonic()
        model, volume = self._model(), self._volume(message)
        options = SegmentOptions.from_dict(field(message, "options", dict, {}))
        boxes = field(message, "boxes", list)
        model.segmenter.set_volume(volume)
        failed = 0
        for number, box in enumerate(boxes):
            if not isinstance(box, dict):
                raise ProtocolError("'segment': each of 'boxes' must be a map.")
            label = str(box.get("name") or f"lesion {number + 1}")
            place = f"{label}: " if len(boxes) > 1 else ""
            show = _progress(send, number / len(boxes), 1 / len(boxes), place)
            lesion = {"type": "lesion", "box": box.get("id")}
            try:
                lesion |= self._one(model, volume, box, label, options, show, cancelled)
            except MasamError as error:
                failed += 1
                lesion |= {"code": code_of(error), "error": str(error)}
            send(lesion)
        return {
            "seconds": time.monotonic() - began,
            "model": model.segmenter.config.name,
            "sha256": model.sha256,
            "failed": failed,
        }

    def _one(
        self,
        model: LoadedModel,
        volume: Volume,
        box: Message,
        name: str,
        options: SegmentOptions,
        show: Callable[[float, str], None],
        cancelled: IsCancelled,
    ) -> Message:
        geometry = volume.geometry
        lesion = model.segmenter.segment(
            read_prompt(box, name, geometry),
            options,
            progress=show,
            cancelled=cancelled,
            corrections=read_corrections(box),
            mask=whole_mask(box, geometry.shape),
        )
        self.kept.keep(volume.content_hash, lesion)
        return lesion_fields(lesion)

    def _refine(self, message: Message, send: Send, cancelled: IsCancelled) -> Message:
        began = time.monotonic()
        model, volume = self._model(), self._volume(message)
        options = SegmentOptions.from_dict(field(message, "options", dict, {}))
        geometry = volume.geometry
        record = PromptRecord.from_dict(field(message, "record", dict), geometry, "The record")
        state = {"measurements": {}, "confidence": float("nan"), "messages": [], **message}
        try:
            lesion = read_lesion(state, record.name, volume, model.segmenter.config.name, record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ProtocolError(
                f"'refine' describes no lesion ({type(error).__name__}: {error})."
            ) from error
        known = self.kept.of_mask(volume.content_hash, lesion.mask, lesion.offset_kji)
        model.segmenter.set_volume(volume)
        refined = model.segmenter.refine(
            replace(lesion, probability=known),
            read_corrections(message),
            options,
            progress=_progress(send),
            cancelled=cancelled,
            painted=read_painted(message, geometry.shape),
        )
        self.kept.keep(volume.content_hash, refined)
        return {
            **lesion_fields(refined),
            "seconds": time.monotonic() - began,
            "model": model.segmenter.config.name,
        }

    def _automatic(self, message: Message, send: Send, cancelled: IsCancelled) -> Message:
        began = time.monotonic()
        model, volume = self._model(), self._volume(message)
        options = SegmentOptions.from_dict(field(message, "options", dict, {}))
        wanted = wanted_classes(message)
        model.segmenter.set_volume(volume)
        return {
            **classes_answer(model.segmenter, options, wanted, _progress(send), cancelled),
            "seconds": time.monotonic() - began,
            "model": model.segmenter.config.name,
            "sha256": model.sha256,
        }

    def _describe_model(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        return described(field(message, "model", str))

    def _measure(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        from masam_core.lesion.measure import measure

        volume = self._volume(message)
        mask, offset = unpack_mask(message.get("mask"), volume.geometry.shape)
        axis = axis_of(message.get("slice_axis"))
        asked = message.get("diameter_plane", SegmentOptions.diameter_plane)
        plane = DiameterPlane.read(asked, "The diameters' plane")
        return {"measurements": measure(mask, offset, volume, axis, plane).to_dict()}

    def _release(self, message: Message, _send: Send, _cancelled: IsCancelled) -> Message:
        what = field(message, "what", str)
        if what not in ("model", "volumes", "cache", "all"):
            raise ProtocolError(f"'release': {what!r}; expected model, volumes, cache or all.")
        if what in ("volumes", "all"):
            self.volumes.clear()
        if what in ("cache", "all"):
            self.models.release_cache()
            self.kept.clear()
        if what in ("model", "all"):
            self.models.release()
        return {}

    def _model(self) -> LoadedModel:
        if self.models.loaded is None:
            raise ConfigError("Load a model before asking for a segmentation.")
        return self.models.loaded

    def _volume(self, message: Message) -> Volume:
        volume = self.volumes.get(field(message, "volume", str))
        if volume is None:
            raise UnknownVolume("The worker does not have this volume; send it first.")
        return volume


def _progress(
    send: Send, base: float = 0.0, share: float = 1.0, place: str = ""
) -> Callable[[float, str], None]:
    def show(fraction: float, text: str) -> None:
        values: dict[str, Any] = {"fraction": base + share * fraction, "text": place + text}
        send({"type": "progress", **values})

    return show
