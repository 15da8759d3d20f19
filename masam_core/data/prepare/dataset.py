"""What is known of a data set before a file of it is opened, and what was found of it on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from masam_core.video.pictures import Colour

MARK = "prepared.json"  # in a folder that was prepared: of which data set


@dataclass(frozen=True)
class Found:
    """One case as it lies in its owner's folder.

    Attributes:
        name: of the case, in the prepared folder.
        patient: patients are never split.
        modality: CT, MR or video.
        split: train, val or test.
        image: volume, or the frames of a video in their order.
        label: label image, or one colour-coded picture a frame.
        site: where it was acquired, if the data set tells sites apart.
    """

    name: str
    patient: str
    modality: str
    split: str
    image: Path | tuple[Path, ...]
    label: Path | tuple[Path, ...]
    site: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of the case."""
        out: tuple[Path, ...] = ()
        for part in (self.image, self.label):
            out += part if isinstance(part, tuple) else (part,)
        return out


@dataclass
class Survey:
    """What was found in a source: cases, and what is wrong or missing, in words."""

    cases: list[Found] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """A public data set.

    Attributes:
        name: on the command line.
        title: its full name.
        what: cases, modality, classes, in a line.
        offered: where its owner offers it.
        size: of the download, about; "unchecked" where no other source confirmed it.
        licence: its terms; who downloads it has agreed to them.
        said: where the licence is said, and what of it could not be checked.
        citation: to be given wherever it is used.
        expects: what SOURCE is, in words.
        classes: label values and names; 0 is background and left out.
        survey: find the cases below a folder.
        split: how cases were divided, in a sentence for the folder's own account of itself.
        merged: label values that count as another, e.g. zones of one gland.
        colours: of each label value, where labels are colour-coded pictures.
        lists: further case lists by file name: of each found case its split in that list, or None
            where it takes no part.
    """

    name: str
    title: str
    what: str
    offered: str
    size: str
    licence: str
    said: str
    citation: str
    expects: str
    classes: Mapping[int, str]
    survey: Callable[[Path], Survey]
    split: str
    merged: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)
    lists: Mapping[str, Callable[[Found], str | None]] = field(default_factory=dict)


def paired(
    images: Mapping[str, Path], labels: Mapping[str, Path], survey: Survey
) -> list[tuple[str, Path, Path]]:
    """Images and labels with one key, in order; what lacks its counterpart is noted as missing."""
    for key in sorted(set(images) - set(labels)):
        survey.missing.append(f"the label of {images[key].name}")
    for key in sorted(set(labels) - set(images)):
        survey.missing.append(f"the image of {labels[key].name}")
    return [(key, images[key], labels[key]) for key in sorted(set(images) & set(labels))]


def listed(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder that match, in order; macOS's companions (``._name``) are none."""
    return sorted(p for p in folder.glob(pattern) if not p.name.startswith(".") and p.is_file())
