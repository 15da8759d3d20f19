"""Networks computed by OpenVINO: on processors, Intel's graphics and NPUs, without PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import ConfigError
from masam_core.inference.correcting import CorrectorLike, sigmoid
from masam_core.inference.rectangle import Rectangle
from masam_core.inference.runtimes.openvino_device import (
    OpenVINODevice,
    compute_threads,
    core,
    load_openvino,
)
from masam_core.inference.runtimes.package import (
    CORRECTOR,
    DECODER,
    ENCODER,
    INT8,
    PROMPT,
    Network,
    Package,
)
from masam_core.inference.runtimes.prepared import prepared
from masam_core.model.abilities import BOX, abilities_of
from masam_core.model.prompt import NetworkPrompt

if TYPE_CHECKING:
    from masam_core.model.masam import MASAM

PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_CAPABILITIES = {"bfloat16": "BF16", "float16": "FP16"}


@dataclass(frozen=True)
class Maps:
    """What the decoder needs of some slices, in half precision: each (N, C, n, n)."""

    maps: tuple[NDArray[np.float16], ...]

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(each.nbytes for each in self.maps)

    def cut(self, part: slice) -> Maps:
        """Some of the slices, in the same memory."""
        return Maps(tuple(each[part] for each in self.maps))

    @staticmethod
    def join(parts: Sequence[Maps]) -> list[NDArray[np.float32]]:
        """The slices of all parts, in order, in single precision."""
        return [
            np.concatenate(each).astype(np.float32)
            for each in zip(*(part.maps for part in parts), strict=True)
        ]


class OpenVINORuntime:
    """A converted model on one of OpenVINO's devices; implements ``Runtime``.

    Prompts and corrections are computed in float32 on the processor, whatever the rest is computed
    in: a box's corner in half precision would be off by pixels.

    Args:
        package: the model.
        device: to compute on.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``; ``int8`` is a model's own.

    Raises:
        ConfigError: no OpenVINO, or a precision that the device lacks.
        CheckpointError: a damaged file.
    """

    full: tuple[type[BaseException], ...] = (MemoryError,)
    decodes_parts = False

    def __init__(self, package: Package, device: OpenVINODevice, precision: str) -> None:
        self.config, self.device = package.config, device
        self.abilities = abilities_of(package.config, BOX)  # no other is converted
        self.precision = choose_openvino_precision(precision, device, package.int8)
        # An NPU takes one shape alone, and a GPU compiles anew for each.
        self._slices = None if device.name == "CPU" else self.config.num_slices
        networks = lru_cache(package.read)  # as long as this lasts

        def ready(name: str, exact: bool = False, slices: int | None = None) -> Any:
            return self._ready(package.identities[name], lambda: networks()[name], exact, slices)

        self._encoder = ready(ENCODER)
        self._prompt = ready(PROMPT, exact=True)
        self._decoder = ready(DECODER, slices=self._slices)
        # The others' weights are not kept twice.
        self._read_corrector: Callable[[], Network] | None = package.read_corrector
        self._corrector_is = package.identities[CORRECTOR]
        self._corrector: CorrectorLike | None = None

    @property
    def model(self) -> MASAM:
        """There is none."""
        self._refuse()

    @property
    def dtype(self) -> Any:
        """There is none."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConfigError(
            "This needs PyTorch's network, and OpenVINO computes here. Choose the device 'cpu'."
        )

    @property
    def corrector(self) -> CorrectorLike:
        """The corrector, made ready when it is first asked for."""
        if self._corrector is None:
            if self._read_corrector is None:
                raise ConfigError("This segmenter was closed; make a new one.")
            network = self._ready(self._corrector_is, self._read_corrector, exact=True)
            self._corrector = _Corrector(network)
        return self._corrector

    def embed(self, windows: NDArray[np.float32]) -> list[Maps]:
        """See ``Runtime``; window by window."""
        out = []
        for window in windows:
            found = self._encoder([window[None]])
            out.append(Maps(tuple(found[n].astype(np.float16) for n in range(len(found)))))
        return out

    def decode(
        self, windows: Sequence[Maps], prompt: NetworkPrompt, shown: Rectangle
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See ``Runtime``."""
        image, *details = Maps.join(windows)
        asked = self._prompt(list(prompt.given().values()))
        inputs = [image, asked[0], asked[1], *details]
        found = [self._decode_some(part) for part in self._in_parts(inputs)]
        logits, quality = (np.concatenate(each)[: len(image)] for each in zip(*found, strict=True))
        both = shown.resample(np.asarray(logits, dtype=np.float32))
        return sigmoid(both[:, 1] - both[:, 0]), np.asarray(quality[:, 1], dtype=np.float32)

    def _decode_some(self, inputs: list[NDArray[np.float32]]) -> tuple[NDArray[Any], NDArray[Any]]:
        found = self._decoder(inputs)
        return found[0], found[1]

    def _in_parts(self, inputs: list[NDArray[np.float32]]) -> list[list[NDArray[np.float32]]]:
        """The inputs as they are; for a device with one shape in parts of it, the last filled up
        with its last slice."""
        size, count = self._slices, len(inputs[0])
        if size is None:
            return [inputs]
        parts = []
        for first in range(0, count, size):
            index = np.minimum(np.arange(first, first + size), count - 1)
            parts.append([each[index] for each in inputs])
        return parts

    def _ready(
        self,
        identity: str,
        read: Callable[[], Network],
        exact: bool = False,
        slices: int | None = None,
    ) -> Any:
        """A network ready to compute, of this start or of an earlier one."""
        device, settings = self._settings(exact)
        return prepared(
            f"{identity} {slices}", device, settings, lambda: self._compiled(read(), exact, slices)
        )

    def _compiled(self, network: Network, exact: bool = False, slices: int | None = None) -> Any:
        openvino = load_openvino()

        weights = np.frombuffer(network.weights, dtype=np.uint8)
        model = core().read_model(network.xml, openvino.Tensor(weights))
        if slices is not None:
            model.reshape({n: [slices, *shape[1:]] for n, shape in enumerate(_shapes(model))})
        device, settings = self._settings(exact)
        try:
            return core().compile_model(model, device, settings)
        except RuntimeError as error:  # a driver that is too old, or too little memory
            said = (str(error).strip().splitlines() or ["no reason given"])[-1]
            raise ConfigError(
                f"OpenVINO can't prepare the model for '{OpenVINODevice(device)}' ({said}). Update "
                "its driver, or choose another device."
            ) from error

    def _settings(self, exact: bool) -> tuple[str, dict[str, Any]]:
        """Device and settings, in OpenVINO's words."""
        device = "CPU" if exact else self.device.name
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32" if exact else self._hint,
        }
        threads = compute_threads()
        if device == "CPU" and threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        return device, settings

    @property
    def _hint(self) -> str:
        """OpenVINO's word for it; with int8 that of all that is not quantised."""
        return PRECISIONS.get(self.precision, "f32" if self.device.name == "CPU" else "f16")

    def clear(self) -> None:
        """Nothing is kept beside the networks."""

    def make_room(self) -> None:
        """Memory goes back by itself."""

    def close(self) -> None:
        """Give the networks' memory back."""
        self._read_corrector = self._corrector = None
        self._encoder = self._prompt = self._decoder = None


