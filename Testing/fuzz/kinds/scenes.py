"""Saved scenes from elsewhere: bundles and texts of Slicer's, with segmentations that lie."""

from __future__ import annotations

import io
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from masam_core.collect.found import LeftOut
from masam_core.collect.scenes import read_scene
from masam_core.errors import VolumeError
from Testing.core.collect.making import ball, lesion, write_scene
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import damaged, odd_words
from Testing.fuzz.oracle import Wrong

TEXT, SEGMENTS, IMAGE = "scene.mrml", "Data/s.seg.nrrd", "Data/a scan.nrrd"
WORDS = ("Data/s.seg.nrrd", "V1", "S1", "storage:VS;", "referenceImageGeometryRef", "DICOM", "VS")


@cache
def _files() -> dict[str, bytes]:
    """A scene that is whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        overlapping = (ball(4, 8, 8, 4.5), ball(4, 10, 8, 4.5))
        segments = [lesion(f"l{n}", mask, MASAM_Locked="1") for n, mask in enumerate(overlapping)]
        write_scene(folder / TEXT, segments, patient="somebody")
        return {each: (folder / each).read_bytes() for each in (TEXT, SEGMENTS, IMAGE)}


@st.composite
def scenes(draw: st.DrawFn) -> Injection:
    """A scene in which one file is damaged, or its text has another word; as bundle or folder."""
    files = dict(_files())
    chosen = draw(st.sampled_from((TEXT, SEGMENTS, SEGMENTS, IMAGE)))
    if chosen == TEXT and draw(st.booleans()):
        text = files[TEXT].decode()
        word = draw(st.sampled_from(WORDS))
        files[TEXT] = text.replace(word, draw(odd_words()), 1).encode("utf-8", "replace")
    elif draw(st.integers(0, 5)):
        files[chosen] = draw(damaged(files[chosen]))
    if draw(st.booleans()):
        return Injection(files, TEXT)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(f"scene/{name}", content)
    data = out.getvalue()
    return Injection({"scene.mrb": draw(st.just(data) | damaged(data))}, "scene.mrb")


def gather(place: Place, _injection: Injection) -> Any:
    """Read every lesion; a scene of which nothing can be taken is refused with the reason."""
    left: list[LeftOut] = []
    found = list(read_scene(place.target, left.append))
    for image in found:
        for each in image.lesions:
            if each.mask.shape != image.volume.array.shape:
                raise Wrong("a mask is not on its image's grid")
    if any(image.lesions for image in found):
        return None
    why = "; ".join(each.why for each in left) or "there is no lesion in it"
    raise VolumeError(f"{place.target}: {why}")


KINDS = (Kind("saved scenes", scenes(), gather, cost=4.0),)
