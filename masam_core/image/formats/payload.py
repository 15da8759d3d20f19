"""Voxel values from a file: as they are, compressed, or as text; every byte accounted for."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.formats.base import damaged

BLOCK = 1 << 20
# Deflate makes at most 1032 bytes of one (zlib's documentation), bzip2 some 45,000,000 of 45.
DEFLATE_RATIO = 1032
BZIP2_RATIO = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
GZIP_BITS, ZLIB_OR_GZIP_BITS = 31, 47  # zlib's codes for what header a stream has
MOST_DIGITS = 64  # bytes that a value as text may take, with the blanks after it
# What a compressed stream may hold beyond its image before it is given up.
MOST_BEYOND = 64 << 20


def read_plain(path: Path, offset: int, expected: int) -> bytearray:
    """Bytes of an uncompressed file from an offset.

    Raises:
        VolumeError: it ends before the last of them.
    """
    total, found = offset + expected, path.stat().st_size
    if found < total:
        raise VolumeError(
            f"{path} is incomplete: {found} of {total} bytes are there. Copy or export it again."
        )
    with path.open("rb") as file:
        file.seek(offset)
        values = bytearray(expected)
        found = file.readinto(values)
    if found < expected:
        raise VolumeError(f"{path} became shorter while it was read. Copy or export it again.")
    return values


def read_packed(
    path: Path, kind: str, offset: int, expected: int, skip: int = 0, length: int | None = None
) -> bytearray:
    """Bytes out of a compressed stream, whose checksum is checked to its end.

    Args:
        path: of the file.
        kind: ``gzip`` (also of several members), ``zlib`` or ``bzip2``.
        offset: where in the file the stream begins.
        expected: bytes wanted.
        skip: bytes before them, inside the stream.
        length: compressed bytes, where a header says.

    Raises:
        VolumeError: damaged, too short, or a claim that the file's size can't bear.
    """
    total = skip + expected
    there = path.stat().st_size - offset
    if length is not None and there < length:
        raise VolumeError(
            f"{path} is incomplete: {max(0, there)} of {length} compressed bytes are there. Copy "
            "or export it again."
        )
    ratio = BZIP2_RATIO if kind == "bzip2" else DEFLATE_RATIO
    if total > (max(0, there) + 64) * ratio:
        raise VolumeError(
            f"{path} is incomplete or damaged: its header claims {total} bytes of voxels, more "
            f"than a compressed file of {path.stat().st_size} bytes can hold. Copy or export it "
            "again."
        )
    try:
        with path.open("rb") as file:
            file.seek(offset)
            found, values = _fill(_blocks(file, kind, length), skip, expected)
    except (EOFError, OSError, zlib.error, ValueError) as error:
        raise VolumeError(
            f"{path} is incomplete or damaged ({error}). Copy or export it again."
        ) from error
    if found < total:
        raise VolumeError(
            f"{path} is incomplete: {found} of {total} bytes are there. Copy or export it again."
        )
    return values


def open_head(path: Path, count: int) -> bytes:
    """First bytes of a file (of a gzip file: those inside); fewer where it is shorter or broken."""
    with path.open("rb") as file:
        head = file.read(max(count, 4096))
    if not head.startswith(GZIP_MAGIC):
        return head[:count]
    try:
        return zlib.decompressobj(GZIP_BITS).decompress(head, count)
    except zlib.error:
        return b""


def is_gzip(path: Path) -> bool:
    """Whether a file opens with gzip's magic."""
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def native(data: bytearray, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Flat array over bytes, in the machine's byte order."""
    return np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)


def read_text(path: Path, offset: int, count: int) -> bytes:
    """Text of ``count`` values, each of at least one byte.

    Raises:
        VolumeError: the rest of the file is too short for so many.
    """
    there = path.stat().st_size - offset
    if there < count:
        raise VolumeError(
            f"{path} is incomplete: {max(0, there)} bytes are there for {count} values. Copy or "
            "export it again."
        )
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(min(there, count * MOST_DIGITS))


def from_text(path: Path, text: bytes, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    """Values written as decimal text with blanks between.

    Raises:
        VolumeError: too few, or something else than numbers.
    """
    words = text.split(None, count)[:count]
    if len(words) < count:
        raise VolumeError(
            f"{path} is incomplete: {len(words)} of {count} values are there. Copy or export it "
            "again."
        )
    try:
        return np.array(words, dtype=np.float64 if dtype.kind == "f" else np.int64).astype(dtype)
    except (ValueError, OverflowError) as error:
        raise damaged(path, f"its values as text are no numbers ({str(error)[:80]})") from error


def _blocks(file: BinaryIO, kind: str, length: int | None = None) -> Iterator[bytes]:
    """Unpacked bytes of a stream; its checksum is checked when its end is reached.

    Raises:
        EOFError: it ends too early, or after the ``length`` that a header states.
    """
    if kind != "zlib":
        with gzip.GzipFile(fileobj=file) if kind == "gzip" else bz2.BZ2File(file) as stream:
            while block := stream.read(BLOCK):
                yield block
        return
    engine, taken = zlib.decompressobj(ZLIB_OR_GZIP_BITS), 0
    while data := file.read(BLOCK >> 4):
        yield engine.decompress(data)
        taken += len(data)
        if engine.eof:
            taken -= len(engine.unused_data)
            if length is not None and taken > length:
                raise EOFError(f"it has {taken} compressed bytes, its header says {length}")
            return
    raise EOFError("the compressed stream ends before its end mark")


def _fill(blocks: Iterator[bytes], skip: int, expected: int) -> tuple[int, bytearray]:
    """Bytes found in all, and the wanted ones; the stream is followed to its end."""
    # What a header claims is taken as it comes, a few times what is there already at most.
    values, at, total = bytearray(), 0, skip + expected
    for block in blocks:
        first, last = max(at, skip), min(at + len(block), total)
        if last > first:
            values += memoryview(block)[first - at : last - at]
        at += len(block)
        if at > total + MOST_BEYOND:
            raise EOFError(f"it unpacks to far more than the {total} bytes that its header claims")
    return at, values


def offset_after_lines(path: Path, offset: int, lines: int) -> int:
    """Offset at which a file goes on after some lines of text.

    Raises:
        VolumeError: it has fewer, or one that is longer than a header may be.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for _ in range(lines):
            if not file.readline(BLOCK).endswith(b"\n"):
                raise damaged(path, f"it has fewer than the {lines} lines before its voxels")
        return file.tell()
