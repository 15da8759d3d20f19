"""The formats that MASAM reads and writes, in the order in which a file is offered to them."""

from __future__ import annotations

from masam_core.errors import CheckpointError
from masam_core.model.formats.authors import AuthorsFormat
from masam_core.model.formats.format import CheckpointFormat, WeightFile
from masam_core.model.formats.lite_medsam import LiteMedSamFormat
from masam_core.model.formats.own import OwnFormat
from masam_core.model.formats.sam import SamFormat

FORMATS: list[CheckpointFormat] = [
    OwnFormat("whole", "MASAM model, whole"),
    OwnFormat("delta", "MASAM model, to be put on top of its backbone file"),
    OwnFormat("base", "MASAM backbone"),
    AuthorsFormat(),
    SamFormat(),
    LiteMedSamFormat(),
]


def format_of(file: WeightFile) -> CheckpointFormat:
    """The format of a file.

    Raises:
        CheckpointError: none that is known; says what was expected and what was found.
    """
    for known in FORMATS:
        if known.recognise(file):
            return known
    *most, last = dict.fromkeys(known.called for known in FORMATS)
    shown = ", ".join(list(file.state)[:3])
    raise CheckpointError(
        f"{file.path} is not a model that MASAM can use. Expected {', '.join(most)} or {last}; "
        f"found {len(file.state)} tensors named {shown} ..."
    )


def writable(kind: str) -> CheckpointFormat:
    """The format of a kind that can be written; CheckpointError names those that can."""
    kinds = {known.kind: known for known in FORMATS if known.ending}
    if kind not in kinds:
        raise CheckpointError(
            f"MASAM can't write a file of the kind {kind!r}; expected one of {', '.join(kinds)}."
        )
    return kinds[kind]
