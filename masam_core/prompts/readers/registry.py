"""Every kind of file that holds prompts, by the ending that chooses it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.errors import BoxError
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.per import Per
from masam_core.prompts.readers.dicom import DICOM
from masam_core.prompts.readers.label_image import LABEL_IMAGE
from masam_core.prompts.readers.reader import Prompt, PromptReader
from masam_core.prompts.readers.slicer_markups import SLICER_MARKUPS

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry

READERS: list[PromptReader] = [SLICER_MARKUPS, LABEL_IMAGE, DICOM]


def read_boxes(path: Path, geometry: Geometry, per: Per = Per.COMPONENT) -> list[BoxPrompt]:
    """Read the boxes of a file that holds nothing else.

    Args:
        path, geometry, per: see :func:`read_prompts`.

    Raises:
        BoxError, VolumeError: as :func:`read_prompts`; or a prompt that is no box.
    """
    found = read_prompts(path, geometry, per)
    boxes = [prompt for prompt in found if isinstance(prompt, BoxPrompt)]
    if len(boxes) < len(found):
        raise BoxError(f"{path} holds other prompts than boxes; expected boxes, such as a ROI.")
    return boxes


def read_prompts(path: Path, geometry: Geometry, per: Per = Per.COMPONENT) -> list[Prompt]:
    """Read the prompts of a file.

    Args:
        path: its ending says what it is.
        geometry: of the volume on which the prompts are used.
        per: with label images, what gets a box of its own.

    Raises:
        BoxError: an ending that is not known, a missing file, or what the reader raises.
        VolumeError: a label image that can't be read.
    """
    reader = reader_of(path)
    if reader is None:
        known = ", ".join(f"{', '.join(r.endings)} ({r.title})" for r in READERS)
        raise BoxError(f"'{path.name}' is no file of prompts that is known; expected {known}.")
    return list(reader.read(path, geometry, per))


def reader_of(path: Path) -> PromptReader | None:
    """The reader that a file's name chooses, else what it holds; or None."""
    name = path.name.lower()
    fitting = [r for r in READERS if name.endswith(r.endings)]
    if not fitting:
        return next((r for r in READERS if r.by_content and r.recognises(path)), None)
    # Of a name that several kinds claim, the one with the longest ending: .seg.json, not .json.
    return max(fitting, key=lambda reader: len(ending_of(path, reader)), default=None)


def ending_of(path: Path, reader: PromptReader) -> str:
    """The ending of a file's name by which a reader knows it; empty if it does not."""
    name = path.name.lower()
    return max((e for e in reader.endings if name.endswith(e)), key=len, default="")
