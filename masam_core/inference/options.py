"""How a box is segmented; needs no torch, so that a panel can check settings before the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from masam_core.errors import ConfigError
from masam_core.inference.extend import Extend
from masam_core.inference.quality import Quality
from masam_core.keywords import Keyword
from masam_core.lesion.cleaning_options import PostprocessOptions
from masam_core.lesion.cut import Side
from masam_core.lesion.diameter_plane import DiameterPlane
from masam_core.limits import MARGIN_MM, THRESHOLD

_POSTPROCESS = ("keep", "fill_holes", "smooth_mm")
_OWN = (
    "quality",
    "threshold",
    "margin_mm",
    "slice_axis",
    "diameter_plane",
    "extend",
    "extend_sides",
)


def axis_of(value: object) -> int | None:
    """Read a voxel axis: 0, 1, 2 or i, j, k in upper or lower case; None stays None.

    Raises:
        ConfigError: anything else.
    """
    if isinstance(value, str) and value.lower() in ("i", "j", "k"):
        return "ijk".index(value.lower())
    if value is None or (type(value) is int and value in (0, 1, 2)):
        return value
    raise ConfigError(f"The slice axis is {value!r}; expected i, j or k (0, 1 or 2).")


@dataclass(frozen=True)
class SegmentOptions:
    """How a box is segmented.

    Attributes:
        quality: how many windows see each slice; a word will do, and becomes a member.
        threshold: probability from which a voxel belongs to the lesion, 0.05 to 0.95; None takes
            the model's.
        margin_mm: how far outside the box the mask may reach, 0 to 50.
        postprocess: cleaning of the mask.
        slice_axis: voxel axis across the slices, 0, 1 or 2 for i, j or k (the letters will do, and
            become numbers); None takes the coarsest.
        diameter_plane: in which diameters are taken; a word will do, and becomes a member.
        extend: whether a box is extended at sides that cut the lesion off; a word will do.
        extend_sides: the only sides at which it may be; words will do. None among them: all.

    Raises:
        ConfigError: an unknown quality, plane or way to extend, an axis other than i, j, k, or a
            number outside the limits in ``masam_core.limits``.
    """

    quality: Quality = Quality.BALANCED
    threshold: float | None = None
    margin_mm: float = 0.0
    postprocess: PostprocessOptions = field(default_factory=PostprocessOptions)
    slice_axis: int | None = None
    diameter_plane: DiameterPlane = DiameterPlane.AUTO
    extend: Extend = Extend.NEVER
    extend_sides: tuple[Side, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", Quality.read(self.quality, "Quality"))
        if self.threshold is not None:
            THRESHOLD.check(self.threshold)
        MARGIN_MM.check(self.margin_mm)
        object.__setattr__(self, "slice_axis", axis_of(self.slice_axis))
        object.__setattr__(self, "extend", Extend.read(self.extend, "Extend"))
        sides = tuple(Side.read(side, "A side to extend") for side in self.extend_sides)
        object.__setattr__(self, "extend_sides", sides)
        plane = DiameterPlane.read(self.diameter_plane, "The diameters' plane")
        object.__setattr__(self, "diameter_plane", plane)

    def changed(self, **settings: Any) -> SegmentOptions:
        """The same options with other values, e.g. ``changed(quality="fast", keep="all")``.

        Args:
            settings: by the names of :meth:`to_dict`; or ``postprocess`` as a whole.

        Raises:
            ConfigError: an unknown name, or a value that makes no sense.
        """
        start = replace(self, postprocess=settings.pop("postprocess", self.postprocess))
        return SegmentOptions.from_dict({**start.to_dict(), **settings}) if settings else start

    def to_dict(self) -> dict[str, Any]:
        """Flat, for JSON, messages and segment tags; sides to extend where there are some."""
        flat: dict[str, Any] = {name: getattr(self, name) for name in _OWN}
        flat |= {name: getattr(self.postprocess, name) for name in _POSTPROCESS}
        plain = {
            name: value.value if isinstance(value, Keyword) else value
            for name, value in flat.items()
        }
        # Left out where it says nothing: a worker of an earlier version does not know it.
        sides = [side.value for side in plain.pop("extend_sides")]
        return {**plain, "extend_sides": sides} if sides else plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SegmentOptions:
        """The inverse of :meth:`to_dict`; what is left out keeps its default.

        Raises:
            ConfigError: an unknown name, or a value of the wrong kind.
        """
        unknown = sorted(set(values) - {*_OWN, *_POSTPROCESS})
        if unknown:
            known = ", ".join((*_OWN, *_POSTPROCESS))
            raise ConfigError(f"Unknown setting {', '.join(unknown)}; expected {known}.")
        own = {name: values[name] for name in _OWN if name in values}
        cleaning = {name: values[name] for name in _POSTPROCESS if name in values}
        try:
            return cls(**own, postprocess=PostprocessOptions(**cleaning))
        except TypeError as error:
            raise ConfigError(f"A setting has a value of the wrong kind: {error}.") from error
