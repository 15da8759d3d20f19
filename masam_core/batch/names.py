"""Names of files for cases: fit for every system, and no two alike."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from masam_core.batch.case import BatchCase
from masam_core.image.readable import readable

MOST_BYTES = 120  # with an ending well below the 143 of encrypted disks, and the 255 of others
_UNFIT = re.compile(r'[<>:"/\\|?*\x00-\x1f\ufffd]')
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d\u00b9\u00b2\u00b3])\s*(\..*)?", re.IGNORECASE
)


def safe_name(name: str) -> str:
    """A case's name as a file's, on every system; one that is too long is cut, with a digest."""
    safe = _UNFIT.sub("_", unicodedata.normalize("NFC", readable(name))).rstrip(". ") or "_"
    if safe.startswith((".", "-")):  # hidden, or an option to whoever types it
        safe = f"_{safe[1:]}"
    if _RESERVED.fullmatch(safe):
        safe = f"_{safe}"
    if len(safe.encode()) <= MOST_BYTES:
        return safe
    return safe.encode()[: MOST_BYTES - 9].decode("utf-8", "ignore") + f"~{_digest(name)}"


def file_key(name: str) -> str:
    """What is the same for two names that some system takes for one file."""
    return unicodedata.normalize("NFC", safe_name(name).casefold())


def distinct(cases: Sequence[BatchCase], root: Path) -> tuple[list[BatchCase], list[str]]:
    """Cases whose results are files of their own on every system, and notes for the user.

    Cases that share a name get the name of their folder before it, or the ending of their image
    behind it, or a digest of where it lies: the same names in every run, whatever comes beside.

    Args:
        cases: of a batch.
        root: folder of its input.
    """
    ways = (_with_folder, _with_ending, partial(_with_digest, root=root))
    named = [replace(case, name=readable(case.name).strip() or "_") for case in cases]
    counts = Counter(file_key(case.name) for case in named)
    notes = []
    for group in _groups(named, counts):
        first = named[group[0]].name
        del counts[file_key(first)]  # those that are left are others'
        for way in ways:
            trial = [way(named[n]) for n in group]
            keys = {file_key(name) for name in trial}
            if len(keys) == len(group) and not any(counts[key] for key in keys):
                break
        else:
            trial = [f"{way(named[n])} ({number})" for number, n in enumerate(group, 1)]
        for n, name in zip(group, trial, strict=True):
            named[n] = replace(named[n], name=name)
            counts[file_key(name)] += 1
        some = ", ".join(trial[:3]) + (", ..." if len(trial) > 3 else "")
        notes.append(
            f"{len(group)} cases would all be called {first} on some system; their results are "
            f"called {some}."
        )
    return named, notes


def _with_folder(case: BatchCase) -> str:
    return f"{readable(case.image.parent.name)}_{case.name}"


def _with_ending(case: BatchCase) -> str:
    return readable(case.image.name)


def _with_digest(case: BatchCase, root: Path) -> str:
    places = [os.path.relpath(path, root) for path in (case.image, *case.boxes)]
    return f"{case.name}~{_digest(*places)}"


def _groups(cases: Sequence[BatchCase], counts: Mapping[str, int]) -> list[list[int]]:
    """The numbers of cases that share a name."""
    found: dict[str, list[int]] = {}
    for number, case in enumerate(cases):
        if counts[key := file_key(case.name)] > 1:
            found.setdefault(key, []).append(number)
    return list(found.values())


def _digest(*words: str) -> str:
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:8]
