"""The lists and the account of itself of a prepared data set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import masam_core
from masam_core.atomic import write_text
from masam_core.data.prepare.dataset import Dataset, Found
from masam_core.data.prepare.splits_file import SPLITS, read_splits
from masam_core.data.splits import split_of
from masam_core.errors import ConfigError
from masam_core.spreadsheet import write_table

COLUMNS = ("case", "patient", "split", "modality", "image", "label", "site")
ABOUT, LABELS, INDEX = "ABOUT.md", "labels.json", "index.csv"


def with_splits(cases: Sequence[Found], file: Path | None, validation: float) -> list[Found]:
    """The cases with the splits of a list of one's own, and some training patients held out.

    Args:
        cases: with the data set's splits.
        file: CSV or pickled lists of names (:func:`read_splits`), for every case; or None.
        validation: share of the training patients that goes to ``val``, chosen by a hash of their
            names; the same on every machine.

    Raises:
        ConfigError: a list that can't be read, lacks a case, or has another word as a split.
    """
    if file is not None:
        wanted = read_splits(file)
        lacking = [c.name for c in cases if c.name not in wanted]
        if lacking:
            raise ConfigError(
                f"{file} gives no split for {len(lacking)} cases, the first {lacking[0]}."
            )
        cases = [replace(c, split=wanted[c.name]) for c in cases]
    return [
        replace(c, split=split_of(c.patient, validation)) if c.split == "train" else c
        for c in cases
    ]


def write_lists(folder: Path, cases: Sequence[Found], dataset: Dataset) -> list[str]:
    """Write ``index.csv`` and the data set's further lists; returns their names.

    A further list in which nobody trains or nobody is tested, as of a site that is not there, is
    not written.
    """
    written = [INDEX]
    for name, choose in dataset.lists.items():
        chosen = [replace(c, split=s) for c in cases if (s := choose(c)) is not None]
        if {"train", "test"} <= {c.split for c in chosen}:
            _write(folder / name, chosen)
            written.append(name)
    _write(folder / INDEX, cases)
    return written


def _write(path: Path, cases: Sequence[Found]) -> None:
    write_table(path, COLUMNS, [_row(case) for case in cases], mark=False)


def _row(case: Found) -> list[str]:
    video = isinstance(case.image, tuple)
    ending = "" if video else ".nii.gz"
    files = [f"{case.name}/{part}{ending}" for part in ("image", "label")]
    return [case.name, case.patient, case.split, case.modality, *files, case.site]


def write_account(
    folder: Path, cases: Sequence[Found], dataset: Dataset, notes: Sequence[str]
) -> None:
    """Write ``ABOUT.md`` (owner, licence, citation, splits) and ``labels.json``."""
    labels = [
        {"value": v, "name": n, **({"color": list(dataset.colours[v])} if dataset.colours else {})}
        for v, n in dataset.classes.items()
    ]
    write_text(folder / LABELS, json.dumps(labels, indent=1) + "\n")
    counts = Counter(c.split for c in cases)
    divided = ", ".join(f"{counts[s]} {s}" for s in SPLITS if counts[s])
    lines = [
        f"# {dataset.title}",
        "",
        f"Prepared by MASAM {masam_core.__version__} (`masam prepare {dataset.name}`); the images "
        "are the owner's, unchanged.",
        "",
        f"- Owner and download: {dataset.offered}",
        f"- Licence: {dataset.licence}",
        f"- The licence is said: {dataset.said}",
        f"- Citation: {dataset.citation}",
        f"- Cases: {len(cases)} ({divided}).",
        f"- Split: {dataset.split}",
        *(f"- {note}" for note in notes),
        "",
        "| value | label |",
        "|---|---|",
        *(f"| {value} | {name} |" for value, name in dataset.classes.items()),
        "",
    ]
    write_text(folder / ABOUT, "\n".join(lines))
