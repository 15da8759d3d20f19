"""Images and boxes in an object store (``s3://`` and what else fsspec knows), a case at a time.

A place in a store is a ``Path`` that begins with its protocol, as ``Path("s3://bucket/a.nii")``
does: it has names, endings and parents as others have, and :func:`url_of` gives the address back.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from masam_core.batch.case import BatchCase
from masam_core.errors import ConfigError, VolumeError
from masam_core.image.readable import readable

# Two letters and more: C: is a drive.
_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.DOTALL)
_HEADERS = (".mhd", ".nhdr", ".hdr")  # have their voxels in files beside them
_TAGS = ("ETag", "etag", "md5Hash", "crc32c", "checksum", "LastModified", "mtime", "created")
_MOST_KNOWN = 5_000_000
_known: dict[str, list[int | str]] = {}


def url_of(path: Path) -> str | None:
    """The address of a place in a store; None for a file of this machine.

    >>> url_of(Path("s3://bucket/a.nii.gz")), url_of(Path("/data/a.nii.gz"))
    ('s3://bucket/a.nii.gz', None)
    """
    match = _URL.fullmatch(path.as_posix())
    return f"{match[1]}://{match[2]}" if match else None


def absolute(path: Path) -> Path:
    """A path from the root; a place in a store as it is."""
    return path if url_of(path) else path.absolute()


def absolute_case(case: BatchCase) -> BatchCase:
    """A case whose paths hold in every folder."""
    boxes = tuple(absolute(box) for box in case.boxes)
    return replace(case, image=absolute(case.image), boxes=boxes)


def list_store(url: str, folder: Path) -> list[str]:
    """Mirror the names below an address as empty files, and remember what the store says of each.

    Args:
        url: of a folder in a store.
        folder: of this machine, in which the files are made.

    Returns:
        Notes for people on names that no folder of this machine can have.

    Raises:
        ConfigError: the store can't be listed.
    """
    store, root = _open(url)
    try:
        found: dict[str, Any] = store.find(root, detail=True)
    except Exception as error:  # each store has its own
        raise ConfigError(f"{url} can't be listed: {_why(error)}") from error
    protocol = url.partition("://")[0]
    start = root.rstrip("/") + "/"
    odd = []
    for name, facts in found.items():
        if not name.startswith(start) or name.endswith("/"):
            continue
        # A store takes any name, also one that leads out of the folder here.
        inside = name[len(start) :]
        target = folder / inside
        try:
            if Path(inside).is_absolute() or {"..", "."} & set(
                inside.replace("\\", "/").split("/")
            ):
                raise ValueError(inside)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        except (OSError, ValueError):
            odd.append(readable(inside))
            continue
        if len(_known) < _MOST_KNOWN:
            _known[f"{protocol}://{name}"] = _stamp(facts)
    if not odd:
        return []
    more = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
    return [f"{url}: left out, since no file here can have such a name: {odd[0]}{more}."]


def stamps(path: Path) -> list[int | str] | None:
    """Number of files, bytes, 0 and what tells their content, of a place; None if it is not there.

    As ``image`` of ``case_files``. A store tells its files' content by a tag of its own, so that
    nothing is fetched to see whether it has changed.
    """
    url = str(url_of(path))
    if url in _known:
        return _known[url]
    store, place = _open(url)
    try:
        facts = store.info(place)
        if facts.get("type") != "directory":
            return _stamp(facts)
        files = [one for one in store.ls(place, detail=True) if one.get("type") == "file"]
    except Exception:  # it is said when the case is run
        return None
    each = [_stamp(one) for one in sorted(files, key=lambda one: str(one["name"]))]
    return [len(each), sum(int(one[1]) for one in each), 0, ",".join(str(one[3]) for one in each)]


class Fetched:
    """A case whose files are on this machine until it is closed.

    Attributes:
        case: with the paths here; the same where nothing had to be fetched.
    """

    def __init__(self, case: BatchCase) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._urls: dict[str, str] = {}
        self.case = case
        if any(url_of(path) for path in (case.image, *case.boxes)):
            # What can't be removed, e.g. while Windows holds it open, must not end the batch.
            self._folder = tempfile.TemporaryDirectory(prefix="masam-", ignore_cleanup_errors=True)
            root = Path(self._folder.name)
            try:
                image = self._get(case.image, root / "image")
                boxes = [self._get(p, root / f"boxes{n}") for n, p in enumerate(case.boxes)]
            except BaseException:
                self.close()
                raise
            self.case = replace(case, image=image, boxes=tuple(boxes))

    def __enter__(self) -> Fetched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was fetched."""
        if self._folder is not None:
            self._folder.cleanup()

    def in_words(self, text: str) -> str:
        """A message with addresses in place of this machine's paths."""
        for path, url in self._urls.items():
            text = text.replace(path, url)
        return text

    def _get(self, path: Path, folder: Path) -> Path:
        url = url_of(path)
        if url is None:
            return path
        folder.mkdir()
        store, place = _open(url)
        target = folder / path.name
        self._urls[str(target)] = url
        try:
            if store.info(place).get("type") == "directory":
                target.mkdir()
                _get_all(store, (p for p in store.ls(place, detail=True)), target)
            else:
                store.get_file(place, str(target))
                if path.suffix.lower() in _HEADERS:
                    _get_all(store, _beside(store, place, path), folder)
        except Exception as error:  # each store has its own
            raise VolumeError(f"{url} can't be fetched: {_why(error)}") from error
        return target


def _get_all(store: Any, files: Iterable[Any], folder: Path) -> None:
    for one in files:
        target = folder / Path(one["name"]).name
        if one.get("type") == "file" and not target.exists():
            store.get_file(one["name"], str(target))


def _beside(store: Any, place: str, path: Path) -> list[Any]:
    """The files whose names begin as the header's does."""
    parent = place.rpartition("/")[0]
    own = f"{parent}/{path.stem}."
    return [one for one in store.ls(parent, detail=True) if str(one["name"]).startswith(own)]


def _open(url: str) -> tuple[Any, str]:
    """The store, and the place in it as the store writes it."""
    try:
        from fsspec.core import url_to_fs

        store, place = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"{url} can't be opened: {_why(error)} For s3:// install 'masam[cloud]', for others "
            "their package of fsspec."
        ) from error
    return store, str(place)


def _stamp(facts: dict[str, Any]) -> list[int | str]:
    tag = next((str(facts[name]) for name in _TAGS if facts.get(name)), "")
    return [1, int(facts.get("size") or 0), 0, tag]


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not there."
    words = readable(" ".join(str(error).split()) or type(error).__name__)
    return words[:300].rstrip(".") + "."
