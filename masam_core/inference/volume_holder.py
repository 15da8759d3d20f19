"""What every segmenter of boxes does with its volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masam_core.errors import ConfigError

if TYPE_CHECKING:
    from masam_core.image.volume import Volume


class VolumeHolder:
    """Keeps the volume for the boxes to come; a subclass sets ``_volume``."""

    _volume: Volume | None = None

    @property
    def volume(self) -> Volume:
        """The volume that was set; ConfigError before that."""
        if self._volume is None:
            raise ConfigError("Choose a volume before asking for a segmentation.")
        return self._volume

    def forget_volume(self) -> None:
        """Let go of the volume; what was computed of it may be kept."""
        self._volume = None
