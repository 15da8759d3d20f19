"""What DICOM files say of each of their images, classic (one a file) or enhanced (many)."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PREAMBLE = 128
# Files without the preamble begin with group 8 (identifying), element 0, 1, 5, 8 ..., explicit or
# implicit little endian.
BARE_START = b"\x08\x00"
# Or with group 2, which tells of the file: element 0, 1 or 2, a representation of two letters.
BARE_META = re.compile(rb"\x02\x00[\x00-\x02]\x00[A-Z]{2}")
MOST_FRAMES = 100_000
SEGMENTATION = "SEG"
# Tags that tell images at one position apart, and what people call them.
PHASES = {
    "AcquisitionNumber": "acquisition",
    "TemporalPositionIdentifier": "time point",
    "TemporalPositionIndex": "time point",
    "EchoTime": "echo time",
    "DiffusionBValue": "b-value",
    "TriggerTime": "trigger time",
    "AcquisitionTime": "acquisition time",
    "ImageType": "image type",
}


@dataclass(frozen=True)
class Pixels:
    """How a file stores its voxels (DICOM PS3.5, section 8).

    Attributes:
        rows, columns, frames: their number.
        allocated, stored, high: bits a voxel, bits used, the highest of these.
        signed: two's complement.
        samples: values a voxel.
        photometric: MONOCHROME1, MONOCHROME2, RGB, ...
    """

    rows: int
    columns: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    samples: int
    photometric: str


@dataclass(frozen=True, eq=False)
class Frame:
    """One image.

    Attributes:
        path, index: file, and number of the frame in it.
        series, modality, description: of the series.
        pixels: how they are stored.
        position: (3,) LPS mm of the first pixel's centre, or None where the file does not say.
        orientation: (2, 3) unit vectors along a row and along a column, or None.
        spacing: mm between rows and between columns, or None.
        depth: mm from slice to slice as the file has it, for a single slice.
        slope, intercept: of the values.
        image_type: DICOM's words, among them LOCALIZER.
        phases: what tells images at one position apart.
        instance: unique id of the image, as the file has it.
        kind: SOPClassUID.
        whole: id of the image of which the file is a part (a concatenation); "" for most.
        part, parts: number of the file in it, from 1, and how many there are (0: not said).
        fault: what is wrong with the file, in words; "" where nothing is.
    """

    path: Path
    index: int
    series: str
    modality: str
    description: str
    pixels: Pixels
    position: NDArray[np.float64] | None
    orientation: NDArray[np.float64] | None
    spacing: tuple[float, float] | None
    depth: float | None
    slope: float
    intercept: float
    image_type: tuple[str, ...]
    phases: dict[str, str]
    instance: str
    kind: str
    whole: str
    part: int
    parts: int
    fault: str


class _Fault(ValueError):
    """A tag that says nothing sensible."""


def looks_like_dicom(head: bytes) -> bool:
    """Tell by DICOM's magic, or by how files without a preamble begin."""
    if head[PREAMBLE : PREAMBLE + 4] == b"DICM" or BARE_META.match(head):
        return True
    return head.startswith(BARE_START) and len(head) > 16 and head[3] == 0 and head[2] <= 0x18


def open_dataset(path: Path, pixels: bool) -> Dataset:
    """Read a file's tags.

    Args:
        path: of the file.
        pixels: whether the voxels, too.

    Raises:
        VolumeError: damaged, or pydicom is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise VolumeError(
            "Reading DICOM needs the Python package pydicom (pip install pydicom)."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(str(path), stop_before_pixels=not pixels, force=True)
    except Exception as error:  # pydicom raises what it likes on damaged files
        raise VolumeError(
            f"{path} is damaged: it can't be read as DICOM ({_short(error)}). Export it again."
        ) from error


def read_frames(path: Path) -> list[Frame]:
    """Every image of a file; none where it holds no image (a report, a plan, a directory).

    Raises:
        VolumeError: damaged.
    """
    dataset = open_dataset(path, pixels=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _frames(path, dataset)
        except VolumeError:
            raise
        except Exception as error:  # as above
            raise VolumeError(
                f"{path} is damaged: its DICOM tags can't be read ({_short(error)}). Export it "
                "again."
            ) from error


def clean(value: object) -> str:
    """Text as it may be shown: no control characters, no half characters (surrogates)."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text).strip()[:200]


def _frames(path: Path, dataset: Dataset) -> list[Frame]:
    if not dataset.get("Rows") or not dataset.get("Columns"):
        _require_no_image(path, dataset)
        return []
    count = int(dataset.get("NumberOfFrames") or 1)
    shared = _first(dataset.get("SharedFunctionalGroupsSequence"))
    each = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    fault = ""
    if not 1 <= count <= MOST_FRAMES:
        fault, count = f"its Number of Frames is {count}", 1
    elif each and len(each) != count:
        fault = f"it has {count} frames, and tags for {len(each)}"
    pixels = _pixels(dataset, count)
    found = []
    for index in range(count):
        own = each[index] if index < len(each) else None
        # A classic file of many frames has one position, which is that of none but the first.
        sources = [own, shared, dataset if count == 1 or each else None]
        found.append(_frame(path, index, dataset, pixels, [s for s in sources if s], fault))
    return found


def _require_no_image(path: Path, dataset: Dataset) -> None:
    """Refuse a file that should be an image and ends before it says how large.

    Raises:
        VolumeError: its class is an image's, or not told though the file has DICOM's magic.
    """
    kind = dataset.get("SOPClassUID") or _meta(dataset).get("MediaStorageSOPClassUID")
    if "Image" in getattr(kind, "name", "") or (not kind and dataset.preamble):
        raise VolumeError(
            f"{path} is incomplete: it ends before it says how large its image is. Copy or export "
            "it again."
        )


