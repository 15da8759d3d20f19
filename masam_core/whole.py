"""Whether a file that was just written is all there, told from its bytes.

Writers such as ITK's don't report a full disk. Each check here follows the format's own account of
itself (lengths, checksums, the end of a compressed stream) and knows nothing of the writer.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20
# NRRD's names of its types without sign, "int" at the end of a longer one and "_t".
_NRRD_BYTES = {
    **dict.fromkeys(("int8", "uint8", "char", "uchar"), 1),
    **dict.fromkeys(("int16", "uint16", "short", "ushort"), 2),
    **dict.fromkeys(("int32", "uint32", "int", "uint", "float"), 4),
    **dict.fromkeys(("int64", "uint64", "long long", "longlong", "ulonglong", "double"), 8),
}
_META_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "FLOAT": 4, "LONG_LONG": 8, "DOUBLE": 8}


class Incomplete(OSError):
    """A file that ends too early, or whose bytes do not match their checksum."""


def require_whole(path: Path) -> None:
    """Check a file by what its ending says that it is; other endings are not looked into.

    Raises:
        Incomplete: bytes are missing or changed.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        require_whole_stream(file, path.name)


def require_whole_stream(file: BinaryIO, name: str) -> None:
    """Check an open, seekable file, such as a member of an archive; see :func:`require_whole`."""
    lower = name.lower()
    for endings, check in _CHECKS:
        if lower.endswith(endings):
            try:
                check(file)
            except Incomplete:
                raise
            except (EOFError, ValueError, KeyError, struct.error, zlib.error) as error:
                raise Incomplete(f"its bytes are damaged ({error})") from error
            except (gzip.BadGzipFile, zipfile.BadZipFile) as error:
                raise Incomplete(f"its bytes are damaged ({error})") from error
            return


def _size(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise Incomplete(f"{found:,} of {expected:,} bytes are there")


def _inflated(file: BinaryIO, wbits: int) -> int:
    """Length of the compressed stream that begins here, read to its end and its checksum."""
    inflater = zlib.decompressobj(wbits)
    total = 0
    while not inflater.eof:
        block = file.read(BLOCK)
        if not block:
            raise Incomplete("its compressed stream has no end")
        total += len(inflater.decompress(block))
    return total


def _nifti_bytes(header: bytes) -> int:
    """Length of a NIfTI-1 file in one piece (nifti1.h), which is what is written here."""
    (order,) = [o for o in "<>" if struct.unpack_from(f"{o}i", header)[0] == 348]
    dims = struct.unpack_from(f"{order}8h", header, 40)
    (bits,) = struct.unpack_from(f"{order}h", header, 72)
    (offset,) = struct.unpack_from(f"{order}f", header, 108)
    return int(offset) + math.prod(dims[1 : 1 + dims[0]]) * bits // 8


def _nifti(file: BinaryIO) -> None:
    _expect(_size(file), _nifti_bytes(file.read(348)))


def _nifti_gz(file: BinaryIO) -> None:
    with gzip.open(file) as packed:
        expected = _nifti_bytes(packed.read(348))
        found = 348
        while block := packed.read(BLOCK):
            found += len(block)
    _expect(found, expected)


def _nrrd(file: BinaryIO) -> None:
    fields: dict[str, str] = {}
    for line in iter(file.readline, b"\n"):
        if not line.endswith(b"\n"):
            raise Incomplete("its header has no end")
        name, colon, value = line.decode("utf-8").partition(":")
        if colon:
            fields.setdefault(name, value.strip())
    count = math.prod(int(n) for n in fields["sizes"].split())
    kind = fields["type"].removeprefix("unsigned ").removeprefix("signed ").removesuffix("_t")
    size = _NRRD_BYTES.get(kind) or _NRRD_BYTES.get(kind.removesuffix(" int"))
    if size is None:  # in an archive of another program: there is nothing to compare with
        return
    expected = count * size
    if fields["encoding"] in ("gzip", "gz"):
        _expect(_inflated(file, 31), expected)
    elif fields["encoding"] == "raw":
        _expect(_size(file) - file.tell(), expected)


def _meta_image(file: BinaryIO) -> None:
    fields: dict[str, str] = {}
    while "ElementDataFile" not in fields:
        line = file.readline()
        if not line.endswith(b"\n"):
            raise Incomplete("its header has no end")
        name, _, value = line.decode("utf-8", "replace").partition("=")
        fields[name.strip()] = value.strip()
    kind = fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY")
    expected = math.prod(int(n) for n in fields["DimSize"].split())
    expected *= _META_BYTES[kind.removeprefix("U")] * int(
        fields.get("ElementNumberOfChannels", "1")
    )
    if fields.get("CompressedData") == "True":
        _expect(_inflated(file, 15), expected)
    else:
        _expect(_size(file) - file.tell(), expected)


def _png(file: BinaryIO) -> None:
    if file.read(8) != b"\x89PNG\r\n\x1a\n":
        raise Incomplete("it is no picture")
    kind = b""
    while kind != b"IEND":
        head = file.read(8)
        if len(head) < 8:
            raise Incomplete("its last part is missing")
        length, kind = struct.unpack(">I4s", head)
        data, (checksum,) = file.read(length), struct.unpack(">I", file.read(4))
        if zlib.crc32(kind + data) != checksum:
            raise Incomplete("a checksum differs")


def _zip(file: BinaryIO) -> None:
    with zipfile.ZipFile(file) as packed:
        for entry in packed.infolist():
            with packed.open(entry) as inside:
                # Slicer's scene: what is inside may have been cut off before it was packed.
                if entry.filename.lower().endswith(_IN_ARCHIVES):
                    require_whole_stream(io.BytesIO(inside.read()), entry.filename)
                while inside.read(BLOCK):  # to the end, where the checksum is compared
                    pass


def _safetensors(file: BinaryIO) -> None:
    import json

    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    ends = [item["data_offsets"][1] for name, item in header.items() if name != "__metadata__"]
    _expect(_size(file), 8 + length + max(ends, default=0))


def _npy(file: BinaryIO) -> None:
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    _expect(_size(file) - file.tell(), math.prod(shape) * dtype.itemsize)


_IN_ARCHIVES = (".nrrd", ".nii.gz", ".mha", ".png")
_CHECKS: list[tuple[tuple[str, ...], Callable[[BinaryIO], None]]] = [
    ((".nii.gz",), _nifti_gz),
    ((".nii",), _nifti),
    ((".nrrd",), _nrrd),
    ((".mha",), _meta_image),
    ((".png",), _png),
    ((".zip", ".mrb", ".npz", ".ckpt", ".pth", ".pt"), _zip),
    ((".safetensors",), _safetensors),
    ((".npy",), _npy),
]
