"""Prompts that were stored with their results: read again, to be run again or gone on with."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from masam_core.errors import BoxError, VolumeError
from masam_core.image.formats.nrrd_header import read_header
from masam_core.jsonfile import read_json
from masam_core.prompts import tags
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord

if TYPE_CHECKING:
    from masam_core.image.volume import Volume

SEGMENTATION, JSON, SCENES = ".seg.nrrd", ".json", (".mrb", ".mrml")
MOST_SCENE_BYTES = 64 << 20  # of a scene's text
_FILE = re.compile(r'fileName="([^"]+)"')


@dataclass(frozen=True)
class _Stored:
    """What a file says of one lesion: as a record's dict, or as a segment's tags."""

    name: str
    source: str
    values: Any = None
    tags: Mapping[str, str] | None = None


def read_records(path: Path, volume: Volume, only: tuple[str, ...] = ()) -> list[PromptRecord]:
    """The prompts of every lesion in a file of results.

    ``.seg.nrrd``, a scene (``.mrb``, ``.mrml``) or JSON: what ``masam segment --json`` prints, a
    record (``PromptRecord.to_dict``) or a list of them. Segments of an earlier version give their
    box. In a scene of several images those of this image are taken, where any is known to be.

    Args:
        path: its ending says what it is.
        volume: the image on which they are used.
        only: names of the lesions that are wanted; all if there is none.

    Raises:
        BoxError: another ending, a missing or damaged file, no prompts in it, a name that is not
            there, prompts outside the image, or lesions of several other images.
    """
    found = list(_stored(path))
    if not found:
        raise BoxError(f"{path} holds no prompts: no lesion in it was made by MASAM.")
    missing = [name for name in only if name not in {each.name for each in found}]
    if missing:
        known = ", ".join(f"'{each.name}'" for each in found)
        raise BoxError(f"{path} holds no lesion '{missing[0]}'; it holds {known}.")
    chosen = [each for each in found if not only or each.name in only]
    if not only:
        chosen = _of_image(path, chosen, volume.content_hash)
    return [_record(each, volume) for each in chosen]


def _of_image(path: Path, found: list[_Stored], content_hash: str) -> list[_Stored]:
    """Those of one image, by the digests that a scene keeps of it."""
    hashes = {(each.tags or {}).get(tags.VOLUME, "") for each in found}
    if content_hash in hashes:
        return [each for each in found if (each.tags or {}).get(tags.VOLUME) == content_hash]
    if len(hashes) > 1:
        known = ", ".join(f"'{each.name}'" for each in found)
        raise BoxError(
            f"{path} holds lesions of {len(hashes)} images, and of none is it known that it is "
            f"this one; say which are meant by their names: {known}."
        )
    return found


def _record(stored: _Stored, volume: Volume) -> PromptRecord:
    source, geometry = f"{stored.source}, lesion '{stored.name}'", volume.geometry
    values = stored.values
    if stored.tags is not None and tags.PROMPTS in stored.tags:
        try:
            values = tags.from_tag(stored.tags[tags.PROMPTS])
        except ValueError as error:
            raise BoxError(f"{source}: its prompts are damaged.") from error
    try:
        if values is not None:
            record = PromptRecord.from_dict(values, geometry, source)
        else:
            record = PromptRecord(_box(stored.tags or {}, volume))
        record.first.require_inside(geometry.canonical_frame())
    except BoxError as error:
        words = str(error)
        raise BoxError(words if words.startswith(source) else f"{source}: {words}") from error
    return replace(record, first=record.first.renamed(stored.name or record.name))


def _box(found: Mapping[str, str], volume: Volume) -> BoxPrompt:
    try:
        corners = np.array(found[tags.BOX].split(), dtype=np.float64).reshape(8, 3)
    except ValueError as error:
        raise BoxError("its box is damaged.") from error
    return BoxPrompt(volume.geometry.ijk_from_lps(corners))


def _stored(path: Path) -> Iterator[_Stored]:
    name = path.name.lower()
    if not path.is_file():
        raise BoxError(f"There is no file of prompts at {path}.")
    try:
        if name.endswith(SEGMENTATION):
            with path.open("rb") as file:
                yield from _segments(read_header(file, path).keys, str(path))
        elif name.endswith(".mrb"):
            yield from _in_bundle(path)
        elif name.endswith(".mrml"):
            yield from _beside_scene(path)
        elif name.endswith(JSON) and not name.endswith(".mrk.json"):
            yield from _in_json(path)
        else:
            raise BoxError(
                f"'{path.name}' is no file of stored prompts; expected {SEGMENTATION}, "
                f"{', '.join(SCENES)}, or the {JSON} of 'masam segment --json'."
            )
    except (VolumeError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BoxError(f"{path} can't be read: {error}") from error


def _segments(keys: Mapping[str, str], source: str) -> Iterator[_Stored]:
    """Every segment that MASAM made, by the key/value pairs of a ``.seg.nrrd`` header."""
    number = 0
    while (own := f"segment{number}_") + "id" in keys:
        number += 1
        found = {}
        for tag in keys.get(f"{own}tags", "").split("|"):
            name, _, value = tag.partition(":")
            found[name] = value
        if tags.PROMPTS in found or found.get(tags.BOX):
            yield _Stored(keys.get(f"{own}name", "").replace("\\\\", "\\"), source, None, found)


def _in_bundle(path: Path) -> Iterator[_Stored]:
    with zipfile.ZipFile(path) as bundle:
        for member in bundle.infolist():
            if member.filename.lower().endswith(SEGMENTATION):
                with bundle.open(member) as file:
                    header = read_header(file, path)  # type: ignore[arg-type]
                yield from _segments(header.keys, f"{path}, {Path(member.filename).name}")


def _beside_scene(path: Path) -> Iterator[_Stored]:
    with path.open("rb") as file:
        text = file.read(MOST_SCENE_BYTES).decode("utf-8", "replace")
    for name in dict.fromkeys(_FILE.findall(text)):
        if not name.lower().endswith(SEGMENTATION):
            continue
        written = html.unescape(name)
        target = next(
            (t for t in (path.parent / written, path.parent / unquote(written)) if t.is_file()),
            None,
        )
        if target is None:
            raise BoxError(f"{path}: its segmentation {written} is not beside it.")
        yield from _stored(target)


def _in_json(path: Path) -> Iterator[_Stored]:
    content = read_json(path, "file of stored prompts (.json)", BoxError)
    listed = content.get("lesions") if isinstance(content, dict) else content
    if listed is None:
        listed = [content]
    for number, entry in enumerate(listed if isinstance(listed, list) else (), 1):
        if not isinstance(entry, dict):
            raise BoxError(f"{path}: entry {number} is {entry!r:.60}; expected a lesion's prompts.")
        values = entry.get("prompts", entry if "first" in entry else None)
        if values is None:
            continue
        first = values.get("first") if isinstance(values, dict) else None
        name = entry.get("name") or (first.get("name") if isinstance(first, dict) else "")
        yield _Stored(str(name or f"lesion {number}"), str(path), values)
