"""Boxes of others: Slicer's ROI files and label images, read on the grid of a small volume."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from masam_core.image.geometry import Geometry
from masam_core.prompts.readers.registry import READERS, read_boxes
from Testing.core.image.formats.making import metaimage, nifti, nrrd
from Testing.core.prompts.dicom.making import structures
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.kinds.images import made
from Testing.fuzz.mutate import as_text, changed, damaged, odd_values

GEOMETRY = Geometry.from_spacing((5, 6, 7), (1.0, 1.0, 3.0))
MARKUP = {
    "type": "ROI",
    "coordinateSystem": "LPS",
    "coordinateUnits": "mm",
    "roiType": "Box",
    "center": [3.0, 3.0, 6.0],
    "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    "size": [3.0, 2.0, 6.0],
    "controlPoints": [{"id": "1", "label": "R-1", "position": [3.0, 3.0, 6.0]}],
}
ODD = (b"[" * 100_000, b'{"markups":' * 5_000, b"1" * 5_000, b"\xef\xbb\xbf{}", b"", b"\0" * 50)


@st.composite
def roi_files(draw: st.DrawFn) -> Injection:
    """A ROI file: values of any type in any place, other encodings, bytes wrong."""
    document: Any = {"@schema": "x", "markups": [MARKUP] * draw(st.integers(1, 2))}
    name = draw(st.sampled_from(("box.mrk.json", "a.b.MRK.JSON", "[x] caf\u00e9.mrk.json")))
    way = draw(st.integers(0, 9))
    if way == 0:
        return Injection({name: draw(st.sampled_from(ODD))}, name)
    document = draw(odd_values()) if way == 1 else draw(changed(document))
    return Injection({name: draw(as_text(json.dumps(document)))}, name)


@st.composite
def label_images(draw: st.DrawFn) -> Injection:
    """A label image: its values odd, its grid another one, its bytes wrong."""
    labels = np.zeros((5, 6, 7), np.int16)
    for value in draw(st.lists(st.integers(-3, 400) | st.just(32767), max_size=4)):
        k, j, i = (draw(st.integers(0, n - 1)) for n in labels.shape)
        labels[k : k + 2, j : j + 3, i : i + 2] = value
    turned = draw(st.sampled_from((labels, labels[1:, :4], labels[:, :, ::-1])))
    write, name = draw(
        st.sampled_from(((nifti, "l.nii"), (nrrd, "l.seg.nrrd"), (metaimage, "l.mha")))
    )
    data = np.ascontiguousarray(turned)
    size = " ".join(str(n) for n in data.shape[::-1])
    if write is nifti:
        origin = draw(st.sampled_from(((0, 0, 0), (1, 1, 3), (0.5, 0, 0), (6, 0, 0), (1e30, 0, 0))))
        affine = np.column_stack([np.diag([-1.0, -1.0, 3.0]), np.array(origin) * (-1, -1, 1)])
        whole = made(write, data, affine=affine)
    else:
        field = "sizes" if write is nrrd else "DimSize"
        whole = made(write, data.astype("<i2").tobytes(), **{field: size})
    return Injection({name: draw(st.just(whole) | damaged(whole))}, name)


def read(place: Place, injection: Injection) -> Any:
    """Read the boxes on a volume's grid, and cut them into slices as every segmenter does."""
    boxes = read_boxes(place.target, GEOMETRY)
    frame = GEOMETRY.canonical_frame()
    for box in boxes:
        assert np.isfinite(box.corners_ijk).all()
        assert "\n" not in box.name
        assert box.slice_boxes(frame).region().any()
    return boxes


@functools.cache
def structure_set() -> bytes:
    """A DICOM structure set with an outline and a marker."""
    with tempfile.TemporaryDirectory() as folder:
        outline = [1.0, 1.0, 3.0, 4.0, 1.0, 3.0, 4.0, 4.0, 3.0]
        drawn = {"GTV": [("CLOSED_PLANAR", outline)], "ISO": [("POINT", outline[:3])]}
        return structures(Path(folder) / "rt.dcm", "1.2.3", **drawn).read_bytes()


@st.composite
def dicom_objects(draw: st.DrawFn) -> Injection:
    """A DICOM structure set, whole or with bytes that are wrong."""
    whole = structure_set()
    return Injection({"rt.dcm": draw(st.just(whole) | damaged(whole))}, "rt.dcm")


KINDS = (
    Kind("ROI files", roi_files(), read),
    Kind("label images", label_images(), read),
    Kind("DICOM prompts", dicom_objects(), read),
)
# Each reader that the product has stands in one of them.
assert len(KINDS) == len(READERS)
