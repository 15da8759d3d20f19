"""Which boxes of a folder belong to which of its images, by their names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence, Set
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

    A box belongs to the image with the longest name that its own begins with (``longest_owner``).
    Of nnU-Net's channels ``CASE_0000``, ``CASE_0001`` the first is taken for boxes of ``CASE``.

    Args:
        files: of one folder.
        labels: label images of another one, which bear the images' names.
    """
    rois = [p for p in files if is_prompt(p)]
    volumes = [p for p in files if is_image(p)]
    images, beside, loose = _told_apart(volumes, rois)
    channels = _channels(images)
    names = {*(name_of(p) for p in images), *channels}
    owned: dict[str, list[Path]] = {}
    for path in rois:
        if (owner := longest_owner(box_name(path), names)) is None:
            loose.append(path)
        else:
            owned.setdefault(owner, []).append(path)
    label_images = _LabelFinder(beside, labels, names)
    pairs, taken = [], set()
    for case, (first, *others) in channels.items():
        found = _found(case, first, owned, label_images)
        if not found.boxes:
            continue
        taken |= {first, *others}
        pairs.append(found)
        others = [p for p in others if name_of(p) not in owned]
        if others:
            pairs[-1] = replace(found, left_out=others, taken=first)
    for image in images:
        name = name_of(image)
        if image not in taken or name in owned:
            pairs.append(_found(name, image, owned, label_images))
    pairs.sort(key=lambda one: str(one.image))
    return Paired(pairs, loose, label_images.used)


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

    def __init__(self, beside: Sequence[Path], labels: Sequence[Path], names: Set[str]) -> None:
        self._beside: dict[str, list[Path]] = {}
        self._apart: dict[str, list[Path]] = {}
        for path in beside:
            owner = _label_of(path, names) or name_of(path)
            self._beside.setdefault(owner, []).append(path)
        for path in filter(is_image, labels):
            for name in dict.fromkeys([name_of(path), *_named_by(path)]):
                self._apart.setdefault(name, []).append(path)
        self.used: set[Path] = set()

    def of(self, name: str) -> list[Path]:
        """The label images of an image, the best first."""
        apart = self._apart.get(name, [])
        self.used |= set(apart)
        return [*apart, *self._beside.get(name, [])]


def _found(name: str, image: Path, owned: dict[str, list[Path]], labels: _LabelFinder) -> Pair:
    own = tuple(owned.get(name, ()))
    found = labels.of(name)
    if own or not found:
        return Pair(name, image, own)
    return Pair(name, image, (found[0],), found[1:], found[0])


def _told_apart(volumes: list[Path], rois: list[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """Images; label images that are named like one of them; those called just 'label' or so."""
    names = {name_of(p) for p in volumes if not _is_segmentation(p)}
    names |= set(_channels(volumes))
    boxed = {box_name(p) for p in rois}
    beside = [p for p in volumes if _label_of(p, names) is not None]
    labels = set(beside)
    rest = [p for p in volumes if p not in labels]
    loose = [
        p
        for p in rest
        if _is_segmentation(p) or (name_of(p).lower() in _LABEL_WORDS and name_of(p) not in boxed)
    ]
    apart = set(loose)
    images = [p for p in rest if p not in apart]
    cases = _channels(images)
    beside += [p for p in images if name_of(p) in cases]
    return [p for p in images if name_of(p) not in cases], beside, loose


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


def _label_of(path: Path, names: Set[str]) -> str | None:
    """Name of the image that a label image belongs to, or None if it is no label image."""
    own = name_of(path)
    if _is_segmentation(path) and own in names:
        return own
    return next((name for name in _named_by(path) if name in names), None)


def _named_by(path: Path) -> Iterator[str]:
    """The names of images whose label image a file could be by its own, the longest first."""
    own = name_of(path)
    for name, rest in _beginnings(own):
        if rest.lower().lstrip(_BREAKS) in _LABEL_WORDS:
            yield name


def _beginnings(name: str) -> Iterator[tuple[str, str]]:
    """A name's beginnings before each of its separators, the longest first, and the rests.

    With them a name is looked up among a million others at once, instead of compared with each.
    """
    for place in range(len(name) - 1, -1, -1):
        if name[place] in _BREAKS:
            yield name[:place], name[place:]


def box_name(path: Path) -> str:
    """The name of a file of boxes without its ending, as :func:`name_of`."""
    reader = reader_of(path)
    ending = "" if reader is None else ending_of(path, reader)
    name = path.name[: len(path.name) - len(ending)]
    return unicodedata.normalize("NFC", name)


def longest_owner(box: str, images: Container[str]) -> str | None:
    """Longest of the images' names that a box ``belongs`` to: case10_a is no box of case1."""
    if box in images:
        return box
    return next((name for name, _ in _beginnings(box) if name in images), None)
