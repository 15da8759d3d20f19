"""Read and write weight files safely: safetensors and torch's zip format, nothing executed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from masam_core.atomic import atomic_path
from masam_core.errors import CheckpointError

State = dict[str, Tensor]


def read_state(path: Path) -> tuple[State, dict[str, str]]:
    """Tensors by name, and the metadata (empty for torch files).

    Torch files are opened with ``weights_only=True``, so nothing in them is executed; a nested
    ``model`` or ``state_dict`` entry and a ``module.`` prefix are unwrapped.

    Raises:
        CheckpointError: missing, empty, truncated, or not a weight file; says what it is.
    """
    path = Path(path)
    _check_file(path)
    if _is_safetensors(path):
        return _read_safetensors(path)
    return _read_torch(path), {}


def write_safetensors(path: Path, state: State, metadata: dict[str, str]) -> None:
    """Write atomically: a temporary file in the same folder, then a rename.

    Raises:
        CheckpointError: the folder can't be written.
    """
    path = Path(path)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}

    def write(temporary: Path) -> None:
        mode = temporary.stat().st_mode
        try:
            save_file(tensors, temporary, metadata=metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error
        # It leaves a file that only its owner may read; colleagues share weights.
        os.chmod(temporary, mode)

    with atomic_path(path, CheckpointError) as temporary:
        write(temporary)


def write_torch(path: Path, state: State) -> None:
    """Write a plain state dict as torch does, atomically; raises CheckpointError."""
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
    with atomic_path(Path(path), CheckpointError) as temporary:
        torch.save(tensors, temporary)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; expected a weight file (.safetensors or .pth).")
    if not path.exists():
        raise CheckpointError(f"There is no weight file at {path}.")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path} is empty; its download or copy did not finish.")


def _is_safetensors(path: Path) -> bool:
    """Whether the file opens with a safetensors header: its length, then JSON."""
    with path.open("rb") as file:
        head = file.read(9)
    length = int.from_bytes(head[:8], "little")
    return len(head) == 9 and head[8:9] == b"{" and length < 100_000_000


def _read_safetensors(path: Path) -> tuple[State, dict[str, str]]:
    try:
        with safe_open(str(path), framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return state, dict(file.metadata() or {})
    except (SafetensorError, json.JSONDecodeError) as error:
        raise _truncated(path, error) from error


def _read_torch(path: Path) -> State:
    with path.open("rb") as file:
        head = file.read(512)
    if not (head.startswith(b"PK") or head.startswith(b"\x80")):
        raise CheckpointError(
            f"{path} is {_describe(head)}, not a weight file. Expected .safetensors, or a .pth "
            "file of SAM, MedSAM or MA-SAM."
        )
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than plain weights (or is damaged), and was not opened, since "
            "such a file could run code. Ask for a plain state dict or a .safetensors file."
        ) from error
    except MemoryError as error:
        raise CheckpointError(
            f"{path} is damaged, or holds more than the memory of this machine."
        ) from error
    except Exception as error:  # torch's reader fails in as many ways as there are broken files
        raise _truncated(path, error) from error
    for wrapper in ("model", "state_dict", "model_state_dict"):
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict) or not loaded:
        raise CheckpointError(f"{path} holds no weights by name (found {type(loaded).__name__}).")
    state = {str(k): v for k, v in loaded.items() if isinstance(v, Tensor)}
    if not state:
        raise CheckpointError(f"{path} holds no weight tensors.")
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def _describe(head: bytes) -> str:
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html")):
        return "a web page (the download gave a page instead of the file)"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip archive"
    if text.startswith((b"nrrd", b"ndims", b"objecttype")):
        return "an image"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (the real file was not fetched)"
    return "of an unknown kind"


def _truncated(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} ({path.stat().st_size:,} bytes) is damaged or incomplete; download or copy it "
        f"again. ({type(error).__name__})"
    )
