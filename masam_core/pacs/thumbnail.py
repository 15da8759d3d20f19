"""A small picture of a series in the PACS, by which people know it again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import PacsError, VolumeError
from masam_core.pacs.pacs import Pacs
from masam_core.pacs.records import Image

SIDE = 128  # pixels
_DARKEST, _BRIGHTEST = 1.0, 99.0  # per cent of the values, where the file names no window


def thumbnail(pacs: Pacs, study: str, series: str, side: int = SIDE) -> bytes:
    """PNG of the middle image of a series, grey, ``side`` pixels in each direction at most.

    Args:
        pacs: where it is.
        study, series: unique ids.
        side: of the picture.

    Raises:
        PacsError: the series is not there, or holds no picture; see also ``Pacs``.
    """
    images: Sequence[Image] = pacs.images(study, series)
    if not images:
        raise PacsError(f"{pacs.words} has no image of this series; it may have been deleted.")
    middle = images[len(images) // 2]
    came: list[bytes] = []
    pacs.fetch(study, series, [middle], lambda _instance, data: came.append(data), lambda: False)
    if not came:
        raise PacsError(f"{pacs.words} did not send the image that was asked for.")
    return picture_of(came[0], side)


def picture_of(file: bytes, side: int = SIDE) -> bytes:
    """PNG of a DICOM file's (middle) image; see :func:`thumbnail`.

    Raises:
        PacsError: it holds no picture that can be drawn.
    """
    from masam_core.image.formats.dicom.headers import read_frames
    from masam_core.image.formats.dicom.pixels import read_values

    with tempfile.TemporaryDirectory(prefix="masam-") as folder:
        path = Path(folder) / "image.dcm"
        path.write_bytes(file)
        try:
            frames = read_frames(path)
            if not frames:
                raise PacsError("This series holds no images.")
            frame = frames[len(frames) // 2]
            values = read_values([frame], "the image")[0].astype(np.float64)
            spacing = frame.spacing or (1.0, 1.0)
            return _png(_grey(values, _window(path)), spacing, side, Path(folder) / "picture.png")
        except (VolumeError, RuntimeError, ValueError) as error:
            raise PacsError(f"No picture can be made of this series: {error}") from error


def _window(path: Path) -> tuple[float, float] | None:
    """Lowest and highest value that the file wants to have shown (PS3.3, C.11.2)."""
    from masam_core.image.formats.dicom.headers import open_dataset

    found = open_dataset(path, pixels=False)

    def first(name: str) -> float | None:
        value = found.get(name)
        several = value is not None and not isinstance(value, str | int | float)
        try:
            return float(value[0] if several else value)
        except (TypeError, ValueError, IndexError):
            return None

    center, width = first("WindowCenter"), first("WindowWidth")
    if center is None or width is None or width <= 0:
        return None
    return center - width / 2, center + width / 2


def _grey(values: NDArray[np.float64], window: tuple[float, float] | None) -> NDArray[np.uint8]:
    low, high = window or tuple(np.percentile(values, [_DARKEST, _BRIGHTEST]))
    span = max(high - low, 1e-9)
    return np.rint(np.clip((values - low) / span, 0, 1) * 255).astype(np.uint8)


def _png(grey: NDArray[np.uint8], spacing: tuple[float, float], side: int, path: Path) -> bytes:
    """Scale to square pixels and write."""
    import SimpleITK as sitk

    rows, columns = grey.shape
    image = sitk.GetImageFromArray(grey)
    image.SetSpacing((spacing[1], spacing[0]))
    pixel = max(rows * spacing[0], columns * spacing[1]) / side
    size = [
        max(1, round(columns * spacing[1] / pixel)),
        max(1, round(rows * spacing[0] / pixel)),
    ]
    small = sitk.Resample(
        image,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        [(pixel - s) / 2 for s in image.GetSpacing()],
        [pixel, pixel],
        image.GetDirection(),
        0.0,
    )
    small.SetSpacing((1.0, 1.0))
    sitk.WriteImage(small, str(path))
    return path.read_bytes()
