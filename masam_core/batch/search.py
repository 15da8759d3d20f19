"""Images of a tree of folders, and the boxes that belong to each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from masam_core.batch.case import BatchCase
from masam_core.batch.folders import SLICES, Folder
from masam_core.batch.pairing import box_name, is_prompt, longest_owner, pair
from masam_core.image.readable import readable


@dataclass
class Found:
    """An image or a DICOM series.

    Attributes:
        name: of the image itself, or of the series' folder.
        folder: that holds it.
        image: file, or folder of the series.
        case_name: of its case.
        boxes: that are known to be its own.
    """

    name: str
    folder: Folder
    image: Path
    case_name: str
    boxes: tuple[Path, ...] = ()

    @property
    def case(self) -> BatchCase:
        """The case that it is."""
        return BatchCase(self.case_name, self.image, self.boxes)

    @property
    def shown(self) -> str:
        """Its place in the input, for people."""
        if self.image == self.folder.path:
            return self.folder.words or readable(self.name)
        return self.folder.shown(self.image)

    def names_below(self, folder: Folder) -> list[str]:
        """Its own name, and those of the folders on the way to it."""
        parts = self.folder.parts[len(folder.parts) :]
        return [self.name, *(unicodedata.normalize("NFC", part) for part in parts)]


@dataclass(frozen=True)
class _Loose:
    """Boxes whose image is not known yet."""

    path: Path
    shown: str


class Search:
    """Finds images and their boxes.

    Args:
        labels: label images of a folder of their own, which bear the images' names.

    Attributes:
        notes: on boxes and images that were left out.
    """

    def __init__(self, labels: Sequence[Path] = ()) -> None:
        self._labels = labels
        self._meant: dict[Path, list[Found]] = {}
        self.notes: list[str] = []

    def run(self, top: Folder) -> list[Found]:
        """Every image in a folder and below, with its boxes or without."""
        images, loose = self._gather(top)
        self._tell(loose)
        return images

    def _gather(self, folder: Folder) -> tuple[list[Found], list[_Loose]]:
        """The images of a folder and below, and the boxes there that belong to none of them."""
        is_top = not folder.parts
        labels = self._labels if is_top and self._labels else folder.labels
        paired = pair(folder.files, labels)
        for one in paired.pairs:
            self._left_out([folder.shown(p) for p in one.left_out], one.taken)
        here = [Found(p.name, folder, p.image, "", p.boxes) for p in paired.pairs]
        loose = [_Loose(p, folder.shown(p)) for p in paired.loose]
        if folder.series:
            here += _series(folder, loose)
        _name(here, folder)
        target = here[0] if len(here) == 1 else _called_image(here)
        if not is_top and target is not None:
            self._give(target, loose)
        images, below = list(here), []
        for inner in folder.below:
            found, lost = self._gather(inner)
            images += found
            below += lost
        if len(images) == 1 and (loose or below):
            self._give_only(folder, images[0], loose, below)
        self._by_name(folder, images, loose)
        apart = [
            _Loose(p, readable(f"{p.parent.name}/{p.name}")) for p in labels if p not in paired.used
        ]
        self._by_name(folder, images, apart)
        self._tell(apart)
        return images, [*loose, *below]

    def _give_only(
        self, folder: Folder, image: Found, loose: list[_Loose], below: list[_Loose]
    ) -> None:
        """Give boxes to the only image of a folder and all below it."""
        if folder.parts:
            if image.folder is not folder:
                image.case_name = "_".join(folder.parts)
        elif image.boxes:
            return  # boxes of other names in a folder of many cases are those of others
        else:
            shown = ", ".join(one.shown for one in [*loose, *below])
            self.notes.append(f"{shown}: taken for {image.shown}, the only image.")
        self._give(image, loose)
        self._give(image, below)

    def _by_name(self, folder: Folder, images: Sequence[Found], loose: list[_Loose]) -> None:
        """Give boxes to images below that have none, by the names on the way to them."""
        if not loose:
            return
        named: dict[str, dict[int, Found]] = {}
        for number, image in enumerate(images):
            if not image.boxes:
                for name in image.names_below(folder):
                    named.setdefault(name, {})[number] = image
        groups: dict[int, list[_Loose]] = {}
        rest = []
        for one in loose:
            best = longest_owner(box_name(one.path), named)
            meant = {} if best is None else named[best]
            if len(meant) == 1:
                groups.setdefault(next(iter(meant)), []).append(one)
                continue
            rest.append(one)
            beside = list(images) if folder.parts and one.path.parent == folder.path else []
            self._meant.setdefault(one.path, [*meant.values()] or beside)
        loose[:] = rest
        for number, group in groups.items():
            self._give(images[number], group)

    def _give(self, image: Found, loose: list[_Loose]) -> None:
        """Give boxes to an image; ROI files come before label images, of which one is taken."""
        rois = {one.path for one in loose if is_prompt(one.path)}
        if rois:
            known = {path for path in image.boxes if is_prompt(path)}
            image.boxes = tuple(sorted(known | rois))
        elif loose and not image.boxes:
            image.boxes = (loose[0].path,)
        rest = [one.shown for one in loose if one.path not in image.boxes]
        self._left_out(rest, image.boxes[0] if image.boxes else None)
        loose.clear()

    def _left_out(self, shown: Sequence[str], taken: Path | None) -> None:
        if taken is not None:
            name = readable(taken.name)
            self.notes += [f"{one}: left out, {name} is taken in its place." for one in shown]

    def _tell(self, loose: Sequence[_Loose]) -> None:
        for one in loose:
            meant = self._meant.get(one.path, [])
            if len(meant) > 1:
                some = ", ".join(image.shown for image in meant[:4])
                words = f"left out, since several images could be meant ({some}). Name it like one."
            else:
                words = "no image was found for it."
            self.notes.append(f"{one.shown}: {words}")


def _series(folder: Folder, loose: list[_Loose]) -> list[Found]:
    """The DICOM series of a folder; or single files of it, where boxes are named like them."""
    found: dict[Path, Found] = {}
    for one in list(loose):
        name = box_name(one.path)
        files = [folder.path / f"{name}{ending}" for ending in SLICES]
        file = next((path for path in files if path.is_file() and not is_prompt(path)), None)
        if file is not None:
            boxes = found[file].boxes if file in found else ()
            found[file] = Found(name, folder, file, "", (*boxes, one.path))
            loose.remove(one)
    own = folder.path.name or folder.path.resolve().name
    whole = [] if found and not loose else [Found(own, folder, folder.path, "")]
    return [*found.values(), *whole]


def _name(here: Sequence[Found], folder: Folder) -> None:
    """Name the cases of a folder: after it, and after the image where there are several."""
    base = "_".join(folder.parts)
    for image in here:
        parts = [base, image.name] if base and len(here) > 1 and image.image != folder.path else []
        image.case_name = "_".join(parts) or base or image.name


def _called_image(here: Sequence[Found]) -> Found | None:
    return next((image for image in here if image.name.lower() == "image"), None)
