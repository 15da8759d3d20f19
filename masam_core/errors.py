"""Errors whose message a user can act on. Command line and panel show the message alone."""

from __future__ import annotations


class MasamError(Exception):
    """Something the user can put right; the message says what was expected and received."""


class ConfigError(MasamError):
    """A setting or a model configuration that makes no sense."""


class VolumeError(MasamError):
    """An image that can't be read or used."""


class TooSlow(VolumeError):
    """An image whose reading was given up after a limit of time."""


class BoxError(MasamError):
    """A box that is no box, or lies outside the volume."""


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


class Cancelled(Exception):
    """The user cancelled."""
