"""DICOM files on their way: whether they are whole, and under which names they lie."""

from __future__ import annotations

import hashlib
import io
import math
import warnings
from pathlib import Path
from typing import Any

from masam_core.errors import PacsError


def file_name(instance: str) -> str:
    """A file's name that says nothing: a digest of the object's unique id."""
    return f"{digest(instance)}.dcm"


def digest(text: str) -> str:
    """Twenty letters that stand for a unique id."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def dataset_of(path: Path) -> Any:
    """Read a DICOM file that is to be sent.

    Raises:
        PacsError: it can't be read, is no DICOM file, or lacks what a PACS needs.
    """
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(path)
        lacking = [
            name
            for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
            if not found.get(name)
        ]
        syntax = found.file_meta.get("TransferSyntaxUID")
    except OSError as error:
        raise PacsError(f"{path} can't be read: {error.strerror or error}.") from error
    except Exception as error:  # pydicom raises what it likes on what is no DICOM
        raise PacsError(f"{path} is no DICOM file; a PACS takes nothing else.") from error
    if lacking or not syntax:
        what = ", ".join(lacking) or "TransferSyntaxUID"
        raise PacsError(f"{path} lacks {what}, so no PACS can take it. Export it again.")
    return found


def what_is_wrong(data: bytes, instance: str, series: str) -> str:
    """Why a received file can't be kept; empty where it is whole and the one that was asked for.

    Args:
        data: the file.
        instance: unique id of the object that was asked for.
        series: of its series.
    """
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(io.BytesIO(data))
            if found.get("SOPInstanceUID") != instance or found.get("SeriesInstanceUID") != series:
                return "it is another object than was asked for"
            syntax = found.file_meta.TransferSyntaxUID
            pixels = found.get("PixelData")
            if pixels is None or syntax.is_compressed:
                return ""
            names = ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated")
            sizes = [int(found.get(name) or 1) for name in names]
    except Exception:  # as above
        return "it can't be read as DICOM"
    expected = math.ceil(math.prod(sizes) / 8)
    return "" if len(pixels) >= expected else "it ends before its last pixel"
