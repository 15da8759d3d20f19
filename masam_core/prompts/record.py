"""All that was asked about one lesion, so that it can be gone on with and run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from masam_core.errors import BoxError, ConfigError
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt, LinePrompt, PointPrompt, SliceBoxPrompt
from masam_core.schema import check

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry

VERSION = 1
DIGITS = 6  # of a mm


@dataclass(frozen=True, eq=False)
class PromptRecord:
    """The prompts of a lesion in the order in which they were given.

    Attributes:
        first: what the lesion began with; of a lesion that began with a mask alone, the mask's
            tight box.
        corrections: that followed, oldest first.
        started_from_mask: whether a mask was given with the first prompt or instead of it, as from
            a file or by hand; it takes that mask to run it again.
    """

    first: FirstPrompt
    corrections: tuple[Correction, ...] = ()
    started_from_mask: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "corrections", tuple(self.corrections))

    @property
    def name(self) -> str:
        """Name of the lesion, as its first prompt has it."""
        return self.first.name

    def with_corrections(self, *more: Correction) -> PromptRecord:
        """The same record with further corrections."""
        return replace(self, corrections=(*self.corrections, *more))

    def to_dict(self, geometry: Geometry) -> dict[str, Any]:
        """Give plain values for JSON, messages and segment tags; positions in LPS mm.

        Args:
            geometry: of the volume, on whose voxels a box is stated.
        """
        return {
            "version": VERSION,
            "first": first_to_dict(self.first, geometry),
            "corrections": [correction_to_dict(each) for each in self.corrections],
            "started_from_mask": self.started_from_mask,
        }

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], geometry: Geometry, source: str = "The prompts"
    ) -> PromptRecord:
        """The inverse of :meth:`to_dict`, for the volume with this geometry.

        Args:
            values: as they were written, by this version of MASAM or an earlier one.
            geometry: of the volume on which they are used.
            source: where they were read, for messages.

        Raises:
            BoxError: values that are none of a record, of a later version, or prompts that make no
                sense; begins with ``source``.
        """
        try:
            found = check(_Record, _mapping(values), source)
            version = found.get("version")
            if version is None or not 1 <= version <= VERSION:
                stated = "of no version" if version is None else f"of version {version}"
                raise BoxError(f"they are {stated}; this MASAM reads version {VERSION}.")
            first = _first(found.get("first") or {}, geometry)
            corrections = [_correction(each) for each in found.get("corrections", ())]
        except ConfigError as error:  # names the source itself
            raise BoxError(str(error)) from error
        except BoxError as error:
            raise BoxError(f"{source}: {error}") from error
        return cls(first, tuple(corrections), found.get("started_from_mask", False))


def first_to_dict(first: FirstPrompt, geometry: Geometry) -> dict[str, Any]:
    """A first prompt for JSON and messages: ``kind``, ``name`` and positions in LPS mm.

    ``box`` has ``corners_lps`` (8 x 3, in the order of BoxPrompt), ``line`` ``ends_lps`` (2 x 3)
    and, where it has one, ``across_lps`` (2 x 3), ``slice_box`` ``corners_lps`` (4 x 3), ``point``
    ``position_lps`` (3). A lesion that is tracked over time has ``tracking_uid``.
    """
    values: dict[str, Any] = {"name": first.name}
    if first.tracking_uid:
        values["tracking_uid"] = first.tracking_uid
    if isinstance(first, BoxPrompt):
        corners = geometry.lps_from_ijk(first.corners_ijk)
        return {"kind": "box", **values, "corners_lps": _rounded(corners)}
    if isinstance(first, LinePrompt):
        values = {"kind": "line", **values, "ends_lps": _rounded(first.ends_lps)}
        across = first.across_lps
        return values if across is None else {**values, "across_lps": _rounded(across)}
    if isinstance(first, SliceBoxPrompt):
        return {"kind": "slice_box", **values, "corners_lps": _rounded(first.corners_lps)}
    return {"kind": "point", **values, "position_lps": _rounded(first.position_lps)}


def first_from_dict(values: Any, geometry: Geometry) -> FirstPrompt:
    """The inverse of :func:`first_to_dict`; BoxError for values that are no prompt."""
    try:
        return _first(check(_First, _mapping(values), "The prompt"), geometry)
    except ConfigError as error:
        raise BoxError(str(error)) from error


def correction_to_dict(correction: Correction) -> dict[str, Any]:
    """A correction for JSON and messages: ``kind``, ``positive``, ``points_lps`` (n x 3, mm)."""
    return {
        "kind": correction.kind.value,
        "positive": correction.positive,
        "points_lps": _rounded(correction.points_lps),
    }


def correction_from_dict(values: Any) -> Correction:
    """The inverse of :func:`correction_to_dict`; BoxError for values that are no correction."""
    try:
        return _correction(check(_Correction, _mapping(values), "The correction"))
    except ConfigError as error:
        raise BoxError(str(error)) from error


_Point = tuple[float, float, float]


@dataclass(frozen=True)
class _First:
    kind: str = ""
    name: str = ""
    tracking_uid: str = ""
    corners_lps: tuple[_Point, ...] = ()
    ends_lps: tuple[_Point, ...] = ()
    across_lps: tuple[_Point, ...] | None = None
    position_lps: _Point | None = None


@dataclass(frozen=True)
class _Correction:
    kind: str = ""
    positive: bool = True
    points_lps: tuple[_Point, ...] = ()


@dataclass(frozen=True)
class _Record:
    version: int = 0
    first: _First | None = None
    corrections: tuple[_Correction, ...] = ()
    started_from_mask: bool = False


def _first(values: Mapping[str, Any], geometry: Geometry) -> FirstPrompt:
    kind, name = values.get("kind"), values.get("name", "")
    uid = values.get("tracking_uid", "")
    corners = np.array(values.get("corners_lps", ()), dtype=np.float64).reshape(-1, 3)
    if kind == "box":
        return BoxPrompt(geometry.ijk_from_lps(corners), name, uid)
    if kind == "line":
        return LinePrompt(values.get("ends_lps", ()), values.get("across_lps"), name, uid)
    if kind == "slice_box":
        return SliceBoxPrompt(corners, name, uid)
    if kind == "point":
        return PointPrompt(np.array(values.get("position_lps") or ()), name, uid)
    raise BoxError(
        f"the first prompt's kind is {kind!r}; expected one of box, line, slice_box, point."
    )


def _correction(values: Mapping[str, Any]) -> Correction:
    kind, points = values.get("kind", ""), values.get("points_lps", ())
    return Correction(kind, points, values.get("positive", True))


def _mapping(values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise BoxError(f"expected prompts by the names of their fields; got {values!r:.60}.")
    return values


def _rounded(points: ArrayLike) -> list[Any]:
    numbers: list[Any] = np.asarray(points, dtype=np.float64).round(DIGITS).tolist()
    return numbers
