"""How far augmentation goes: what a run can be told of it."""

from __future__ import annotations

from dataclasses import dataclass

from masam_core.errors import ConfigError


@dataclass(frozen=True)
class Augmentation:
    """How far augmentation goes, where data sets differ in what they bear.

    Attributes:
        mirror: flip rows and columns. A mirrored patient has the liver on the left: not for classes
            that are told apart by their side, unless there are many patients.
        zoom: least and most magnification.
        curves: share of samples whose grey values go through a random curve, inverted ones among
            them; more where a model is to see another modality than it was trained on.
    """

    mirror: bool = True
    zoom: tuple[float, float] = (0.85, 1.2)
    curves: float = 0.2

    def __post_init__(self) -> None:
        low, high = self.zoom
        if not 0 < low <= high:
            raise ConfigError(
                f"Training: augmentation.zoom is {[low, high]}; expected the least and the most, "
                "both above 0."
            )
        if not 0 <= self.curves <= 1:
            raise ConfigError(
                f"Training: augmentation.curves is {self.curves}; expected a share, 0 to 1."
            )
