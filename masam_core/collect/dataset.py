"""The data set that is written: the folder layout of ``masam train`` and ``masam evaluate``.

``index.csv`` has a row for each lesion; its image, shared by the lesions of one image, its mask and
its prompts lie in ``images/IMAGE/``. ``collected.json`` says how patients were divided. Nothing in
it says whose images they are: names are keyed digests (:mod:`masam_core.collect.patients`).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.atomic import atomic_path, write_text
from masam_core.collect import HELD_OUT
from masam_core.collect.found import FoundImage, FoundLesion
from masam_core.collect.patients import Pseudonyms
from masam_core.errors import BoxError, ConfigError, MasamError
from masam_core.export.formats.label_image import write_image
from masam_core.image.volume import read_labels
from masam_core.jsonfile import read_json
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import first_from_dict
from masam_core.spreadsheet import read_table, write_table
from masam_core.targets import require_folder

FORMAT = 1
INDEX, ABOUT, IMAGES = "index.csv", "collected.json", "images"
ADDED, RENEWED, KNOWN, OTHER = "added", "renewed", "known", "other"


@dataclass(frozen=True)
class Row:
    """A line of the index: one lesion.

    ``case`` and ``patient`` are keyed digests, ``case`` begins with the lesion's kind; ``split`` is
    train or val (held out); ``image``, ``label`` and ``prompts`` are files; ``box`` the prompt's
    box, or else the mask's, as i0 i1 j0 j1 k0 k1 in voxels; ``corrected`` says why it counts as put
    right; ``origin`` what it was found in, ``source`` a keyed digest of where; ``model`` made the
    first mask.
    """

    case: str
    patient: str
    split: str
    modality: str
    kind: str
    image: str
    label: str
    box: str
    prompts: str
    corrected: str
    origin: str
    source: str
    model: str
    licence: str = "unknown"


class CollectedData:
    """A folder of collected lesions: new, or gone on with.

    Args:
        folder: of the data set; made when the first lesion is added.
        held_out: share of the patients that are held out.
        seed: by which they are chosen.

    Raises:
        ConfigError: a folder with something else in it, or collected by another user, seed, share.
    """

    def __init__(self, folder: Path, held_out: float = HELD_OUT, seed: int = 0) -> None:
        self.folder = folder
        self._names = Pseudonyms()
        self._about: dict[str, Any] = {
            "format": FORMAT,
            "held_out": held_out,
            "seed": seed,
            "key": self._names.of("whose key"),
        }
        self.rows: list[Row] = []
        if (folder / ABOUT).is_file():
            self._open()
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                f"{folder} holds something that 'masam collect' has not written. Choose a new "
                "folder, or one of an earlier collection."
            )

    def _open(self) -> None:
        kept = read_json(self.folder / ABOUT, "account of collected lesions")
        words = {
            "format": "by another version of MASAM",
            "key": "by another user or on another machine, so the same patient would get two names",
            "held_out": "with another share held out (--held-out {})",
            "seed": "with another seed (--seed {})",
        }
        for name, why in words.items():
            found = kept.get(name) if isinstance(kept, dict) else None
            if found != self._about[name]:
                raise ConfigError(
                    f"{self.folder} was collected {why.format(found)}. Choose another folder, or "
                    "go on as it was begun."
                )
        try:
            rows = read_table(self.folder / INDEX) if (self.folder / INDEX).exists() else []
            names = [field.name for field in fields(Row)]
            self.rows = [Row(**{name: row[name] for name in names}) for row in rows]
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise ConfigError(f"{self.folder / INDEX} can't be read: {error}.") from error

    def add(self, image: FoundImage, lesion: FoundLesion, newest: bool = False) -> str:
        """Write a lesion, and its image where that is new; the index is written by :meth:`close`.

        Returns:
            ADDED; KNOWN where it is there already; RENEWED where its source has another mask now;
            OTHER where the same lesion of another source has another mask: that one stays, unless
            ``newest`` says that this one counts (then RENEWED).

        Raises:
            ConfigError, WriteError: it can't be written.
        """
        key = self._names.of("lesion", image.voxels_digest, lesion.identity)
        source = self._names.of("source", str(image.source.resolve()))
        number = next((n for n, row in enumerate(self.rows) if row.case.endswith(key)), None)
        row = self._row(image, lesion, key, source)
        if number is not None:
            kept = self.rows[number]
            same = self._holds(kept, lesion)
            if not same and kept.source != source and not newest:
                return OTHER
            if same or not newest:
                source = kept.source
            row = replace(row, case=kept.case, patient=kept.patient, split=kept.split)
            row = replace(row, image=kept.image, label=kept.label, source=source)
            row = replace(row, prompts=kept.prompts or row.prompts)
            if same and row == kept:
                return KNOWN
        self._write(image, lesion, row)
        if number is None:
            self.rows.append(row)
            return ADDED
        self.rows[number] = row
        return KNOWN if same else RENEWED

    def close(self) -> None:
        """Divide the new patients, and write the index.

        Of all patients the stated share is held out, at least one as soon as there are two; whoever
        has been divided stays where he is, whatever comes later.
        """
        splits = {row.patient: row.split for row in self.rows if row.split}
        for patient in sorted({r.patient for r in self.rows} - set(splits), key=self._order):
            held, count = sum(split == "val" for split in splits.values()), len(splits) + 1
            wanted = max(round(self._about["held_out"] * count), int(count > 1))
            splits[patient] = "val" if held < wanted else "train"
        self.rows = [replace(row, split=splits[row.patient]) for row in self.rows]
        if self.rows:
            columns = [field.name for field in fields(Row)]
            write_table(self.folder / INDEX, columns, map(astuple, self.rows), mark=False)

    def patients(self, split: str) -> int:
        """How many patients are in a split."""
        return len({row.patient for row in self.rows if row.split == split})

    def _row(self, image: FoundImage, lesion: FoundLesion, key: str, source: str) -> Row:
        kind = re.sub("[^a-z]", "", lesion.kind.lower()) or "lesion"
        case = f"{kind}-{key}"
        # The same voxels may lie at two places, e.g. in a copy that was registered.
        place = str(np.round(image.volume.geometry.ijk_to_lps, 1).tolist())
        folder = f"{IMAGES}/{self._names.of('image', image.voxels_digest, place)}"
        path = f"{folder}/image.nii.gz"
        # An image that is here already is the same patient's, whatever its source says now.
        here = next((kept.patient for kept in self.rows if kept.image == path), "")
        told = image.volume.kind if image.volume.kind != "other" else ""
        return Row(
            case=case,
            patient=here or f"p{self._names.of('patient', image.patient_key)}",
            split="",
            modality=image.volume.modality or told,
            kind=lesion.kind,
            image=path,
            label=f"{folder}/{case}.nii.gz",
            box=_box(image, lesion),
            prompts=f"{folder}/{case}.json" if lesion.prompts else "",
            corrected=lesion.corrected.value,
            origin=image.origin,
            source=source,
            model=lesion.model,
        )

    def _write(self, image: FoundImage, lesion: FoundLesion, row: Row) -> None:
        target = self.folder / row.image
        require_folder(target.parent, ConfigError)
        if not (self.folder / ABOUT).exists():
            write_text(self.folder / ABOUT, json.dumps(self._about, indent=1))
            write_text(self.folder / "README.txt", _README.format(**self._about))
        geometry = image.volume.geometry
        if not target.exists():
            with atomic_path(target) as file:
                write_image(file, _writable(image.volume.array), geometry)
        with atomic_path(self.folder / row.label) as file:
            write_image(file, lesion.mask.astype(np.uint8), geometry)
        if row.prompts:
            write_text(self.folder / row.prompts, json.dumps(_nameless(lesion.prompts), indent=1))

    def _holds(self, row: Row, lesion: FoundLesion) -> bool:
        """Whether the mask that is kept is the lesion's."""
        try:
            kept, _ = read_labels(self.folder / row.label)
        except MasamError:
            return False  # damaged or gone: it is written again
        return np.array_equal(kept > 0, lesion.mask)

    def _order(self, patient: str) -> str:
        return hashlib.sha256(f"{self._about['seed']} {patient}".encode()).hexdigest()


