"""A model in OpenVINO's form: a folder of its files, or one without the weights that lie elsewhere.

``masam convert --to openvino`` writes the folder: ``model.json`` and, for each network, an
``.xml`` with its operations and a ``.bin`` with its weights (OpenVINO's own format, "IR").

The bundled model is there for PyTorch already, 58 MB of it. For OpenVINO comes one small archive
with the operations; most of the weights are borrowed from PyTorch's files when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.converted import DESCRIPTION
from masam_core.errors import CheckpointError, MasamError
from masam_core.model.config import ModelConfig

VERSION = "1"
ENCODER, PROMPT, DECODER, CORRECTOR = NETWORKS = ("encoder", "prompt", "decoder", "corrector")
PRECISION, INT8 = "precision", "int8"
Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Loan:
    """Weights that are borrowed.

    Attributes:
        offset: of their bytes in the network's weights.
        tensor: name.
        axes: order of the axes that are longer than 1; None as they are.
    """

    offset: int
    tensor: str
    axes: tuple[int, ...] | None = None

    def bytes_of(self, tensors: Tensors) -> bytes:
        """The weights, float32; KeyError where there is no such tensor."""
        tensor = tensors[self.tensor]
        if self.axes is not None:
            tensor = tensor.squeeze().transpose(self.axes)
        return np.ascontiguousarray(tensor, dtype="<f4").tobytes()


@dataclass(frozen=True)
class Network:
    """One network: its operations as XML, and its weights."""

    xml: bytes
    weights: bytes

    @cached_property
    def sha256(self) -> str:
        """Digest of operations and weights."""
        digest = hashlib.sha256(self.xml)
        digest.update(self.weights)
        return digest.hexdigest()


@dataclass(frozen=True)
class Package:
    """A model's networks.

    Attributes:
        config: of the model.
        identities: of the networks by the names in :data:`NETWORKS`: what has another one is
            another network.
        read: gives the networks; may take a while.
        read_corrector: gives the corrector, and holds no other.
        int8: whether its encoder multiplies in int8.
    """

    config: ModelConfig
    identities: Mapping[str, str]
    read: Callable[[], Mapping[str, Network]]
    read_corrector: Callable[[], Network]
    int8: bool = False

    @property
    def networks(self) -> Mapping[str, Network]:
        """The networks by their names, those of :data:`NETWORKS`."""
        return self.read()


def read_package(
    path: Path,
    borrow: Callable[[], Tensors] | None = None,
    source: Mapping[str, str] | None = None,
) -> Package:
    """Read a folder, or an archive with borrowed weights.

    Args:
        path: of the folder or archive.
        borrow: gives the tensors that an archive borrows, by name.
        source: digests, by name, of the files that they lie in.

    Raises:
        CheckpointError: a file that is missing or damaged, or of a newer version.
    """
    read = _of_folder(path) if path.is_dir() else _of_archive(path)
    try:
        about = json.loads(read(DESCRIPTION))
        if about["masam_openvino"] != VERSION:
            raise CheckpointError(
                f"{path} has format {about['masam_openvino']}; this version of MASAM reads "
                f"{VERSION}. Update MASAM."
            )
        config = ModelConfig.from_dict(about["config"])
        loans = about.get("loans", {})
        tensors = borrow() if loans and borrow is not None else {}
        networks = {
            name: Network(read(f"{name}.xml"), _weights(read, name, loans.get(name), tensors))
            for name in NETWORKS
        }
        if loans and about["source"] != source:
            raise ValueError("it was made of other weights than are here")
        written = about.get("sha256", {})
        wrong = [n for n in NETWORKS if not loans and networks[n].sha256 != written.get(n)]
        if wrong:
            raise ValueError(f"another {' and '.join(wrong)} than was written")
    except CheckpointError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, MasamError) as error:
        again = "Convert the model again: masam convert MODEL --to openvino -o FOLDER"
        raise CheckpointError(
            f"{path} is no model for OpenVINO, or is damaged ({type(error).__name__}: {error}). "
            + (again if borrow is None else "Install MASAM again.")
        ) from error
    corrector = networks[CORRECTOR]
    return Package(
        config,
        {name: network.sha256 for name, network in networks.items()},
        lambda: networks,
        lambda: corrector,
        about.get(PRECISION) == INT8,
    )


def _weights(read: Callable[[str], bytes], name: str, loans: Any, tensors: Tensors) -> bytes:
    """A network's weights: its own, in the gaps between those that it borrows."""
    own = read(f"{name}.bin")
    if loans is None:
        return own
    out = bytearray()
    for offset, tensor, axes in loans:
        gap = offset - len(out)
        if gap < 0:
            raise ValueError(f"the weights of {tensor} overlap others")
        out += own[:gap]
        own = own[gap:]
        out += Loan(offset, tensor, None if axes is None else tuple(axes)).bytes_of(tensors)
    return bytes(out + own)


def _of_folder(path: Path) -> Callable[[str], bytes]:
    return lambda name: (path / name).read_bytes()


def _of_archive(path: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise ValueError(str(error)) from error

    return read
