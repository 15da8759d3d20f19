"""PyTorch's networks written down for OpenVINO; see ``masam_core.inference.runtimes.package``."""

from __future__ import annotations

import hashlib
import itertools
import json
import secrets
import shutil
import tempfile
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from masam_core.atomic import atomic_path, sync_folder, why_not_written
from masam_core.catalog.bundled import bundled_corrector_path
from masam_core.catalog.converted import DESCRIPTION
from masam_core.errors import CheckpointError
from masam_core.inference.patch import PATCH_SHAPE
from masam_core.inference.runtimes.openvino_device import core, load_openvino
from masam_core.inference.runtimes.package import (
    CORRECTOR,
    DECODER,
    ENCODER,
    INT8,
    PRECISION,
    PROMPT,
    VERSION,
    Loan,
    Network,
    Tensors,
    read_package,
)
from masam_core.model.corrector import Corrector, load_corrector
from masam_core.model.masam import MASAM

LEAST_LOAN = 1024  # bytes; smaller weights are the archive's own
_DATE = (2026, 1, 1, 0, 0, 0)  # an archive of the same content is the same file


def write_folder(
    model: MASAM,
    folder: Path,
    half: bool = False,
    int8: Sequence[NDArray[np.float32]] = (),
) -> None:
    """Convert a model; its networks go into a new folder, whole or not at all.

    Args:
        model: of one class, asked with boxes; it is folded, and can't be trained after that.
        folder: to make; an empty one is replaced.
        half: store float16 instead of float32: half the size.
        int8: windows to bring the encoder to int8 with; none leaves it as it is.

    Raises:
        CheckpointError: a model of another kind, or a folder that can't be written.
        ConfigError: OpenVINO is not installed; see ``quantizing.quantized``.
    """
    require_new(folder)
    networks = trace(model)
    if int8:
        from masam_core.inference.runtimes.quantizing import quantized

        networks[ENCODER] = quantized(networks[ENCODER], int8)
    temporary = folder.parent / f".{secrets.token_hex(8)}"
    try:
        temporary.mkdir()
        for name, network in networks.items():
            _save(network, temporary / f"{name}.xml", half)
        digests = {name: _read(temporary, name).sha256 for name in networks}
        about = {**_about(model), "sha256": digests, **({PRECISION: INT8} if int8 else {})}
        (temporary / DESCRIPTION).write_text(json.dumps(about, indent=1), "utf-8")
        read_package(temporary)
        if folder.exists():
            folder.rmdir()  # empty; Windows puts no folder in another's place
        temporary.replace(folder)
        sync_folder(folder.parent)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(why_not_written(folder, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_new(folder: Path) -> None:
    """Raise CheckpointError unless a folder can be made here, or is empty."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise CheckpointError(f"'{folder}' is there already; choose a new folder for the model.")
    if not folder.parent.is_dir():
        raise CheckpointError(
            f"'{folder}' can't be made: there is no folder '{folder.parent}'. Make it first."
        )


def write_archive(model: MASAM, file: Path, tensors: Tensors, source: Mapping[str, str]) -> None:
    """Convert a model into an archive without the weights that lie elsewhere.

    Args:
        model: see :func:`write_folder`.
        file: to write (.zip).
        tensors: to borrow from, by name.
        source: digests, by name, of the files that they lie in.

    Raises:
        CheckpointError, ConfigError: see :func:`write_folder`.
    """
    known = _fingerprints(tensors)
    loans: dict[str, list[Any]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        atomic_path(file, CheckpointError) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for name, network in trace(model).items():
            xml = Path(folder) / f"{name}.xml"
            _save(network, xml, half=False)
            weights = xml.with_suffix(".bin").read_bytes()
            found = list(_loans(xml.read_bytes(), weights, known))
            loans[name] = [[loan.offset, loan.tensor, loan.axes] for loan, _ in found]
            _add(archive, f"{name}.xml", xml.read_bytes())
            _add(archive, f"{name}.bin", _rest(weights, found))
        about = {**_about(model), "source": dict(source), "loans": loans}
        _add(archive, DESCRIPTION, json.dumps(about).encode())


def trace(model: MASAM) -> dict[str, Any]:
    """OpenVINO's form of a model's networks and of the corrector, by name.

    Raises:
        CheckpointError, ConfigError: see :func:`write_folder`.
    """
    core()  # the error that says how to install it
    config = model.config
    require_convertible(model)
    model.fold()
    depth, size = config.num_slices, config.image_size
    channels = () if config.channels == "repeat" else (3,)
    window = torch.rand(1, depth, *channels, size, size)
    boxes = torch.tensor([[0.2, 0.3, 0.7, 0.8]]).repeat(depth, 1) * size
    asked = [boxes]
    if config.shape_prior != "none":
        asked.append(torch.rand(depth, 1, 4 * config.grid, 4 * config.grid))
    patch = torch.rand(1, *PATCH_SHAPE)
    corrections = (patch, patch, (patch > 0.9).float(), (patch < 0.1).float(), torch.ones(1))
    encoder, prompt = _Encoder(model), _Prompt(model)
    with torch.no_grad():
        image, *skips = encoder(window)
        sparse, dense = prompt(*asked)
    return {
        ENCODER: _traced(encoder, (window,), fixed=True),
        PROMPT: _traced(prompt, tuple(asked)),
        DECODER: _traced(_Decoder(model), (image, sparse, dense, *skips)),
        CORRECTOR: _traced(
            _Correcting(load_corrector(bundled_corrector_path())), corrections, fixed=True
        ),
    }


def require_convertible(model: MASAM) -> None:
    """Raise CheckpointError for a model of another kind, or one whose weights were prepared for
    another precision."""
    config = model.config
    if not model.abilities.prompts or config.decoder == "sam":
        raise CheckpointError(
            f"The model '{config.name}' can't be converted for OpenVINO: that takes models of "
            "volumes with one class that answer boxes, and with a decoder of MA-SAM's own."
        )
    if model.prepared not in ("", "float32"):
        raise CheckpointError(
            f"This model was prepared to compute in {model.prepared}; load it again to convert it."
        )


class _Encoder(nn.Module):
    def __init__(self, model: MASAM) -> None:
        super().__init__()
        self.model = model

    def forward(self, window: Tensor) -> tuple[Tensor, ...]:
        embedding = self.model.encode(window)
        return (embedding.image, *embedding.skips)


class _Prompt(nn.Module):
    def __init__(self, model: MASAM) -> None:
        super().__init__()
        self.model = model

    def forward(self, boxes: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return cast("tuple[Tensor, Tensor]", self.model.prompt_encoder(boxes, None, masks))


class _Decoder(nn.Module):
    def __init__(self, model: MASAM) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, image: Tensor, sparse: Tensor, dense: Tensor, *skips: Tensor
    ) -> tuple[Tensor, Tensor]:
        positions = self.model.prompt_encoder.positions()
        found = self.model.mask_decoder(image, positions, sparse, dense, list(skips))
        return cast("tuple[Tensor, Tensor]", found)


class _Correcting(nn.Module):
    def __init__(self, corrector: Corrector) -> None:
        super().__init__()
        self.corrector = corrector

    def forward(
        self, image: Tensor, before: Tensor, positive: Tensor, negative: Tensor, z_px: Tensor
    ) -> Tensor:
        return cast(Tensor, self.corrector(image, before, positive, negative, z_px))


def _traced(module: nn.Module, example: tuple[Tensor, ...], fixed: bool = False) -> Any:
    """A module in OpenVINO's form.

    Args:
        module: to run once.
        example: its inputs.
        fixed: inputs of these shapes alone; else any number of slices.
    """
    openvino = load_openvino()

    with warnings.catch_warnings(), torch.enable_grad():
        # Traced as for training: without what is done for the sake of a processor's cache.
        warnings.simplefilter("ignore")
        script = torch.jit.trace(module, example, check_trace=False, strict=False)
        model = openvino.convert_model(script)
    first = (lambda shape: shape[0]) if fixed else (lambda _: -1)
    shapes = {n: [first(one.shape), *one.shape[1:]] for n, one in enumerate(example)}
    model.reshape(shapes)
    for number, given in enumerate(model.inputs):
        given.get_tensor().set_names({f"input{number}"})
    return model


def _save(network: Any, path: Path, half: bool) -> None:
    openvino = load_openvino()

    openvino.save_model(network, path, compress_to_fp16=half)


def _read(folder: Path, name: str) -> Network:
    return Network(*((folder / f"{name}{ending}").read_bytes() for ending in (".xml", ".bin")))


def _about(model: MASAM) -> dict[str, Any]:
    return {"masam_openvino": VERSION, "config": model.config.to_dict()}


def _fingerprints(tensors: Tensors) -> dict[bytes, Loan]:
    """How to borrow weights, by the digest of their bytes in float32."""
    known: dict[bytes, Loan] = {}
    for name, tensor in tensors.items():
        if tensor.size * 4 < LEAST_LOAN:
            continue
        long = tensor.squeeze()
        for axes in itertools.permutations(range(long.ndim)):
            plain = axes == tuple(range(long.ndim))
            loan = Loan(0, name, None if plain else axes)
            known.setdefault(_digest(loan.bytes_of(tensors)), loan)
    return known


def _loans(xml: bytes, weights: bytes, known: dict[bytes, Loan]) -> Iterator[tuple[Loan, int]]:
    """What of a network's weights can be borrowed, and how many bytes it is; in order."""
    places = set()
    for data in ElementTree.fromstring(xml).iter("data"):
        if data.get("element_type") == "f32" and int(data.get("size", 0)) >= LEAST_LOAN:
            places.add((int(data.attrib["offset"]), int(data.attrib["size"])))
    for offset, size in sorted(places):
        loan = known.get(_digest(weights[offset : offset + size]))
        if loan is not None:
            yield Loan(offset, loan.tensor, loan.axes), size


def _rest(weights: bytes, loans: list[tuple[Loan, int]]) -> bytes:
    """The weights that are not borrowed."""
    own, end = bytearray(), 0
    for loan, size in loans:
        own += weights[end : loan.offset]
        end = loan.offset + size
    return bytes(own + weights[end:])


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
