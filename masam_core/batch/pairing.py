"""Which boxes of a folder belong to which of its images, by their names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from masam_core.image.volume import stem
from masam_core.prompts.readers.label_image import LABEL_IMAGE
from masam_core.prompts.readers.registry import ending_of, reader_of

IMAGES = LABEL_IMAGE.endings  # and of what is segmented
_LABEL_WORDS = ("label", "labels", "seg", "segmentation", "mask", "lesion", "roi", "expert")
_BREAKS = "._- "
_CHANNEL = re.compile(r"(.+)_(\d{4})")  # of nnU-Net: CASE_0000, CASE_0001, ... are one case


@dataclass
class Pair:
    """An image and what was found for it.

    Attributes:
        name: of the image, which its boxes bear.
        image: file.
        boxes: ROIs, or one label image; empty where there are none.
        left_out: further channels of the case, or label images beyond the first.
        taken: file that was taken in their place.
    """

    name: str
    image: Path
    boxes: tuple[Path, ...] = ()
    left_out: list[Path] = field(default_factory=list)
    taken: Path | None = None


@dataclass
class Paired:
    """The images of a folder.

    Attributes:
        pairs: with boxes and without, by name of the image.
        loose: files of boxes that are named like no image, and label images called just that.
        used: label images of the folder of labels that were taken.
    """

    pairs: list[Pair]
    loose: list[Path]
    used: set[Path]


def pair(files: Sequence[Path], labels: Sequence[Path] = ()) -> Paired:
    """Pair images and boxes.

    A box belongs to the image with the longest name that its own begins with (``belongs``). Of
    nnU-Net's channels ``CASE_0000``, ``CASE_0001`` the first is taken for boxes of ``CASE``.

    Args:
        files: of one folder.
        labels: label images of another one, which bear the images' names.
    """
    rois = [p for p in files if is_prompt(p)]
    volumes = [p for p in files if is_image(p)]
    images, beside, loose = _told_apart(volumes, rois)
    channels = _channels(images)
    names = list(dict.fromkeys([*(name_of(p) for p in images), *channels]))
    owners = {p: _owner(box_name(p), names) for p in rois}
    owned = _LabelFinder(beside, labels, names)
    pairs, taken = [], set()
    for case, (first, *others) in channels.items():
        found = _found(case, first, owners, owned)
        if not found.boxes:
            continue
        taken |= {first, *others}
        pairs.append(found)
        others = [p for p in others if name_of(p) not in owners.values()]
        if others:
            pairs[-1] = replace(found, left_out=others, taken=first)
    for image in images:
        name = name_of(image)
        if image not in taken or name in owners.values():
            pairs.append(_found(name, image, owners, owned))
    pairs.sort(key=lambda one: str(one.image))
    loose += [p for p, owner in owners.items() if owner is None]
    return Paired(pairs, loose, owned.used)


def is_image(path: Path) -> bool:
    """Whether a file's name is an image's; hidden ones (``._NAME`` of macOS) are none."""
    return path.name.lower().endswith(IMAGES) and not path.name.startswith(".")


def is_prompt(path: Path) -> bool:
    """Whether a file is one of boxes and nothing else."""
    reader = reader_of(path)
    if reader is None or reader.is_image or path.name.startswith("."):
        return False
    return reader.recognises(path)


def belongs(box: str, image: str) -> bool:
    """Whether a box is named like an image: its name, alone or before a separator."""
    return box == image or (box.startswith(image) and box[len(image)] in _BREAKS)


def name_of(path: Path) -> str:
    """A file's name without its ending; macOS writes accents in another way than others do."""
    return unicodedata.normalize("NFC", stem(path))


class _LabelFinder:
    """Label images, beside the images or in a folder of their own, by the images' names."""

    def __init__(self, beside: Sequence[Path], labels: Sequence[Path], names: list[str]) -> None:
        self._beside = {p: _label_of(p, names) or name_of(p) for p in beside}
        self._labels = [p for p in labels if is_image(p)]
        self.used: set[Path] = set()

    def of(self, name: str) -> list[Path]:
        """The label images of an image, the best first."""
        apart = [p for p in self._labels if _fits(p, name)]
        self.used |= set(apart)
        return [*apart, *(p for p, owner in self._beside.items() if owner == name)]


def _found(name: str, image: Path, owners: dict[Path, str | None], labels: _LabelFinder) -> Pair:
    own = tuple(p for p, owner in owners.items() if owner == name)
    found = labels.of(name)
    if own or not found:
        return Pair(name, image, own)
    return Pair(name, image, (found[0],), found[1:], found[0])


def _told_apart(volumes: list[Path], rois: list[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """Images; label images that are named like one of them; those called just 'label' or so."""
    names = [name_of(p) for p in volumes if not _is_segmentation(p)]
    names += _channels(volumes)
    boxed = {box_name(p) for p in rois}
    beside = [p for p in volumes if _label_of(p, names) is not None]
    rest = [p for p in volumes if p not in beside]
    loose = [
        p
        for p in rest
        if _is_segmentation(p) or (name_of(p).lower() in _LABEL_WORDS and name_of(p) not in boxed)
    ]
    images = [p for p in rest if p not in loose]
    cases = _channels(images)
    beside += [p for p in images if name_of(p) in cases]
    return [p for p in images if p not in beside], beside, loose


def _channels(images: Iterable[Path]) -> dict[str, list[Path]]:
    """nnU-Net's cases and their channels, where the first of them is there."""
    found: dict[str, list[tuple[str, Path]]] = {}
    for path in images:
        if match := _CHANNEL.fullmatch(name_of(path)):
            found.setdefault(match[1], []).append((match[2], path))
    return {
        case: [path for _, path in sorted(parts)]
        for case, parts in found.items()
        if min(parts)[0] == "0000"
    }


def _is_segmentation(path: Path) -> bool:
    return path.name.lower().endswith(".seg.nrrd")


def _label_of(path: Path, names: Iterable[str]) -> str | None:
    """Name of the image that a label image belongs to, or None if it is no label image."""
    own = name_of(path)
    if _is_segmentation(path) and own in names:
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
    return name_of(path) == name or _label_of(path, [name]) == name


def box_name(path: Path) -> str:
    """The name of a file of boxes without its ending, as :func:`name_of`."""
    reader = reader_of(path)
    ending = "" if reader is None else ending_of(path, reader)
    name = path.name[: len(path.name) - len(ending)]
    return unicodedata.normalize("NFC", name)


def _owner(name: str, images: list[str]) -> str | None:
    """Longest of the image names that a ROI's begins with: case10_a is no box of case1."""
    fitting = [image for image in images if belongs(name, image)]
    return max(fitting, key=len) if fitting else None
