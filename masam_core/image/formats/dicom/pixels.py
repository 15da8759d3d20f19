"""Voxels of DICOM images: stored bits to values; every frame with its own slope."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.base import require_size
from masam_core.image.formats.dicom.headers import Frame, Pixels, open_dataset

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

# What one byte of compressed pixels may stand for; JPEG 2000 of an empty slice reaches some 3000.
MOST_RATIO = 1 << 14
# Some writers fill pixels up to a block of the disk.
MOST_PADDING = 0.01
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.3"  # multi-frame, grayscale, words


def read_values(frames: Sequence[Frame], what: str) -> NDArray[Any]:
    """Values of images in their order.

    Args:
        frames: of one size.
        what: the series, for messages.

    Returns:
        (frames, rows, columns): whole numbers where every slope and intercept is whole, else
        floats, so that slopes that change from image to image keep their fractions.

    Raises:
        VolumeError: colour, damaged, or fewer pixels than the tags say.
    """
    first = frames[0].pixels
    for frame in frames:
        _require_grey(frame)
    dtype = _value_type(frames)
    size = (first.columns, first.rows, len(frames))
    require_size(frames[0].path, size, max(dtype.itemsize, first.allocated // 8))
    for path in dict.fromkeys(f.path for f in frames):
        _require_believable(path, next(f.pixels for f in frames if f.path == path))
    values = np.empty(size[::-1], dtype)
    wanted: dict[Path, list[int]] = {}
    for place, frame in enumerate(frames):
        wanted.setdefault(frame.path, []).append(place)
    for path, places in wanted.items():
        stored = stored_values(path, frames[places[0]].pixels)
        for place in places:
            frame = frames[place]
            image = stored[frame.index]
            if (frame.slope, frame.intercept) == (1, 0):
                values[place] = image
            else:
                values[place] = image * np.float64(frame.slope) + frame.intercept
    return values


def stored_values(path: Path, pixels: Pixels) -> NDArray[Any]:
    """Stored values (frames, rows, columns), without slope and intercept.

    Raises:
        VolumeError: see :func:`read_values`.
    """
    dataset = open_dataset(path, pixels=True)
    data, syntax = _pixels_and_syntax(path, dataset)
    try:
        encapsulated = syntax is not None and syntax.is_encapsulated
    except ValueError as error:
        raise VolumeError(
            f"{path} is encoded in a way of its maker's own ({syntax}), which is not read. Export "
            "it uncompressed."
        ) from error
    if syntax is not None and encapsulated:
        return _decompress(path, dataset, pixels, syntax)
    count = pixels.frames * pixels.rows * pixels.columns
    expected = count * pixels.allocated // 8
    if len(data) < expected:
        raise VolumeError(
            f"{path} is incomplete: {len(data)} of {expected} bytes of pixels are there. Copy or "
            "export it again."
        )
    if len(data) > expected * (1 + MOST_PADDING) + 1:  # one byte makes an odd length even
        raise VolumeError(
            f"{path} contradicts itself: it holds {len(data)} bytes of pixels, and its tags "
            f"({pixels.frames} x {pixels.rows} x {pixels.columns} of {pixels.allocated} bits) say "
            f"{expected}. Export it again."
        )
    order = ">" if syntax is not None and not syntax.is_little_endian else "<"
    kind = f"{'i' if pixels.signed else 'u'}{pixels.allocated // 8}"
    array = np.frombuffer(data, np.dtype(order + kind), count).astype(kind)
    # Bits beyond the stored ones may hold overlays: shift them out, and the sign with it.
    array <<= pixels.allocated - 1 - pixels.high
    array >>= pixels.allocated - pixels.stored
    return array.reshape(pixels.frames, pixels.rows, pixels.columns)


def _pixels_and_syntax(path: Path, dataset: Dataset) -> tuple[bytes, UID | None]:
    """Stored bytes, and how they are encoded; None where the file does not say."""
    from pydicom.uid import UID

    try:
        data = dataset.get("PixelData")
        meta = getattr(dataset, "file_meta", None)
        named = meta.get("TransferSyntaxUID") if meta is not None else None
    except Exception as error:  # pydicom reads a tag when it is asked for, and raises what it likes
        raise VolumeError(
            f"{path} is damaged: its pixels can't be read as DICOM. Export it again."
        ) from error
    if not data:
        raise VolumeError(f"{path} is incomplete: it holds no pixels. Export it again.")
    if not isinstance(data, (bytes, bytearray)):  # a damaged tag says that they are something else
        raise VolumeError(f"{path} is damaged: its pixels are no bytes. Export it again.")
    return bytes(data), UID(str(named)) if named else None


def _require_grey(frame: Frame) -> None:
    pixels = frame.pixels
    if pixels.samples != 1 or not pixels.photometric.startswith("MONOCHROME"):
        raise VolumeError(
            f"{frame.path} is a colour image ({pixels.photometric}, {pixels.samples} values per "
            "voxel). MASAM needs grey values: choose the original series."
        )
    whole = pixels.allocated in (8, 16, 32)
    if not (whole and 0 < pixels.stored <= pixels.high + 1 <= pixels.allocated):
        raise VolumeError(
            f"{frame.path} is no image that is read: {pixels.allocated} bits a voxel, of which "
            f"{pixels.stored} up to bit {pixels.high} are used; expected 8, 16 or 32."
        )


def _require_believable(path: Path, pixels: Pixels) -> None:
    """Refuse a size that the file's own size can't bear, before memory is taken for it."""
    claimed = pixels.frames * pixels.rows * pixels.columns * pixels.allocated // 8
    there = path.stat().st_size
    if claimed > there * MOST_RATIO:
        raise VolumeError(
            f"{path} is incomplete or damaged: it claims {pixels.frames} x {pixels.rows} x "
            f"{pixels.columns} voxels, more than a file of {there} bytes can hold."
        )


def _value_type(frames: Sequence[Frame]) -> np.dtype[Any]:
    """The smallest type for all values that the stored bits, slopes and intercepts allow."""
    if not all(f.slope.is_integer() and f.intercept.is_integer() for f in frames):
        wide = max(f.pixels.stored for f in frames) > 16
        return np.dtype(np.float64 if wide else np.float32)
    ends = []
    for frame in frames:
        bits = frame.pixels.stored
        low, high = (
            (-(1 << bits - 1), (1 << bits - 1) - 1) if frame.pixels.signed else (0, (1 << bits) - 1)
        )
        ends += [int(v * frame.slope + frame.intercept) for v in (low, high)]
    for candidate in (np.uint8, np.int16, np.uint16, np.int32, np.int64):
        limits = np.iinfo(candidate)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return np.dtype(candidate)
    return np.dtype(np.float64)


def _decompress(path: Path, dataset: Dataset, pixels: Pixels, syntax: UID) -> NDArray[Any]:
    """Have GDCM (in SimpleITK) decode compressed pixels.

    It is given a plain image of nothing but these pixels: what it makes of slopes, positions and
    functional groups plays no part.
    """
    import SimpleITK as sitk
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = UID(SECONDARY_CAPTURE)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    plain = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    plain.SOPClassUID = UID(SECONDARY_CAPTURE)
    plain.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    plain.NumberOfFrames = pixels.frames
    for keyword in (
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelData",
    ):
        if keyword in dataset:
            plain[keyword] = dataset[keyword]
    plain["PixelData"].is_undefined_length = True
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pixels.dcm"
        try:
            plain.save_as(str(file))
            image = sitk.ReadImage(str(file), imageIO="GDCMImageIO")
        except Exception as error:  # GDCM's words are of no use to a person
            raise VolumeError(
                f"{path} can't be decompressed ({syntax.name}): it is "
                "damaged, incomplete, or of a compression that is not read. Export it again, "
                "uncompressed."
            ) from error
    array = sitk.GetArrayFromImage(image)
    shape = (pixels.frames, pixels.rows, pixels.columns)
    if array.size != np.prod(shape):
        raise VolumeError(
            f"{path} is incomplete: it decompresses to {array.shape}, expected {shape}. Export it "
            "again."
        )
    return array.reshape(shape)
