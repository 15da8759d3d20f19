"""Images of a series as one grid: their order by position, and everything that makes them none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.dicom.headers import Frame
from masam_core.image.formats.dicom.tilt import FEWEST, MOST_DEGREES, Tilt
from masam_core.image.geometry import Geometry
from masam_core.image.squared import SHARE

# Gaps that differ by more than this share of the usual one are a missing or doubled slice.
UNEVEN = 0.1
# Images closer than this share of the usual gap lie at one position.
SAME_PLACE = 0.01
# Images turned by more than this against the rest are no part of the volume (a localizer).
OTHER_PLANE_DEGREES = 10.0
# As many of them are left out, with a word; with more it is not clear what the volume is.
MOST_LEFT_OUT = 0.2


@dataclass(frozen=True, eq=False)
class Slice:
    """An image that says where it lies; see :class:`Frame` for the parts."""

    frame: Frame
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: tuple[float, float]

    @property
    def file(self) -> str:
        """File name, for messages."""
        return self.frame.path.name

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.frame.pixels.rows, self.frame.pixels.columns


@dataclass(frozen=True, eq=False)
class Stack:
    """Images that make a regular grid.

    Attributes:
        frames: feet or the like first.
        geometry: the grid; of a tilted series as if each image lay straight over the one before.
        tilt: how the images of a tilted series lie; None for all others.
        notes: on what was left out.
    """

    frames: list[Frame]
    geometry: Geometry
    tilt: Tilt | None
    notes: tuple[str, ...]


def arrange(frames: Sequence[Frame], what: str) -> Stack:
    """Put a series' images in order along their normal.

    Args:
        frames: images of one series, in any order.
        what: the series, for messages.

    Raises:
        VolumeError: images that make no regular grid: no position, several orientations, sizes or
            spacings, several images at one position, slices that are shifted unevenly against each
            other, or that are missing.
    """
    for frame in frames:
        if frame.fault:
            raise VolumeError(f"{frame.path} is damaged: {frame.fault}. Export the series again.")
    some, notes = _without_localizers(list(frames), what)
    kept, more = _in_one_plane(_slices(some, what), what)
    _require_one_size(kept, what)
    first = kept[0]
    row, column = first.orientation
    normal = np.cross(row, column)
    places = np.array([s.position @ normal for s in kept])
    order = np.argsort(places, kind="stable")
    kept = [kept[n] for n in order]
    gap = _even_gap(kept, places[order], what)
    step = _step_within(kept, what)
    shape = (len(kept), *first.size)
    spacing = (first.spacing[1], first.spacing[0], gap)
    direction = np.column_stack([row, column, normal])
    geometry = Geometry.from_spacing(shape, spacing, kept[0].position, direction)
    tilt = None if step is None else Tilt.of(geometry, step)
    if tilt is not None and tilt.degrees > MOST_DEGREES:
        raise VolumeError(
            f"{what}: each slice is shifted against the one before, which would be a gantry tilt "
            f"of {tilt.degrees:.0f} degrees; no gantry tilts that far. Its positions are damaged: "
            "export the series again."
        )
    return Stack([s.frame for s in kept], geometry, tilt, (*notes, *more))


def _without_localizers(frames: list[Frame], what: str) -> tuple[list[Frame], tuple[str, ...]]:
    others = [f for f in frames if "LOCALIZER" not in f.image_type]
    out = len(frames) - len(others)
    if not out or out > MOST_LEFT_OUT * len(frames):
        return frames, ()
    return others, (f"{what}: {_count(out, 'localizer image')} among the slices was left out.",)


def _slices(frames: list[Frame], what: str) -> list[Slice]:
    """The images with their places; refuses those that leave one open."""
    tags = {
        "where it lies (Image Position Patient)": "position",
        "how it is turned (Image Orientation Patient)": "orientation",
        "how large its pixels are (Pixel Spacing)": "spacing",
    }
    for words, name in tags.items():
        silent = [f for f in frames if getattr(f, name) is None]
        if silent:
            number = f"{len(silent)} of {len(frames)} images" if len(frames) > 1 else "the image"
            raise VolumeError(
                f"{what}: {number} ({silent[0].path.name}) can't be placed: the file does not say "
                f"{words}. Without it the outline would be at the wrong place or of the wrong "
                "size. Export the original series, not a screen capture or a copy without geometry."
            )
    return [
        Slice(f, f.position, f.orientation, f.spacing)
        for f in frames
        if f.position is not None and f.orientation is not None and f.spacing is not None
    ]


def _in_one_plane(slices: list[Slice], what: str) -> tuple[list[Slice], tuple[str, ...]]:
    """Keep the images of the most frequent orientation."""
    groups: list[list[Slice]] = []
    for one in slices:
        for group in groups:
            if _turned_pixels(group[0], one) <= SHARE:
                group.append(one)
                break
        else:
            groups.append([one])
    groups.sort(key=len, reverse=True)
    if len(groups) == 1:
        return slices, ()
    main, others = groups[0], [f for g in groups[1:] for f in g]
    angles = [_degrees(main[0], f) for f in others]
    if min(angles) >= OTHER_PLANE_DEGREES and len(others) <= MOST_LEFT_OUT * len(slices):
        return main, (
            f"{what}: {_count(len(others), 'image')} in another plane (a localizer, "
            f"{others[0].file}) was left out of {len(slices)}.",
        )
    raise VolumeError(
        f"{what}: its {len(slices)} images are turned against each other, by up to "
        f"{max(angles):.2f} degrees ({_count(len(groups), 'orientation')}; e.g. "
        f"{main[0].file} and {others[0].file}). They make no volume: choose a series of "
        "parallel slices, or export this one again."
    )


def _require_one_size(slices: list[Slice], what: str) -> None:
    first = slices[0]
    size = first.size
    for one in slices:
        other = one.size
        if other != size:
            raise VolumeError(
                f"{what}: its images differ in size: {size[1]} x {size[0]} pixels "
                f"({first.file}), {other[1]} x {other[0]} ({one.file}). Export one "
                "volume with slices of one size."
            )
        apart = np.abs(np.subtract(one.spacing, first.spacing)) / first.spacing * size
        if apart.max() > SHARE:
            raise VolumeError(
                f"{what}: its images differ in pixel spacing: {_mm(first.spacing)} "
                f"({first.file}), {_mm(one.spacing)} ({one.file}). Export one volume "
                "with slices of one spacing."
            )


def _even_gap(slices: list[Slice], places: NDArray[np.float64], what: str) -> float:
    """Distance of neighbouring slices in mm, the same for all; places ascend."""
    count = len(slices)
    if count == 1:
        depth = slices[0].frame.depth
        if depth is None:
            raise VolumeError(
                f"{what}: it is a single image that does not say how thick its slice is. MASAM "
                "needs a volume (a stack of slices)."
            )
        return depth
    gaps = np.diff(places)
    extent = places[-1] - places[0]
    pixel = min(slices[0].spacing)
    if extent <= SAME_PLACE * pixel:
        raise VolumeError(
            f"{what}: all {count} images lie at one position{_phases(slices)}. A volume needs "
            "slices at several positions."
        )
    distinct = gaps > SAME_PLACE * float(gaps.max())
    if not distinct.all():
        number = int(distinct.sum()) + 1
        raise VolumeError(
            f"{what}: its {count} images lie at only {number} positions, several at one"
            f"{_phases(slices)}. Export one volume (one phase, echo or time point) as a series of "
            "its own."
        )
    usual = float(np.median(gaps))
    wrong = np.flatnonzero(np.abs(gaps - usual) > UNEVEN * usual)
    if len(wrong):
        n = int(wrong[0])
        raise VolumeError(
            f"{what}: the slices do not lie evenly: usually {usual:.2f} mm apart, but "
            f"{gaps[n]:.2f} mm between slices {n + 1} and {n + 2} of {count} "
            f"({slices[n].file}, {slices[n + 1].file}). A slice is missing or doubled; "
            "export the series again."
        )
    even = float(extent / (count - 1))
    off = np.abs(places - (places[0] + even * np.arange(count))) / even
    if off.max() > SHARE:
        n = int(off.argmax())
        raise VolumeError(
            f"{what}: the slices do not lie evenly: slice {n + 1} of {count} is "
            f"{off[n]:.2f} slices away from where an even stack would have it. Resample the series "
            "to even slices first."
        )
    return even


def _step_within(slices: list[Slice], what: str) -> NDArray[np.float64] | None:
    """Shift of each slice against the one before, within their plane.

    Returns:
        (3,) mm, LPS; None where they lie straight over each other.

    Raises:
        VolumeError: they are shifted unevenly, or are too few to tell.
    """
    first = slices[0]
    positions = np.array([s.position for s in slices]) - first.position
    # Along a row the pixels are columns' spacing apart, along a column the rows'.
    shifts = positions @ first.orientation.T
    pixels = np.abs(shifts) / np.array([first.spacing[1], first.spacing[0]])
    if pixels.max() <= SHARE:
        return None
    steps = np.arange(len(slices))[:, None]
    slope = shifts[-1] / max(1, len(slices) - 1)
    off = np.abs(shifts - steps * slope) / first.spacing[::-1]
    if off.max() <= SHARE and len(slices) >= FEWEST:
        return np.asarray(slope @ first.orientation)
    n = int(pixels.max(axis=1).argmax())
    raise VolumeError(
        f"{what}: its slices drift within their plane, by up to "
        f"{float(np.linalg.norm(shifts[n])):.2f} mm ({slices[n].file} against "
        f"{first.file}). They make no regular grid; resample the series first, or export it "
        "again."
    )


def _turned_pixels(one: Slice, other: Slice) -> float:
    """How far apart two orientations put the last pixel of a slice, in pixels."""
    apart = np.linalg.norm(one.orientation - other.orientation, axis=1)
    return float((apart * one.size[::-1]).max())


def _degrees(one: Slice, other: Slice) -> float:
    apart = np.linalg.norm(one.orientation - other.orientation, axis=1).max()
    return float(np.degrees(2 * np.arcsin(min(1.0, apart / 2))))


def _phases(slices: Sequence[Slice]) -> str:
    """What the images differ in, in brackets; nothing where no tag says."""
    for words in dict.fromkeys(w for s in slices for w in s.frame.phases):
        values = list(dict.fromkeys(s.frame.phases.get(words, "none") for s in slices))
        if 1 < len(values) <= len(slices):
            shown = ", ".join(values[:4]) + (", ..." if len(values) > 4 else "")
            return f" (they differ in {words}: {shown})"
    return ""


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _mm(spacing: tuple[float, float]) -> str:
    return f"{spacing[1]:.4g} x {spacing[0]:.4g} mm"
