"""The protocol's word for each kind of error, and the way back."""

from __future__ import annotations

from masam_core.errors import (
    BoxError,
    Cancelled,
    CheckpointError,
    ConfigError,
    DeviceMemoryError,
    DownloadError,
    IntensityError,
    MasamError,
    NeedsPyTorch,
    PacsError,
    SegmentationError,
    TooSlow,
    VolumeError,
    WriteError,
)
from masam_core.worker.protocol import ProtocolError


class UnknownVolume(MasamError):
    """A request names a volume that the worker does not have (any more)."""


class UnknownRequest(MasamError):
    """A request of a type that the worker does not know."""


class VersionMismatch(MasamError):
    """The two sides speak different versions of the protocol."""


# What goes wrong on the wire, and has no counterpart in a program that computes by itself.
_OF_THE_WIRE: dict[type[Exception], str] = {
    ProtocolError: "bad_request",
    UnknownRequest: "unknown_request",
    UnknownVolume: "unknown_volume",
    VersionMismatch: "version",
    Cancelled: "cancelled",
}
# What goes wrong in the work. Of two kinds with one word the first is the one that comes back.
_OF_THE_WORK: dict[type[MasamError], str] = {
    BoxError: "box",
    VolumeError: "volume",
    IntensityError: "volume",
    TooSlow: "volume",
    CheckpointError: "model",
    DownloadError: "download",
    NeedsPyTorch: NeedsPyTorch.code,
    ConfigError: "settings",
    SegmentationError: "segmentation",
    DeviceMemoryError: "memory",
    WriteError: "writing",
    PacsError: "pacs",
}


def code_of(error: Exception) -> str:
    """The protocol's word for an error; ``internal`` for one that nobody foresaw."""
    for kind, word in (*_OF_THE_WIRE.items(), *_OF_THE_WORK.items()):
        if isinstance(error, kind):
            return word
    return "internal"


def kind_of(code: str) -> type[MasamError] | None:
    """The error that a program which computes by itself raises in such a case, if there is one."""
    return next((kind for kind, word in _OF_THE_WORK.items() if word == code), None)
