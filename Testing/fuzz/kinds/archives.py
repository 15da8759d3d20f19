"""Zip archives from elsewhere, as uploads are taken in: names, sizes and flags that lie."""

from __future__ import annotations

import io
import stat
import zipfile
from functools import cache
from typing import Any

from hypothesis import strategies as st

from masam_core.image.formats.base import Rules
from masam_core.image.formats.registry import read_image
from masam_core.image.intake import take_in
from Testing.core.image.formats.making import metaimage, nrrd
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.kinds.dicom import images as dicom_images
from Testing.fuzz.kinds.images import image, made
from Testing.fuzz.mutate import damaged, odd_words
from Testing.fuzz.oracle import CANARY_FILE, Lost, Wrong

NAMES = (
    "scan.nii.gz",
    "a/b/scan.nrrd",
    "../out.nrrd",
    "/etc/cron.d/x.mha",
    "..\\..\\x.nii.gz",
    "a.nrrd/",
    "__MACOSX/._scan.nii.gz",
    ".DS_Store",
    "C:\\x.mha",
    "x" * 200 + ".nrrd",
    "con.nii.gz",
    "",
    "caf\u00e9.nii.gz",
    "scan.nii.gz\0.exe",
    "\x1b[2J.mha",
    "notes.txt",
)
OLDER = b"an older result"


@cache
def _contents() -> tuple[bytes, ...]:
    named = {"data_file": f"../{CANARY_FILE}"}
    return (
        image("a.nii.gz"),
        image("a.nrrd"),
        image("a.mha"),
        made(nrrd, b"", **named),
        made(metaimage, b"", ElementDataFile=f"../{CANARY_FILE}"),
        bytes(3_000_000),
        b"",
        b"text",
    )


@st.composite
def archives(draw: st.DrawFn) -> Injection:
    """An archive of a few entries, or a DICOM series in one; at times its own bytes are wrong."""
    out, names = io.BytesIO(), set()
    with zipfile.ZipFile(out, "w", draw(st.sampled_from((zipfile.ZIP_DEFLATED, 0)))) as packed:
        if draw(st.integers(0, 4)) == 0:
            for name, content in draw(dicom_images()).files.items():
                names.add(name)
                packed.writestr(zipfile.ZipInfo(name), content)
        for _ in range(draw(st.integers(0, 3))):
            entry = zipfile.ZipInfo(draw(st.sampled_from(NAMES) | odd_words()) or "x")
            content = draw(st.sampled_from(_contents()))
            if entry.filename in names:  # Python warns of it
                continue
            names.add(entry.filename)
            if draw(st.integers(0, 9)) == 0:
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                content = f"../{CANARY_FILE}".encode()
            packed.writestr(entry, content)
    data = out.getvalue()
    flag = draw(st.integers(0, 9))
    if flag == 0:  # as if it were encrypted
        data = data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    data = draw(st.just(data) | damaged(data))
    name = draw(st.sampled_from(("upload.zip", "upload")))
    return Injection({name: data}, name)


def take(place: Place, _injection: Injection) -> Any:
    """Take an upload in where an older image lies; it must stay unless a whole one replaces it."""
    target = place.results / "out.nrrd"
    target.write_bytes(OLDER)
    beside = sorted(place.folder.parent.iterdir())
    try:
        answer = take_in(place.target, target, "scan")
    except Exception:
        if target.read_bytes() != OLDER:
            raise Lost("an upload that was refused has replaced the image") from None
        raise
    finally:
        if sorted(place.folder.parent.iterdir()) != beside:
            raise Wrong("something was unpacked outside of the folder")
        if sorted(place.results.iterdir()) != [target]:
            raise Wrong("something was left in the folder of the image")
    if "series" in answer:
        return None
    return read_image(target, Rules(False))


KINDS = (Kind("archives", archives(), take, names_target=False, cost=4.0),)