class _Corrector:
    """The corrector for arrays."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def __call__(self, *arrays: NDArray[np.generic]) -> NDArray[np.float32]:
        found = self.network([array.astype(np.float32) for array in arrays])
        return np.array(found[0], dtype=np.float32)


def choose_openvino_precision(wanted: str, device: OpenVINODevice, int8: bool = False) -> str:
    """bfloat16 where the processor multiplies it, else float32 there; float16 elsewhere; unless
    told.

    Args:
        wanted: the precision's name.
        device: that computes.
        int8: whether the model was brought to int8, and has no other.

    Raises:
        ConfigError: a precision that is unknown or that model or device lack.
    """
    if int8:
        if wanted in ("auto", INT8):
            return INT8
        raise ConfigError(
            f"This model was brought to int8 when it was converted; it has no '{wanted}'. Use "
            "'auto', or convert it again without --int8."
        )
    if wanted == INT8:
        raise ConfigError(
            "This model is not there in int8 for OpenVINO. Make it with 'masam convert MODEL --to "
            "openvino --int8 -o FOLDER' and choose the folder as model."
        )
    able = capabilities(device.name)
    if wanted == "auto":
        if device.name != "CPU":
            return "float16"
        return "bfloat16" if "BF16" in able else "float32"
    if wanted not in PRECISIONS:
        raise ConfigError(
            f"Unknown precision '{wanted}' for OpenVINO; expected auto, {', '.join(PRECISIONS)}."
        )
    if _CAPABILITIES.get(wanted, "FP32") not in [*able, "FP32"]:
        raise ConfigError(f"The device '{device}' of this machine does not compute in {wanted}.")
    return wanted


def capabilities(name: str) -> list[str]:
    """What a device computes in, in OpenVINO's words: FP32, BF16, ..."""
    return list(core().get_property(name, "OPTIMIZATION_CAPABILITIES"))


def _shapes(model: Any) -> list[list[int]]:
    """The inputs' shapes; the first axis, which counts slices, may be open."""
    return [
        [-1 if size.is_dynamic else size.get_length() for size in given.partial_shape]
        for given in model.inputs
    ]
