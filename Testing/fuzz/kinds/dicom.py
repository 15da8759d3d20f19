"""DICOM: series and multi-frame files, tags odd or missing, slices out of place, bytes wrong."""

from __future__ import annotations

import warnings
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from hypothesis import strategies as st

from masam_core.image.volume import Volume
from Testing.core.image.formats.dicom import making
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.kinds.images import read
from Testing.fuzz.mutate import damaged, odd_words

COUNT = 4
PIXELS = making.ARRAY[:COUNT, :6, :5]
TAGS: dict[str, tuple[Any, ...]] = {
    "ImagePositionPatient": (None, [0, 0, 0], [1, 0, 3.1], [0, 0, 1e300], [5, 0, 3], [0, 0]),
    "ImageOrientationPatient": (None, [1, 0, 0, 0, 0, -1], [1, 0, 0, 0, 0.99, 0.1], [0] * 6, [1]),
    "PixelSpacing": (None, [0, 0], [1, 1], [-1, 1], [1e-30, 1], [1.5]),
    "Rows": (0, 1, 7, 32767, 65535),
    "Columns": (0, 1, 65535),
    "NumberOfFrames": (0, 2, 4, 99999, 2147483647, -1),
    "BitsAllocated": (1, 8, 12, 32, 64, 0),
    "BitsStored": (12, 0, 17, 1),
    "HighBit": (0, 11, 31),
    "SamplesPerPixel": (3, 0),
    "PixelRepresentation": (0, 1, 2),
    "PhotometricInterpretation": ("MONOCHROME1", "RGB", "", None),
    "RescaleSlope": (0, 0.5, 1e30, -1, None),
    "RescaleIntercept": (-1024, 0.25, 1e300, None),
    "Modality": ("MR", "SEG", "", None),
    "SeriesInstanceUID": ("1.2.3.5", "", None),
    "SeriesDescription": ("Sch\u00e4del", "\x1b[31m", "[/x]"),
    "ImageType": (["DERIVED", "LOCALIZER"], "", None),
    "SliceThickness": (0, -1, None, 1e30),
    "PixelData": (b"", b"12", None, bytes(2000)),
}


@cache
def _syntaxes() -> tuple[str, ...]:
    """Transfer syntaxes that a file may claim, whatever its pixels are."""
    from pydicom import uid

    known = (uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.JPEGBaseline8Bit)
    more = (uid.JPEG2000Lossless, uid.RLELossless, uid.DeflatedExplicitVRLittleEndian)
    return (*known, *more, "1.2.3.4.5", "")


@st.composite
def images(draw: st.DrawFn) -> Injection:
    """A series of four slices, or a file of four frames, of which something is not as it should."""
    tags = draw(st.lists(st.sampled_from(sorted(TAGS)), max_size=2, unique=True))
    wrong = {name: draw(st.sampled_from(TAGS[name])) for name in tags}
    if draw(st.integers(0, 9)) == 0:
        wrong["SeriesDescription"] = draw(odd_words())
    where = draw(st.sampled_from(("all", "one", "one")))
    many = draw(st.integers(0, 4)) == 0
    syntax = draw(st.sampled_from(_syntaxes())) if draw(st.integers(0, 5)) == 0 else None
    files = {}
    if many:
        files["scan/many.dcm"] = _bytes(PIXELS, wrong, syntax)
    else:
        for k in range(COUNT):
            own = wrong if where == "all" or k == 2 else {}
            place = {"ImagePositionPatient": [0.0, 0.0, 3.0 * k], "InstanceNumber": k + 1}
            files[f"scan/{k}.dcm"] = _bytes(PIXELS[k], {**place, **own}, syntax)
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(files)))
        files[name] = draw(damaged(files[name]))
    if draw(st.integers(0, 4)) == 0:
        files["scan/note.txt"] = b"no image"
    target = draw(st.sampled_from(("scan", "scan", sorted(files)[0])))
    return Injection(files, target)


def _bytes(pixels: np.ndarray, tags: dict[str, Any], syntax: str | None) -> bytes:
    """A file; where pydicom refuses a value, the file without it."""
    from pydicom.uid import UID

    out, uid = BytesIO(), f"1.2.3.{tags.get('InstanceNumber', 0)}"  # always the same bytes
    try:
        made = making.image(pixels, **{"SOPInstanceUID": uid, **tags})
        made.file_meta.MediaStorageSOPInstanceUID = UID(uid)
        if syntax is not None:
            made.file_meta.TransferSyntaxUID = UID(syntax)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.save_as(out, enforce_file_format=False)
    except Exception:  # what can't be written can't be met
        out = BytesIO()
        made = making.image(pixels, SOPInstanceUID=uid)
        made.file_meta.MediaStorageSOPInstanceUID = UID(uid)
        made.save_as(out)
    return out.getvalue()


def differs_from_pydicom(place: Place, injection: Injection, found: Volume) -> str:
    """Compare values and places with pydicom's; words where they don't agree."""
    import pydicom

    single = injection.target.endswith(".dcm") and "many" in injection.target
    paths = sorted((place.folder / "scan").glob("*.dcm")) if not single else [place.target]
    slices = []
    for path in paths:
        data = pydicom.dcmread(path, force=True)
        if single or "many" in path.name:
            return ""
        stored = data.pixel_array.astype(np.float64)
        values = stored * float(data.get("RescaleSlope") or 1) + float(
            data.get("RescaleIntercept") or 0
        )
        slices.append((np.array(data.ImagePositionPatient, float), data, values))
    row, column = np.array(slices[0][1].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(row, column)
    slices.sort(key=lambda one: float(one[0] @ normal))
    if len(slices) != found.array.shape[0]:
        several = len({one[1].get("SeriesInstanceUID") for one in slices}) > 1
        told = f"pydicom reads {len(slices)} slices, we {found.array.shape[0]}"
        return "" if found.notes or several else told
    for k, (position, _, values) in enumerate(slices):
        if values.shape != found.array[k].shape:
            return f"slice {k}: pydicom reads {values.shape}, we {found.array[k].shape}"
        if not np.allclose(values, found.array[k], rtol=1e-5, atol=1e-3):
            return f"slice {k}: pydicom reads other values"
        ours = found.geometry.lps_from_ijk([[0, 0, k]])[0]
        if np.abs(ours - position).max() > 0.3 * float(found.geometry.spacing.max()):
            return f"slice {k}: it lies at {position}, we put it at {ours}"
    return ""


KINDS = (Kind("DICOM", images(), read, differs_from_pydicom, cost=4.0),)
