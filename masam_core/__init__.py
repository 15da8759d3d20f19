"""MASAM: outline a tumour in 3D from a tight box, with MA-SAM.

Everything that a script needs is here; nothing is loaded before it is used.

>>> import masam_core as masam
>>> segmenter = masam.Segmenter("bundled", device="auto")  # a name, a path or a MASAM
>>> segmenter.set_volume("scan.nii.gz")  # a path, a Volume or a SimpleITK image
>>> segmenter.set_volume(array, spacing=(0.8, 0.8, 3.0))  # or an array KJI, with mm along i, j, k
>>> lesion = segmenter.segment((52, 132, 52, 124, 16, 41), quality="fast")  # or a BoxPrompt, ...
>>> mask = lesion.mask_on_volume()  # bool, KJI, on the image's own grid
>>> masam.save([lesion], "tumour.seg.nrrd")  # the ending chooses the writer
>>> lesions = masam.segment("scan.nii.gz", "box.mrk.json", out="tumour.seg.nrrd", quality="fast")
>>> with masam.RemoteSegmenter("ssh gpu python -m masam_core.worker") as segmenter:
...     segmenter.set_volume("scan.nii.gz")
...     remote = segmenter.segment("box.mrk.json", quality="fast")

Where there is no box, a ``LinePrompt``, ``SliceBoxPrompt`` or ``PointPrompt`` takes its place. A
mask that is wrong in one place is corrected by clicks, scribbles and lassos:
``segmenter.refine(lesion, [click])`` gives a new lesion. What was asked is kept in its ``prompts``:

>>> click = masam.Correction("point", [[-102.5, 40.0, 627.0]], positive=False)  # LPS mm
>>> record = lesion.prompts.with_corrections(click).to_dict(lesion.geometry)  # for JSON
>>> masam.PromptRecord.from_dict(record, lesion.geometry).corrections[0].kind.value
'point'

A lesion knows what was measured on it, and how sure the model is of it:

>>> round(lesions[0].measurements.volume_ml), round(lesions[0].confidence, 1)
(173, 0.9)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from masam_core.catalog.resolve import load_by_name as load_model
    from masam_core.errors import Cancelled, MasamError
    from masam_core.export.save import save
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume, read_volume
    from masam_core.inference.box_segmenter import BoxSegmenter
    from masam_core.inference.options import SegmentOptions
    from masam_core.inference.quality import Quality
    from masam_core.inference.segmenter import Segmenter
    from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
    from masam_core.lesion.cut import Cut
    from masam_core.lesion.lesion import Lesion
    from masam_core.lesion.measure import Measurements
    from masam_core.lesion.painted import Painted
    from masam_core.one_call import segment
    from masam_core.prompts.boxes import BoxPrompt
    from masam_core.prompts.corrections import Correction
    from masam_core.prompts.first import LinePrompt, PointPrompt, SliceBoxPrompt
    from masam_core.prompts.record import PromptRecord
    from masam_core.prompts.roi import read_roi, write_roi
    from masam_core.prompts.stored import read_records
    from masam_core.worker.remote import RemoteSegmenter

__all__ = [
    "BoxPrompt",
    "BoxSegmenter",
    "Cancelled",
    "Correction",
    "Cut",
    "Geometry",
    "Keep",
    "Lesion",
    "LinePrompt",
    "MasamError",
    "Measurements",
    "Painted",
    "PointPrompt",
    "PostprocessOptions",
    "PromptRecord",
    "Quality",
    "RemoteSegmenter",
    "SegmentOptions",
    "Segmenter",
    "SliceBoxPrompt",
    "Volume",
    "load_model",
    "read_records",
    "read_roi",
    "read_volume",
    "save",
    "segment",
    "write_roi",
]

# Where each name lives: loaded when it is asked for, so that the import itself stays light.
_HOMES = {
    "BoxPrompt": "prompts.boxes",
    "BoxSegmenter": "inference.box_segmenter",
    "Cancelled": "errors",
    "Correction": "prompts.corrections",
    "Cut": "lesion.cut",
    "Geometry": "image.geometry",
    "Keep": "lesion.cleaning_options",
    "Lesion": "lesion.lesion",
    "LinePrompt": "prompts.first",
    "MasamError": "errors",
    "Measurements": "lesion.measure",
    "Painted": "lesion.painted",
    "PointPrompt": "prompts.first",
    "PostprocessOptions": "lesion.cleaning_options",
    "PromptRecord": "prompts.record",
    "Quality": "inference.quality",
    "RemoteSegmenter": "worker.remote",
    "SegmentOptions": "inference.options",
    "Segmenter": "inference.segmenter",
    "SliceBoxPrompt": "prompts.first",
    "Volume": "image.volume",
    "load_model": "catalog.resolve:load_by_name",
    "read_records": "prompts.stored",
    "read_roi": "prompts.roi",
    "read_volume": "image.volume",
    "save": "export.save",
    "segment": "one_call",
    "write_roi": "prompts.roi",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'masam_core' has no attribute {name!r}")
    module, _, own = home.partition(":")
    value = getattr(import_module(f"masam_core.{module}"), own or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