def _box(image: FoundImage, lesion: FoundLesion) -> str:
    """The prompt's box in voxels, or else the mask's: i0 i1 j0 j1 k0 k1."""
    first = lesion.prompts.get("first")
    if isinstance(first, dict) and first.get("kind") == "box":
        try:
            box = first_from_dict(first, image.volume.geometry)
        except BoxError:
            box = None
        if isinstance(box, BoxPrompt):
            ends = np.stack([box.corners_ijk.min(axis=0) + 0.5, box.corners_ijk.max(axis=0) - 0.5])
            last = np.array(image.volume.geometry.size_ijk) - 1  # a box may reach out of the image
            return " ".join(f"{value:.2f}" for value in np.clip(ends, 0, last).T.ravel())
    return " ".join(str(value) for value in tight_box(lesion.mask))


def _nameless(prompts: Mapping[str, Any]) -> dict[str, Any]:
    """Prompts without the lesion's name, which may say whose it is."""
    first = prompts.get("first")
    return {**prompts, "first": {**first, "name": ""}} if isinstance(first, dict) else dict(prompts)


def _writable(array: NDArray[Any]) -> NDArray[Any]:
    """Values as NIfTI holds them."""
    if array.dtype == np.float16:
        return array.astype(np.float32)
    return array.astype(np.uint8) if array.dtype == bool else array


_README = """Lesions that were put right by hand, gathered by 'masam collect'.

index.csv       a line a lesion; 'masam train' and 'masam evaluate' read this folder
images/         each image with the masks and prompts of its lesions
collected.json  how the patients were divided: {held_out:.0%} of them are held out (split val),
                chosen by a digest with the seed {seed}; nobody changes sides later

Patients, cases and sources have names that only this user's own key connects with anything. The
images are the patients' all the same: keep them where such images may be kept. Their licence is
unknown.
"""
