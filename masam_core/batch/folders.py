"""A folder of images, boxes and DICOM slices, with all that lies below it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from masam_core.batch.pairing import is_image, is_prompt
from masam_core.batch.states import holds_results
from masam_core.image.formats.dicom.headers import looks_like_dicom
from masam_core.image.readable import readable

DEPTH = 8  # patient, study, series, and room to spare
MOST_FOLDERS = 20_000
_OF_SYSTEMS = {"__macosx", "@eadir", "$recycle.bin", "system volume information"}
SLICES = (".dcm", ".ima", ".dicom")
_HEAD_BYTES = 256
_IMAGES = re.compile(r"images(.*)", re.IGNORECASE)  # of nnU-Net and the Decathlon: imagesTr


@dataclass
class Folder:
    """One folder.

    Attributes:
        path: of the folder.
        parts: names of the folders from the batch's input to this one.
        files: images and boxes directly in it.
        series: whether it directly holds DICOM slices.
        labels: label images of another folder that bear its images' names.
        below: its sub-folders.
    """

    path: Path
    parts: tuple[str, ...] = ()
    files: list[Path] = field(default_factory=list)
    series: bool = False
    labels: list[Path] = field(default_factory=list)
    below: list[Folder] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Its path within the input, for people; empty for the input itself."""
        return readable("/".join(self.parts))

    def shown(self, path: Path) -> str:
        """The path of a file or folder in it within the input, for people."""
        return readable("/".join([*self.parts, path.name]))

    def all(self) -> Iterator[Folder]:
        """This folder and all below it."""
        yield self
        for folder in self.below:
            yield from folder.all()


def look_through(source: Path, apart: Collection[Path]) -> tuple[Folder, list[str]]:
    """Folders of an input, and notes on what could not be looked into.

    Hidden folders, those of operating systems and those of results are passed over.

    Args:
        source: the input.
        apart: resolved folders that hold no cases.
    """
    notes: list[str] = []
    seen = {source.resolve()}

    def look(folder: Folder) -> None:
        try:
            entries = sorted(folder.path.iterdir())
            files = [p for p in entries if not p.name.startswith(".") and p.is_file()]
            below = [p for p in entries if _may_hold_cases(p)]
        except OSError as error:
            reason = error.strerror or error
            notes.append(f"{folder.words or source}: it can't be opened ({reason}).")
            return
        folder.files = [p for p in files if is_image(p) or is_prompt(p)]
        known = set(folder.files)
        folder.series = any(_is_slice(p) for p in files if p not in known)
        labels = _label_folders(below)
        for path in below:
            place = path.resolve()
            if place in seen or place in apart or path in labels.values() or holds_results(path):
                continue  # a link that leads back, label images, or the results of a batch
            if len(folder.parts) == DEPTH or len(seen) > MOST_FOLDERS:
                notes.append(f"{folder.shown(path)}: it lies too deep, or after too many folders.")
                continue
            seen.add(place)
            inner = Folder(path, (*folder.parts, path.name))
            if path in labels:
                inner.labels = label_files(labels[path])
            look(inner)
            folder.below.append(inner)

    top = Folder(source)
    look(top)
    return top, notes


def label_files(folder: Path) -> list[Path]:
    """The label images directly in a folder."""
    return sorted(p for p in folder.iterdir() if is_image(p) and p.is_file())


def _label_folders(folders: list[Path]) -> dict[Path, Path]:
    """Folder of images to that of their labels: imagesTr and labelsTr."""
    named = {p.name.lower(): p for p in folders}
    found = {}
    for name, path in named.items():
        match = _IMAGES.fullmatch(name)
        if match and f"labels{match[1]}" in named:
            found[path] = named[f"labels{match[1]}"]
    return found


def _may_hold_cases(path: Path) -> bool:
    if path.name.startswith(".") or path.name.lower() in _OF_SYSTEMS:
        return False
    return path.is_dir()


def _is_slice(path: Path) -> bool:
    """Whether a file is DICOM; by its first bytes, since many have no ending or a number for it."""
    ending = path.suffix.lower()
    if ending in SLICES:
        return True  # a damaged one is told when it is read
    if path.name.upper() == "DICOMDIR":
        return False  # a table of contents
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    may_lack_magic = not ending or ending[1:].isdigit()
    return head[128:132] == b"DICM" or (may_lack_magic and looks_like_dicom(head))
