"""Notes on several lesions: what is said of many of them is said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from masam_core.lesion.lesion import Lesion


def notes_of(lesions: Iterable[Lesion]) -> list[str]:
    """The notes on lesions, as of :func:`shared_notes`; a structure that is not there has none."""
    there = [lesion for lesion in lesions if lesion.messages or lesion.mask.any()]
    return shared_notes([(lesion.name, lesion.messages) for lesion in there])


def shared_notes(notes: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Each note behind the names of those that it is about, in the order of the first of them.

    What is said of all of several stands alone.

    Args:
        notes: name and notes of each lesion or structure.

    >>> shared_notes([("liver", ["Check."]), ("spleen", ["Check.", "It is large."])])
    ['Check.', 'spleen: It is large.']
    >>> shared_notes([("liver", ["Check."]), ("spleen", []), ("aorta", ["Check."])])
    ['liver, aorta: Check.']
    """
    about: dict[str, list[int]] = {}
    for place, (_, own) in enumerate(notes):
        for note in dict.fromkeys(own):
            about.setdefault(note, []).append(place)
    return [
        note
        if len(places) == len(notes) > 1
        else f"{', '.join(notes[place][0] for place in places)}: {note}"
        for note, places in about.items()
    ]
