"""Errors whose message a user can act on. Command line and panel show the message alone."""

from __future__ import annotations

import unicodedata

# Control characters, halves of characters, and line ends that terminals take for their own.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Marks that turn the reading direction, so that a name looks like another one.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: object) -> str:
    """Text with its control characters written out (``\\x1b``); line breaks and tabs stay."""
    return "".join(c if _harmless(c) else _written_out(c) for c in str(text))


class MasamError(Exception):
    """Something the user can put right; the message says what was expected and received.

    It may repeat what a file of others holds, so it is always :func:`plain`.
    """

    def __str__(self) -> str:
        return plain(super().__str__())


class ConfigError(MasamError):
    """A setting or a model configuration that makes no sense."""


class NeedsPyTorch(ConfigError):
    """A model, a device or a precision that PyTorch alone computes, which is not installed.

    Attributes:
        code: the word that the worker says it by.
        advice: what its message ends with; for a front end that has a button for it to leave out.
    """

    code = "pytorch"
    advice = (
        "Install it with: python -m pip install torch (in 3D Slicer: 'Add PyTorch ...' in MASAM's "
        "panel, under Advanced)"
    )


class VolumeError(MasamError):
    """An image that can't be read or used."""


class TooSlow(VolumeError):
    """An image whose reading was given up after a limit of time."""


class BoxError(MasamError):
    """A box, or another prompt, that is none or lies outside the volume."""


class IntensityError(MasamError):
    """Image values that can't be brought to the range the network needs."""


class CheckpointError(MasamError):
    """A weight file that is damaged, is something else, or does not fit."""


class DownloadError(MasamError):
    """A download that failed or whose content is not what was promised."""


class DeviceMemoryError(MasamError):
    """The computing device's memory is too small for the job."""


class SegmentationError(MasamError):
    """A mask that can't be built, read or written."""


class WriteError(MasamError, OSError):
    """A file that can't be written whole; what was there before is there still."""


class PacsError(MasamError):
    """A PACS that can't be reached, refuses, or answers by halves."""


class Cancelled(Exception):
    """The user cancelled."""


def _harmless(character: str) -> bool:
    if character in "\n\t":
        return True
    return character not in _TURNING and unicodedata.category(character) not in _UNPRINTABLE


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
