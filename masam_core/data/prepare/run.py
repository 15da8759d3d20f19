"""Prepare a data set: look through all of it, then write case by case; goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from masam_core.atomic import write_text
from masam_core.data.prepare.check import problems_of
from masam_core.data.prepare.dataset import MARK, Found, Survey
from masam_core.data.prepare.lists import with_splits, write_account, write_lists
from masam_core.data.prepare.registry import dataset as dataset_of
from masam_core.data.prepare.write import is_written, write_case
from masam_core.errors import ConfigError
from masam_core.targets import require_folder

TOLD = 12  # problems that a message lists

Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Options:
    """How to prepare.

    Attributes:
        validation: share of the training patients that is held out as ``val``.
        splits: CSV or pickled lists, in place of the data set's own split.
        partial: take what is there and sound, and leave the rest out.
        image_geometry: a label of its image's size takes the image's place in space.
    """

    validation: float = 0.0
    splits: Path | None = None
    partial: bool = False
    image_geometry: bool = False


@dataclass(frozen=True)
class Prepared:
    """What was done: cases, how many of them were there already, lists, and notes for the user."""

    folder: Path
    cases: tuple[Found, ...]
    kept: int
    lists: tuple[str, ...]
    notes: tuple[str, ...]


def prepare(
    name: str,
    source: Path,
    folder: Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Prepare a public data set.

    Args:
        name: of the data set, see :mod:`masam_core.data.prepare.registry`.
        source: folder of the owner's files; nothing in it is changed.
        folder: to write.
        options: see :class:`Options`.
        progress: called with what is being done, number, count and name of each case.

    Returns:
        What was done. A second run writes only what the first did not finish.

    Raises:
        ConfigError: an unknown name, something missing or wrong in the source (all of it is told
            before anything is written), or a folder that holds something else.
        WriteError: no room, or no right to write.
    """
    options, tell = options or Options(), progress or _silent
    wanted = dataset_of(name)
    if not source.is_dir():
        raise ConfigError(f"{source} is no folder; expected {wanted.expects}.")
    _require_place(folder, source, name)
    found = wanted.survey(source)
    notes = _require_all(found, source, wanted.expects, options)
    done = {c.name for c in found.cases if is_written(folder, c, wanted, options.image_geometry)}
    problems: dict[str, list[str]] = {}
    for number, case in enumerate(found.cases):
        tell("Looking through", number, len(found.cases), case.name)
        if case.name not in done:
            problems[case.name] = problems_of(case, wanted, options.image_geometry)
    wrong = [problem for own in problems.values() for problem in own]
    if wrong and not options.partial:
        raise ConfigError(_listed(f"{source} can't be prepared. Nothing was written", wrong))
    notes += [f"Left out: {problem}" for problem in wrong]
    sound = [case for case in found.cases if not problems.get(case.name)]
    if not sound:
        raise ConfigError(_listed(f"{source} holds no case that can be prepared", wrong))
    cases = with_splits(sound, options.splits, options.validation)
    if options.splits is not None:
        notes.append(f"The split is that of {options.splits.name}.")
    if options.validation:
        notes.append(f"{options.validation:.0%} of the training patients validate, by their hash.")
    if options.image_geometry:
        notes.append("Labels of an image's size were taken to lie where the image does.")

    require_folder(folder)
    write_text(folder / MARK, json.dumps({"dataset": name}) + "\n")
    for number, case in enumerate(cases):
        tell("Writing", number, len(cases), case.name)
        if case.name not in done:
            write_case(folder, case, wanted, options.image_geometry)
    write_account(folder, cases, wanted, notes)
    lists = write_lists(folder, cases, wanted)
    return Prepared(folder, tuple(cases), len(done), tuple(lists), tuple(notes))


def _require_all(found: Survey, source: Path, expects: str, options: Options) -> list[str]:
    if not found.cases:
        raise ConfigError(
            _listed(f"{source} is not what was expected, {expects}. Missing", found.missing)
        )
    if found.missing and not options.partial:
        advice = "Nothing was written; --partial takes what is there. Missing"
        raise ConfigError(_listed(f"{source} is not complete. {advice}", found.missing))
    return [f"Missing in the source: {thing}" for thing in found.missing]


def _require_place(folder: Path, source: Path, name: str) -> None:
    """Refuse a folder in which something else lies, or the source itself."""
    if folder.resolve() == source.resolve():
        raise ConfigError(f"{folder} is the source itself; choose another folder to write.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    try:
        before = json.loads((folder / MARK).read_text(encoding="utf-8")).get("dataset")
    except (OSError, ValueError, AttributeError):
        before = None
    if before != name:
        what = f"the data set {before}" if before else "other files"
        raise ConfigError(f"{folder} holds {what} already; choose an empty or a new folder.")


def _listed(start: str, things: list[str]) -> str:
    shown = "".join(f"\n- {thing}" for thing in things[:TOLD])
    more = f"\n- and {len(things) - TOLD} more" if len(things) > TOLD else ""
    return f"{start}:{shown}{more}"


def _silent(what: str, number: int, count: int, name: str) -> None:
    """Nobody listens."""
