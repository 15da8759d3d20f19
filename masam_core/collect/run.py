"""Gather corrected lesions from scenes, sessions and results into one data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from masam_core.collect import HELD_OUT
from masam_core.collect.batches import is_batch, read_batch
from masam_core.collect.dataset import ADDED, KNOWN, OTHER, RENEWED, CollectedData
from masam_core.collect.found import Corrected, FoundImage, FoundLesion, LeftOut
from masam_core.collect.scenes import LeaveOut, is_scene, read_scene
from masam_core.errors import ConfigError, MasamError

Progress = Callable[[float, str], None]
DEPTH = 8  # folders below the one that was given
_EXPECTED = "saved scenes (.mrb, or .mrml with its files) and folders of results of 'masam batch'"


@dataclass
class Collected:
    """What came of it.

    Attributes:
        folder: of the data set.
        counts: how many lesions were ADDED, RENEWED, KNOWN.
        left_out: what was not taken, and why.
        lesions, patients, held_out: of the whole data set; ``held_out`` are patients, too.
        alone: patients of whom nothing is known but their one image.
    """

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    lesions: int = 0
    patients: int = 0
    held_out: int = 0
    alone: int = 0

    @property
    def summary(self) -> str:
        """What came of it, in a sentence or two."""
        counts = self.counts
        words = (
            f"{counts[ADDED]} added, {counts[RENEWED]} renewed, {counts[KNOWN]} known before, "
            f"{len(self.left_out)} left out. {self.folder} now holds {self.lesions} lesions of "
            f"{self.patients} patients, {self.held_out} of them held out."
        )
        if self.alone:
            words += (
                f" Of {self.alone} the patient's ID is not known: each such scene, or each image "
                "of a batch, counts as a patient's own."
            )
        return words


def collect(
    sources: Sequence[Path],
    folder: Path,
    everything: bool = False,
    held_out: float = HELD_OUT,
    seed: int = 0,
    progress: Progress | None = None,
    newest: bool = False,
) -> Collected:
    """Gather lesions; whatever can't be read is left out with the reason, and nothing else.

    Args:
        sources: scenes, folders of results, or folders in which to look for both.
        folder: of the data set, new or of an earlier collection.
        everything: take lesions that nobody has put right, too, and those of other programs.
        held_out: share of the patients that are held out.
        seed: by which they are chosen.
        progress: called with the fraction done and words; what it raises ends it, and what was
            gathered so far stays.
        newest: masks of these sources take the place of other files' of the same lesions.

    Raises:
        ConfigError: nothing to look into, or a folder that can't be gone on with.
    """
    if not 0 < held_out < 1:
        raise ConfigError(f"The share held out is {held_out:g}; expected more than 0, less than 1.")
    found = _sources(sources, folder)
    data = CollectedData(folder, held_out, seed)
    result = Collected(folder)
    alone: set[str] = set()
    try:
        for number, source in enumerate(found):
            if progress is not None:
                progress(number / len(found), f"reading {source.name}")
            images = _images(source, result.left_out.append)
            while True:
                try:
                    image = next(images, None)
                except (MasamError, OSError) as error:
                    result.left_out.append(LeftOut(source.name, str(error)))
                    break
                if image is None:
                    break
                # What can't be written ends it all: a full disk is no fault of a lesion's.
                _take(data, image, everything, result, alone, newest)
    finally:
        data.close()
    result.lesions = len(data.rows)
    result.patients, result.held_out = (
        sum(data.patients(split) for split in splits) for splits in (("train", "val"), ("val",))
    )
    result.alone = len(alone)
    return result


def _take(
    data: CollectedData,
    image: FoundImage,
    everything: bool,
    result: Collected,
    alone: set[str],
    newest: bool,
) -> None:
    for lesion in image.lesions:
        what = f"{image.source.name}, lesion '{lesion.name}'"
        why = _unfit(lesion, everything)
        if not why:
            outcome = data.add(image, lesion, newest)
            if outcome == OTHER:
                why = (
                    "another file holds the same lesion with another mask, and that was taken "
                    "before. To take this one, delete the other's line in index.csv"
                )
            else:
                result.counts[outcome] += 1
                if not image.patient:
                    alone.add(image.patient_key)
        if why:
            result.left_out.append(LeftOut(what, why))


def _unfit(lesion: FoundLesion, everything: bool) -> str:
    if not lesion.mask.any():
        return "its mask is empty"
    if everything or lesion.corrected is not Corrected.NO:
        return ""
    if not lesion.ours:
        return "MASAM did not make it, and nobody has confirmed it (--all takes it)"
    return "it was neither locked, nor touched up, nor confirmed (--all takes it)"


def _images(source: Path, leave_out: LeaveOut) -> Iterator[FoundImage]:
    return read_batch(source, leave_out) if is_batch(source) else read_scene(source, leave_out)


def _sources(given: Sequence[Path], folder: Path) -> list[Path]:
    """The scenes and results, each once, in the order given and by name."""
    found: dict[Path, Path] = {}
    own = folder.resolve()
    for path in given:
        if not path.exists():
            raise ConfigError(f"{path} does not exist. Expected {_EXPECTED}.")
        here = list(_below(path, own, 0))
        if not here:
            raise ConfigError(f"{path} holds nothing to collect from. Expected {_EXPECTED}.")
        found.update((source.resolve(), source) for source in here)
    return list(found.values())


def _below(path: Path, own: Path, depth: int) -> Iterator[Path]:
    if is_scene(path) or is_batch(path):
        yield path
    if not path.is_dir() or depth > DEPTH or path.resolve() == own:
        return
    try:
        inside = sorted(path.iterdir())
    except OSError:  # a folder of somebody else's
        return
    for below in inside:
        if not below.name.startswith(".") and (below.is_dir() or is_scene(below)):
            yield from _below(below, own, depth + 1)