def _meta(dataset: Dataset) -> Any:
    return getattr(dataset, "file_meta", None) or {}


def _frame(
    path: Path, index: int, dataset: Dataset, pixels: Pixels, sources: list[Any], fault: str
) -> Frame:
    values: dict[str, list[float] | None] = {}
    for keyword, group, count in (
        ("ImagePositionPatient", "PlanePositionSequence", 3),
        ("ImageOrientationPatient", "PlaneOrientationSequence", 6),
        ("PixelSpacing", "PixelMeasuresSequence", 2),
        ("SpacingBetweenSlices", "PixelMeasuresSequence", 1),
        ("SliceThickness", "PixelMeasuresSequence", 1),
        ("RescaleSlope", "PixelValueTransformationSequence", 1),
        ("RescaleIntercept", "PixelValueTransformationSequence", 1),
    ):
        values[keyword] = None
        try:
            values[keyword] = _floats(_find(sources, keyword, group), keyword, count)
        except _Fault as error:
            fault = fault or str(error)
    orientation, wrong = _orientation(values["ImageOrientationPatient"])
    position, spacing = values["ImagePositionPatient"], values["PixelSpacing"]
    if spacing is not None and min(spacing) <= 0:
        wrong = wrong or f"its PixelSpacing is {spacing[0]:g} and {spacing[1]:g} mm"
    depth = values["SpacingBetweenSlices"] or values["SliceThickness"]
    slope, intercept = values["RescaleSlope"], values["RescaleIntercept"]
    if slope is not None and slope[0] == 0:
        wrong = wrong or "its RescaleSlope is 0"
    types = dataset.get("ImageType") or ()
    return Frame(
        path=path,
        index=index,
        series=clean(dataset.get("SeriesInstanceUID")),
        modality=clean(dataset.get("Modality")),
        description=clean(dataset.get("SeriesDescription")),
        pixels=pixels,
        position=None if position is None else np.array(position),
        orientation=orientation,
        spacing=None if spacing is None else (spacing[0], spacing[1]),
        depth=abs(depth[0]) if depth and depth[0] else None,
        slope=slope[0] if slope else 1.0,
        intercept=intercept[0] if intercept else 0.0,
        image_type=tuple(clean(w) for w in ([types] if isinstance(types, str) else types)),
        phases=_phases(sources),
        instance=clean(dataset.get("SOPInstanceUID")),
        kind=clean(dataset.get("SOPClassUID") or _meta(dataset).get("MediaStorageSOPClassUID")),
        whole=clean(dataset.get("ConcatenationUID")),
        part=int(dataset.get("InConcatenationNumber") or 0),
        parts=int(dataset.get("InConcatenationTotalNumber") or 0),
        fault=fault or wrong,
    )


def _pixels(dataset: Dataset, frames: int) -> Pixels:
    allocated = int(dataset.get("BitsAllocated") or 16)
    stored = int(dataset.get("BitsStored") or allocated)
    high = dataset.get("HighBit")
    return Pixels(
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        frames=frames,
        allocated=allocated,
        stored=stored,
        high=stored - 1 if high is None else int(high),
        signed=int(dataset.get("PixelRepresentation") or 0) == 1,
        samples=int(dataset.get("SamplesPerPixel") or 1),
        photometric=clean(dataset.get("PhotometricInterpretation")) or "MONOCHROME2",
    )


def _find(sources: list[Any], keyword: str, group: str) -> object:
    """A tag's value: from the frame's own groups, else the shared ones, else the file's top."""
    for source in sources:
        holder = _first(source.get(group))
        for place in (holder, source):
            value = None if place is None else place.get(keyword)
            if value is not None and value != "":
                return value
    return None


def _floats(value: object, keyword: str, count: int) -> list[float] | None:
    if value is None or (not isinstance(value, (int, float)) and value in ("", [])):
        return None
    parts: list[Any] = [value]
    if isinstance(value, Iterable) and not isinstance(value, str):
        parts = list(value)
    shown = ", ".join(clean(p) for p in parts)[:80]
    try:
        numbers = [float(p) for p in parts]
    except (TypeError, ValueError) as error:
        raise _Fault(f"its {keyword} is '{shown}', expected {count} numbers") from error
    if len(numbers) != count or not all(math.isfinite(n) for n in numbers):
        raise _Fault(f"its {keyword} is '{shown}', expected {count} numbers")
    return numbers


def _orientation(values: list[float] | None) -> tuple[NDArray[np.float64] | None, str]:
    """Unit vectors along row and column, made exactly perpendicular; or what is wrong."""
    if values is None:
        return None, ""
    axes = np.array(values).reshape(2, 3)
    lengths = np.linalg.norm(axes, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(axes[0] @ axes[1]) > 0.01:
        shown = ", ".join(f"{v:g}" for v in values)
        return None, f"its ImageOrientationPatient ({shown}) is no two directions at right angles"
    row = axes[0] / lengths[0]
    column = axes[1] - (axes[1] @ row) * row
    return np.array([row, column / np.linalg.norm(column)]), ""


def _phases(sources: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    groups = ("FrameContentSequence", "MREchoSequence", "MRDiffusionSequence")
    for keyword, words in PHASES.items():
        for source in sources:
            places = [_first(source.get(group)) for group in groups]
            value = next((p.get(keyword) for p in (*places, source) if p and keyword in p), None)
            if value not in (None, ""):
                found.setdefault(words, clean(value))
                break
    return found


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _short(error: Exception) -> str:
    return clean(str(error).splitlines()[0] if str(error) else type(error).__name__)[:120]
