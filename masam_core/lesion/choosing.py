"""Which of a model's classes are wanted."""

from __future__ import annotations

from collections.abc import Sequence

from masam_core.errors import ConfigError
from masam_core.lesion.organs import OBJECT, TISSUE, ClassTerm, has_sides, plain_name, term_of


def choose_classes(classes: Sequence[ClassTerm], wanted: Sequence[str], model: str) -> list[int]:
    """Numbers (from 1, in the model's order) of the classes that are wanted.

    A name matches in any spelling and by its synonyms; one without a side takes both sides.

    Args:
        classes: of the model.
        wanted: names; empty takes all.
        model: its name, for messages.

    Raises:
        ConfigError: a name that none of the classes has; it lists those that there are.
    """
    if not wanted:
        return list(range(1, len(classes) + 1))
    chosen: set[int] = set()
    for word in wanted:
        found = _matching(classes, word)
        if not found:
            raise ConfigError(
                f"The model '{model}' knows no '{word}'; it knows "
                f"{', '.join(term.name for term in classes)}."
            )
        chosen |= found
    return sorted(chosen)


def _matching(classes: Sequence[ClassTerm], word: str) -> set[int]:
    plain, side = plain_name(word)
    numbered = list(enumerate(classes, 1))
    exact = {number for number, term in numbered if plain_name(term.name) == (plain, side)}
    if exact:
        return exact
    meant = term_of(word)
    if side and meant.code != TISSUE and not has_sides(word):
        return set()  # the table knows one of it: "left liver" is not the liver
    if meant.code in (TISSUE, OBJECT):  # not in the table, or of a code that many share: by name
        return {n for n, term in numbered if not side and plain_name(term.name)[0] == plain}
    return {
        number
        for number, term in numbered
        if (term.code, term.category) == (meant.code, meant.category)
        and meant.modifier in (None, term.modifier)
    }
