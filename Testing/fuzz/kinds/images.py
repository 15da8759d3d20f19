"""Images in one file or two: NIfTI, NRRD, MetaImage, each with its header and bytes made wrong."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from masam_core.image.volume import Volume, read_volume
from Testing.core.image.formats.making import ARRAY, metaimage, nifti, nrrd
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import damaged, odd_words
from Testing.fuzz.oracle import CANARY_FILE

RAW = ARRAY.astype("<i2").tobytes()
# What a header may name for its voxels: its own, none, and files that are none of its affair.
OTHERS = (
    "voxels.raw",
    "./voxels.raw",
    f"../{CANARY_FILE}",
    f"..\\{CANARY_FILE}",
    "link.raw",
    "folder/inside.raw",
    "/etc/passwd",
    "/dev/zero",
    "LIST",
    "LIST 3",
    "voxels.%03d.raw 1 5 1",
    ".",
    "",
)
LINKS = {"link.raw": f"../{CANARY_FILE}", "folder.raw": "/etc"}


class _Kept:
    """A path that keeps what is written to it."""

    data = b""

    def write_bytes(self, data: bytes) -> None:
        self.data = data


def made(write: Callable[..., Any], *given: Any, **fields: Any) -> bytes:
    """Bytes of a file that one of ``making`` writes."""
    kept = _Kept()
    write(kept, *given, **fields)
    return kept.data


def read(place: Place, _injection: Injection) -> Volume:
    """Read as every command does."""
    return read_volume(place.target)


def differs_from_itk(place: Place, _injection: Injection, found: Volume) -> str:
    """Compare with ITK's reader, where it reads the file; words where they don't agree."""
    import SimpleITK as sitk

    content = place.target.read_bytes()
    if b"CompressedData = T" in content and b"CompressedDataSize = " not in content:
        return ""  # ITK reads something else than it has unpacked
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = sitk.ReadImage(str(place.target))
    except RuntimeError:
        return ""
    if image.GetNumberOfComponentsPerPixel() != 1:
        return ""
    array = sitk.GetArrayFromImage(image)
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    if array.shape != found.array.shape:
        return f"ITK reads {array.shape}, we {found.array.shape}"
    with np.errstate(all="ignore"):
        same = np.isclose(array.astype(float), found.array.astype(float), rtol=1e-5, equal_nan=True)
    if not same.all():
        return f"ITK reads other values at {int((~same).sum())} of {same.size} voxels"
    if image.GetDimension() != 3 or found.notes:  # what was doubtful of the place is told
        return ""
    far = [float(n - 1) for n in image.GetSize()]
    for index in ([0.0, 0.0, 0.0], far):
        theirs = np.array(image.TransformContinuousIndexToPhysicalPoint(index))
        ours = found.geometry.lps_from_ijk([index])[0]
        step = float(np.max(found.geometry.spacing))
        if np.abs(theirs - ours).max() > 0.3 * step + 1e-4 * np.abs(ours).max():
            return f"ITK puts {index} at {theirs.round(3)}, we at {ours.round(3)}"
    return ""


@cache
def _nifti_files() -> tuple[tuple[str, bytes], ...]:
    plain = made(nifti)
    turned = made(nifti, affine=[[0, 2, 0, 5], [-2, 0, 0, 6], [0, 0, 3, 7]])
    one = made(nifti, dim=(4, 7, 6, 5, 1, 1, 1, 1))
    small = made(nifti, sform=0, pixdim=(-1, 0.5, 0.5, 2, 0, 0, 0, 0))
    files = [plain, turned, one, small]
    packed = [gzip.compress(data, mtime=0) for data in files]
    return tuple([("scan.nii", d) for d in files] + [("scan.nii.gz", d) for d in packed])


@st.composite
def nifti_files(draw: st.DrawFn) -> Injection:
    """NIfTI: bytes wrong inside or outside of the compression, or a pair of files."""
    name, data = draw(st.sampled_from(_nifti_files()))
    if name.endswith(".gz") and draw(st.booleans()):
        inside = draw(damaged(gzip.decompress(data)))
        return Injection({name: gzip.compress(inside, 1, mtime=0)}, name)
    if name == "scan.nii" and draw(st.integers(0, 3)) == 0:
        header = draw(damaged(made(nifti, magic=b"ni1\0", vox_offset=0.0)[:352]))
        files = {"scan.hdr": header}
        links = {}
        if draw(st.integers(0, 4)):
            files["scan.img"] = draw(damaged(RAW, 1))
        else:
            links["scan.img"] = f"../{CANARY_FILE}"
        return Injection(files, draw(st.sampled_from(("scan.hdr", "scan.hdr", "scan.img"))), links)
    return Injection({name: draw(damaged(data))}, name)


def _fields(known: dict[str, tuple[str | None, ...]]) -> st.SearchStrategy[dict[str, str | None]]:
    """A few fields of a header, each of values that fit it or of any."""
    names = st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {n: st.sampled_from(known[n]) | st.none() | odd_words() for n in chosen}
        )
    )


NRRD_FIELDS: dict[str, tuple[str | None, ...]] = {
    "type": ("short", "uint16", "float", "double", "int8", "block", "long long", "signed char"),
    "dimension": ("3", "4", "0", "17", "2"),
    "sizes": ("7 6 5", "1 7 6 5", "7 6 5 1", "7 6", "1000 1000 1000", "32767 32767 1", "0 6 5"),
    "space": ("right-anterior-superior", "LAS", "scanner-xyz", "left-posterior-superior-time"),
    "space directions": ("(0,1,0) (1,0,0) (0,0,3)", "none (1,0,0) (0,1,0) (0,0,3)", "(1,.01,0) "
                         "(0,1,0) (0,0,3)", "(0,0,0) (0,1,0) (0,0,3)", "(1e300,0,0) (0,1,0) "
                         "(0,0,1)"),
    "space origin": ("(1,2,3)", "(1e308,0,0)", "(1,2)"),
    "endian": ("big", "little"),
    "encoding": ("raw", "gzip", "bzip2", "hex", "text", "ascii"),
    "spacings": ("1 1 3", "1 1 nan", "-1 1 1"),
    "axis mins": ("0 0 0", "nan nan nan"),
    "kinds": ("domain domain domain", "vector domain domain domain", "list domain domain"),
    "data file": OTHERS,
    "line skip": ("0", "1", "100000"),
    "byte skip": ("0", "2", "-1", "-2", "1000000000"),
    "content": ("a: b",),
}  # fmt: skip


@st.composite
def nrrd_files(draw: st.DrawFn) -> Injection:
    """NRRD: fields of the header odd, missing, doubled; voxels in five encodings; bytes wrong."""
    fields = draw(_fields(NRRD_FIELDS))
    encodings = {
        "gzip": gzip.compress(RAW, 1, mtime=0),
        "bzip2": bz2.compress(RAW),
        "hex": RAW.hex().encode(),
        "text": " ".join(map(str, ARRAY.ravel())).encode(),
    }
    encoding = draw(st.sampled_from(("raw", *encodings)))
    fields = {"encoding": encoding, **fields}
    voxels = encodings.get(str(fields["encoding"]), RAW)
    data = made(nrrd, voxels, **fields)
    extra = draw(st.sampled_from((b"", b"", b"a key:=a value\n", b"sizes: 1 1 1\n")))
    data = data.replace(b"\n", b"\n" + extra, 1)
    return _with_voxels(draw, draw(st.sampled_from(("a.nrrd", "a.nhdr"))), data, voxels)


META_FIELDS: dict[str, tuple[str | None, ...]] = {
    "ObjectType": ("Image", "Mesh", "Scene"),
    "NDims": ("3", "4", "-1", "0", "2", "100"),
    "BinaryData": ("False", "True"),
    "BinaryDataByteOrderMSB": ("True", "False"),
    "CompressedData": ("True", "False"),
    "CompressedDataSize": ("100", "-1", "99999999999"),
    "TransformMatrix": ("0 1 0 1 0 0 0 0 1", "1 0.01 0 0 1 0 0 0 1", "0 0 0 0 0 0 0 0 0", "1 0 0"),
    "Offset": ("1 2 3", "1 2", "1e308 0 0"),
    "ElementSpacing": ("1 1 3", "0 1 1", "-1 1 1"),
    "DimSize": ("7 6 5", "7 6 5 1", "1000 1000 1000", "7 6", "0 6 5", "32767 32767 1"),
    "ElementType": ("MET_SHORT", "MET_USHORT", "MET_FLOAT", "MET_DOUBLE", "MET_LONG", "MET_OTHER"),
    "ElementNumberOfChannels": ("1", "3", "0", "-1"),
    "HeaderSize": ("0", "-1", "10", "-2"),
    "ElementDataFile": ("LOCAL", *OTHERS),
    "AnatomicalOrientation": ("RAI",),
}


@st.composite
def meta_images(draw: st.DrawFn) -> Injection:
    """MetaImage: fields of the header odd or missing, voxels plain, packed or text, bytes wrong."""
    fields = draw(_fields(META_FIELDS))
    packed = draw(st.booleans())
    voxels = zlib.compress(RAW) if packed else RAW
    if fields.get("BinaryData") == "False":
        voxels = " ".join(map(str, ARRAY.ravel())).encode()
    if packed:
        size = str(len(voxels))
        fields = {"CompressedData": "True", "CompressedDataSize": size, **fields}
    data = made(metaimage, voxels, **fields)
    return _with_voxels(draw, draw(st.sampled_from(("a.mha", "a.mhd"))), data, voxels)


def _with_voxels(draw: st.DrawFn, name: str, data: bytes, voxels: bytes) -> Injection:
    """The header's file, the voxels beside it, and a link that leads out of the folder."""
    files = {
        name: draw(st.just(data) | damaged(data)),
        "voxels.raw": voxels,
        "folder/inside.raw": voxels,
    }
    return Injection(files, name, LINKS)


def _kind(name: str, injections: st.SearchStrategy[Injection]) -> Kind:
    return Kind(name, injections, read, differs_from_itk)


KINDS = (
    _kind("NIfTI", nifti_files()),
    _kind("NRRD", nrrd_files()),
    _kind("MetaImage", meta_images()),
)


def image(name: str) -> bytes:
    """A good image of an ending, for kinds whose fault lies elsewhere."""
    return {
        ".nii.gz": lambda: gzip.compress(made(nifti), 1, mtime=0),
        ".nrrd": lambda: made(nrrd),
        ".mha": lambda: made(metaimage),
    }["".join(Path(name).suffixes)]()
