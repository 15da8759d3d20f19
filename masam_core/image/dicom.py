"""DICOM series folders: choose the series, order the slices, notice a missing one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from masam_core.errors import VolumeError

MODALITY = "0008|0060"
DESCRIPTION = "0008|103e"
POSITION = "0020|0032"
ORIENTATION = "0020|0037"
# Gaps that differ by more than this share of the median are a missing or doubled slice.
UNEVEN = 0.1


def read_series(path: Path, series: str | None = None) -> tuple[sitk.Image, str | None]:
    """Read a DICOM series as a volume.

    Args:
        path: folder, or one file of the series.
        series: SeriesInstanceUID, needed where the folder holds several.

    Returns:
        The image, and the modality (CT, MR, ...).

    Raises:
        VolumeError: no DICOM, several series to choose from, an unknown series, slices that are
            missing or lie unevenly.
    """
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise VolumeError(f"There is nothing at {path}.")
    reader = sitk.ImageSeriesReader()
    found = list(reader.GetGDCMSeriesIDs(str(folder)))
    if not found:
        raise VolumeError(
            f"The folder {folder} holds no DICOM image series. Give the folder that directly holds "
            "the slices."
        )
    if path.is_file() and series is None:
        matching = [s for s in found if str(path) in reader.GetGDCMSeriesFileNames(str(folder), s)]
        series = matching[0] if matching else None
    if series is not None and series not in found:
        raise VolumeError(f"The folder {folder} has no series {series}; it has {', '.join(found)}.")
    if series is None and len(found) > 1:
        listing = "; ".join(f"{s} ({_describe(reader, folder, s)})" for s in found)
        raise VolumeError(
            f"The folder {folder} holds {len(found)} series. Choose one by its UID, or keep one "
            f"series a folder: {listing}"
        )
    chosen = series or found[0]
    files = list(reader.GetGDCMSeriesFileNames(str(folder), chosen))
    _require_even_slices(files)
    reader.SetFileNames(files)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise VolumeError(
            f"The DICOM series in {folder} can't be read; a slice may be damaged or of another "
            "size than the rest."
        ) from error
    return image, _tags(files[0]).get(MODALITY)


def list_series(folder: Path) -> list[tuple[str, str]]:
    """The image series directly in a folder: UID, and words for people; most slices first."""
    reader = sitk.ImageSeriesReader()
    found = []
    for series in reader.GetGDCMSeriesIDs(str(folder)):
        count = len(reader.GetGDCMSeriesFileNames(str(folder), series))
        found.append((count, series, _describe(reader, folder, series)))
    found.sort(key=lambda row: (-row[0], row[2]))
    return [(series, words) for _, series, words in found]


def _require_even_slices(files: list[str]) -> None:
    """Compare the distances of neighbouring slices along the series' normal."""
    if len(files) < 3:
        return
    tags = [_tags(f) for f in files]
    if any(POSITION not in t or ORIENTATION not in t for t in tags):
        return
    axes = np.array([float(v) for v in tags[0][ORIENTATION].split("\\")])
    normal = np.cross(axes[:3], axes[3:])
    places = np.sort([np.dot([float(v) for v in t[POSITION].split("\\")], normal) for t in tags])
    gaps = np.diff(places)
    usual = float(np.median(gaps))
    wrong = np.flatnonzero(np.abs(gaps - usual) > UNEVEN * usual)
    if len(wrong):
        first = int(wrong[0])
        raise VolumeError(
            f"The slices do not lie evenly: usually {usual:.2f} mm apart, but {gaps[first]:.2f} mm "
            f"between slices {first + 1} and {first + 2} of {len(files)}. A slice is missing or "
            "doubled; export the series again."
        )


def _describe(reader: sitk.ImageSeriesReader, folder: Path, series: str) -> str:
    files = reader.GetGDCMSeriesFileNames(str(folder), series)
    tags = _tags(files[0])
    words = [tags.get(MODALITY, ""), tags.get(DESCRIPTION, ""), f"{len(files)} slices"]
    return ", ".join(w for w in words if w)


def _tags(file: str) -> dict[str, str]:
    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    reader.LoadPrivateTagsOff()
    reader.ReadImageInformation()
    wanted = (MODALITY, DESCRIPTION, POSITION, ORIENTATION)
    return {t: reader.GetMetaData(t).strip() for t in wanted if reader.HasMetaDataKey(t)}
