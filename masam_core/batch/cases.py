"""Which images there are, and which boxes belong to each."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from masam_core.batch.states import holds_results
from masam_core.errors import ConfigError
from masam_core.image.volume import stem
from masam_core.prompts.readers.label_image import LABEL_IMAGE
from masam_core.prompts.readers.registry import ending_of, reader_of
from masam_core.prompts.readers.slicer_markups import SLICER_MARKUPS
from masam_core.spreadsheet import read_table

IMAGES = LABEL_IMAGE.endings  # and of what is segmented
_LABEL_WORDS = ("label", "labels", "seg", "segmentation", "mask", "lesion", "roi", "expert")
_BREAKS = "._- "


@dataclass(frozen=True)
class BatchCase:
    """An image and its boxes.

    Attributes:
        name: of the case, which its results bear.
        image: file, or folder of a DICOM series.
        boxes: files of ``masam_core.prompts.readers``: ROIs, lines, points and curves, or one
            label image.
    """

    name: str
    image: Path
    boxes: tuple[Path, ...] = ()


def find_cases(
    source: Path, labels: Path | None = None, out: Path | None = None
) -> tuple[list[BatchCase], list[str]]:
    """Cases of a folder or a CSV list, and notes on what was left out.

    In a folder, an image ``NAME.nii.gz`` goes with ``NAME.mrk.json``, ``NAME_*.mrk.json`` (or with
    ``.``, ``-`` or a space), or with a label image ``NAME_label.nii.gz``, ``NAME.seg.nrrd`` and the
    like, or one of its own name in ``labels``. A sub-folder with one image (or a DICOM series) and
    boxes in it is a case of the sub-folder's name. ROI files, and other files of prompts that
    are no images, come before label images.

    Args:
        source: folder, or a CSV with the columns ``image``, ``boxes`` (several by ``;``) and
            optionally ``name``; paths relative to the CSV.
        labels: folder of label images that bear the images' names.
        out: folder of the results, which holds no cases even if it lies in ``source``.

    Raises:
        ConfigError: no such folder, no case in it, or a list that can't be read.
    """
    if source.is_file():
        return read_list(source), []
    if not source.is_dir():
        raise ConfigError(f"There is no folder of images at {source}.")
    if labels is not None and not labels.is_dir():
        raise ConfigError(f"There is no folder of label images at {labels}.")
    cases, used = _flat(source, labels)
    apart = {p.resolve() for p in (labels, out) if p is not None}
    for folder in sorted(p for p in source.iterdir() if p.is_dir()):
        if folder.resolve() in apart or holds_results(folder):
            continue  # label images, or the results of a batch
        case = _folder_case(folder)
        if case is not None:
            cases.append(case)
    notes = [f"{c.image.name}: no box was found for it." for c in cases if not c.boxes]
    lost = sorted(p.name for p in source.iterdir() if _is_prompt(p) and p not in used)
    notes += [f"{name}: no image was found for it." for name in lost]
    found = [case for case in cases if case.boxes]
    if not found:
        raise ConfigError(
            f"{source} holds no image with boxes. Expected NAME.nii.gz (or .nrrd, .mha) and beside "
            f"it NAME{SLICER_MARKUPS.endings[0]} or NAME_label.nii.gz."
            + "".join(f" {note}" for note in notes[:3])
        )
    return found, notes


def read_list(path: Path) -> list[BatchCase]:
    """Cases of a CSV list; see :func:`find_cases`.

    Raises:
        ConfigError: no CSV, a column missing, or a row without image or boxes.
    """
    try:
        rows = read_table(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigError(f"{path} can't be read as a CSV list of cases: {error}.") from error
    if not rows or not {"image", "boxes"} <= set(rows[0]):
        raise ConfigError(f"{path}: expected the columns image and boxes, and at least one row.")
    cases = []
    for number, row in enumerate(rows, 2):
        image, boxes = (row.get("image") or "").strip(), (row.get("boxes") or "").strip()
        if not image or not boxes:
            raise ConfigError(f"{path}, line {number}: image and boxes must both be given.")
        files = [path.parent / part.strip() for part in boxes.split(";") if part.strip()]
        unknown = [f.name for f in files if reader_of(f) is None]
        if unknown:
            raise ConfigError(
                f"{path}, line {number}: {unknown[0]} is no file of boxes; expected "
                f"{SLICER_MARKUPS.endings[0]} files, or one label image."
            )
        if len(files) > 1 and not all(_is_prompt(f) for f in files):
            raise ConfigError(
                f"{path}, line {number}: boxes must be {SLICER_MARKUPS.endings[0]} files, or one "
                "label image."
            )
        target = path.parent / image
        name = (row.get("name") or "").strip() or stem(target)
        cases.append(BatchCase(name, target, tuple(files)))
    return cases


def _flat(source: Path, labels: Path | None) -> tuple[list[BatchCase], set[Path]]:
    files = sorted(p for p in source.iterdir() if p.is_file())
    rois = [p for p in files if _is_prompt(p)]
    volumes = [p for p in files if _is_image(p)]
    names = [stem(p) for p in volumes if not p.name.lower().endswith(".seg.nrrd")]
    label_files = [p for p in volumes if _label_of(p, names) is not None]
    images = [p for p in volumes if p not in label_files]
    used: set[Path] = set()
    cases = []
    for image in images:
        name = stem(image)
        own = tuple(p for p in rois if _owner(_prompt_stem(p), [stem(i) for i in images]) == name)
        used |= set(own)
        beside = next((p for p in label_files if _label_of(p, names) == name), None)
        if labels is not None:
            beside = next((p for p in sorted(labels.iterdir()) if _fits(p, name)), beside)
        cases.append(BatchCase(name, image, own or _listed(beside)))
    return cases, used


def _folder_case(folder: Path) -> BatchCase | None:
    files = sorted(p for p in folder.iterdir() if p.is_file())
    rois = tuple(p for p in files if _is_prompt(p))
    volumes = [p for p in files if _is_image(p)]
    label = next((p for p in volumes if _is_label_name(p)), None)
    images = [p for p in volumes if not _is_label_name(p)]
    series = next((p for p in sorted(folder.iterdir()) if p.is_dir() and any(p.iterdir())), None)
    image = next((p for p in images if stem(p).lower() == "image"), None)
    image = image or (images[0] if len(images) == 1 else None)
    if image is None and not images:
        image = series
    if image is None or (image is series and not (rois or label)):
        return None
    return BatchCase(folder.name, image, rois or _listed(label))


def _is_image(path: Path) -> bool:
    return path.name.lower().endswith(IMAGES) and not path.name.startswith(".")


def _is_label_name(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(".seg.nrrd") or stem(path).lower() in _LABEL_WORDS


def _label_of(path: Path, names: Iterable[str]) -> str | None:
    """Name of the image that a label image belongs to, or None if it is no label image."""
    own = stem(path)
    if path.name.lower().endswith(".seg.nrrd") and own in names:
        return own
    fitting = [
        name
        for name in names
        if own.startswith(name)
        and own[len(name) :].lower().lstrip(_BREAKS) in _LABEL_WORDS
        and own != name
        and own[len(name)] in _BREAKS
    ]
    return max(fitting, key=len) if fitting else None


def _fits(path: Path, name: str) -> bool:
    return _is_image(path) and (stem(path) == name or _label_of(path, [name]) == name)


def _is_prompt(path: Path) -> bool:
    """Whether a file is one of boxes and nothing else."""
    reader = reader_of(path)
    return reader is not None and not reader.is_image


def _listed(path: Path | None) -> tuple[Path, ...]:
    return () if path is None else (path,)


def _prompt_stem(path: Path) -> str:
    reader = reader_of(path)
    return path.name if reader is None else path.name[: -len(ending_of(path, reader))]


def _owner(name: str, images: list[str]) -> str | None:
    """Longest of the image names that a ROI's begins with: case10_a is no box of case1."""
    fitting = [image for image in images if belongs(name, image)]
    return max(fitting, key=len) if fitting else None


def belongs(box: str, image: str) -> bool:
    """Whether a box is named like an image: its name, alone or before a separator."""
    return box == image or (box.startswith(image) and box[len(image)] in _BREAKS)
