"""Networks computed by PyTorch: any model, on processors, NVIDIA's and Apple's GPUs."""

from __future__ import annotations

import copy as copying
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from masam_core.catalog.bundled import bundled_corrector_path
from masam_core.catalog.resolve import load_by_name
from masam_core.errors import ConfigError
from masam_core.inference.correcting import CorrectorLike
from masam_core.inference.cuda_graphs import GraphedDecoder
from masam_core.inference.device import autocast, choose_precision, upload
from masam_core.inference.rectangle import Rectangle
from masam_core.model.corrector import Corrector, load_corrector
from masam_core.model.masam import MASAM, Embedding
from masam_core.model.prompt import NetworkPrompt
from masam_core.model.quantize import prepare_int8


class TorchRuntime:
    """A model prepared for inference on a device; implements ``Runtime``.

    Args:
        model: name, path, or a MASAM.
        device: to compute on.
        precision: see ``choose_precision``.
        base: backbone file, for a model that is named.
        copy: see ``Segmenter``.

    Raises:
        ConfigError, CheckpointError: see ``Segmenter``.
    """

    full: tuple[type[BaseException], ...] = (torch.cuda.OutOfMemoryError,)

    def __init__(
        self,
        model: MASAM | str | Path,
        device: torch.device,
        precision: str,
        base: str | Path | None,
        copy: bool,
    ) -> None:
        self.device = device
        self.dtype = choose_precision(precision, device)
        own = _own_model(model, base, copy)
        prepared = prepare_int8(own) if precision == "int8" else own.prepare(self.dtype)
        self.model = prepared.to(device)
        self.precision, self.config = prepared.prepared, prepared.config
        self.abilities = prepared.abilities
        # A GPU decodes whole slices at one go, and with one recording of the work.
        self.decodes_parts = prepared.mask_decoder.local and device.type == "cpu"
        self.graphs = GraphedDecoder(prepared, self.dtype) if device.type == "cuda" else None

    @property
    def corrector(self) -> CorrectorLike:
        """The corrector that comes with MASAM, on the CPU."""
        return _TorchCorrector(load_corrector(bundled_corrector_path()))

    @torch.inference_mode()
    def embed(self, windows: NDArray[np.float32]) -> list[Embedding]:
        """See ``Runtime``; on the device, in half precision."""
        depth = windows.shape[1]
        with autocast(self.device, self.dtype):
            embedded = self.model.encode(upload(torch.from_numpy(windows), self.device))
        parts = [slice(n * depth, (n + 1) * depth) for n in range(len(windows))]
        return [embedded.cut(part).to(self.device, torch.float16, copy=True) for part in parts]

    @torch.inference_mode()
    def decode(
        self, windows: Sequence[Embedding], prompt: NetworkPrompt, shown: Rectangle
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See ``Runtime``."""
        window = Embedding.join(windows).to(self.device, self.dtype)
        asked = prompt.map(lambda array: upload(torch.from_numpy(array), self.device))
        if self.graphs is not None:
            logits, quality = self.graphs(window, asked)
        else:
            with autocast(self.device, self.dtype):
                logits, quality = self.model.decode(window, asked, shown.tokens)
        probability = self._resample(logits, shown).softmax(dim=1)[:, 1]
        return probability.cpu().numpy(), quality[:, 1].float().cpu().numpy()

    def _resample(self, logits: Tensor, shown: Rectangle) -> Tensor:
        """The same as ``Rectangle.resample``, on the device."""
        part = logits[:, :, shown.logits[0], shown.logits[1]].float()
        rows, cols = (
            torch.from_numpy(weights).to(self.device)
            for weights in (shown.row_weights, shown.col_weights)
        )
        return rows @ part @ cols.t()

    def clear(self) -> None:
        """Give the memory of recordings back."""
        if self.graphs is not None:
            self.graphs.clear()

    def make_room(self) -> None:
        """Give the GPU's unused memory back."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """Give the model's memory back."""
        del self.model
        self.graphs = None
        self.make_room()


class _TorchCorrector:
    """The corrector for arrays."""

    def __init__(self, network: Corrector) -> None:
        self.network = network

    @torch.inference_mode()
    def __call__(self, *arrays: NDArray[np.generic]) -> NDArray[np.float32]:
        logits: Tensor = self.network(*(torch.from_numpy(array) for array in arrays))
        return logits.float().numpy()


def _own_model(model: MASAM | str | Path, base: str | Path | None, copy: bool) -> MASAM:
    """A model to prepare: loaded here, or the caller's or a copy of it."""
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
