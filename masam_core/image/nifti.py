"""Whether a NIfTI file is all there: ITK fills what is missing with zeros and says nothing."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

from masam_core.errors import VolumeError

HEADER_BYTES = 348
BLOCK = 1 << 20


def require_whole(path: Path) -> None:
    """Refuse a NIfTI-1 or NIfTI-2 file that ends before its last voxel.

    A compressed file is trusted if the length in its gzip trailer is right; otherwise it is
    decompressed to the end and counted. Header layout: nifti1.h and nifti2.h.

    Raises:
        VolumeError: bytes are missing, or the compressed stream is damaged.
    """
    packed = path.name.lower().endswith(".gz")
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            expected = _expected(file.read(540))
        if expected is None:
            return  # no header that is known here: ITK has read it, so it is another kind
        found = path.stat().st_size
        if packed:
            found = expected if _trailer(path) == expected % (1 << 32) else _count(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise VolumeError(
            f"{path} is incomplete or damaged ({error}). Copy or export it again."
        ) from error
    if found < expected:
        raise VolumeError(
            f"{path} is incomplete: {found} of {expected} bytes are there. Copy or export it again."
        )


def _expected(header: bytes) -> int | None:
    """Bytes up to the last voxel, or None where the header is none of NIfTI's in one file."""
    for order in "<>":
        if len(header) >= HEADER_BYTES and struct.unpack_from(order + "i", header)[0] == 348:
            if header[344:347] != b"n+1":
                return None  # header and image in two files
            dims = struct.unpack_from(order + "8h", header, 40)
            (bits,) = struct.unpack_from(order + "h", header, 72)
            (offset,) = struct.unpack_from(order + "f", header, 108)
            break
        if len(header) >= 540 and struct.unpack_from(order + "i", header)[0] == 540:
            dims = struct.unpack_from(order + "8q", header, 16)
            (bits,) = struct.unpack_from(order + "h", header, 14)
            (offset,) = struct.unpack_from(order + "q", header, 168)
            break
    else:
        return None
    count = math.prod(max(1, n) for n in dims[1 : 1 + max(0, dims[0])])
    return int(offset) + -(-count * bits // 8)


def _trailer(path: Path) -> int:
    """The length modulo 2^32 that the last gzip member claims (RFC 1952)."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int(struct.unpack("<I", file.read(4))[0])


def _count(path: Path) -> int:
    total = 0
    with gzip.open(path) as file:
        while block := file.read(BLOCK):
            total += len(block)
    return total
