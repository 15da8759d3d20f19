"""Weights into a model: every one in its place, or an error that names what does not fit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from masam_core.errors import CheckpointError
from masam_core.model.masam import MASAM
from masam_core.model.state_files import State


def fill(model: MASAM, state: State, path: Path) -> None:
    """Put every weight in place, or raise CheckpointError; nothing may be missing or left over."""
    own = model.state_dict()
    require_fit(own, state, path)
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    model.load_state_dict(floats, strict=True, assign=True)
    model.image_encoder.base.requires_grad_(False)
    model.eval()


def require_fit(own: State, state: State, path: Path) -> None:
    """Raise CheckpointError unless a file's tensors have just the names and shapes of ours."""
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    shapes = [
        f"{name} is {tuple(state[name].shape)} in the file, expected {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if missing or unexpected or shapes:
        raise CheckpointError(mismatch(path, missing, unexpected, shapes))


def mismatch(
    path: Path, missing: Iterable[str], unexpected: Iterable[str], shapes: Iterable[str] = ()
) -> str:
    """A message that names the first tensors that do not fit."""
    parts = []
    for title, names in (("lacks", missing), ("has unknown", unexpected), ("differs:", shapes)):
        names = list(names)
        if names:
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            parts.append(f"{title} {', '.join(names[:2])}{more}")
    return f"{path} does not fit the model it should be: it {'; '.join(parts)}."
