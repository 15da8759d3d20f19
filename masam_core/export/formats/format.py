"""What a format of the results is: name endings, and a function that writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.lesion.terminology import MASS, Color, TumourType

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry
    from masam_core.image.volume import Volume
    from masam_core.lesion.lesion import Lesion


@dataclass(frozen=True, eq=False)
class Results:
    """What is written.

    Attributes:
        lesions: in the order in which they are numbered.
        geometry: grid of the whole image.
        volume: the image; None where it is not at hand.
        colors: red, green, blue in [0, 1] of each lesion.
        kind: what the lesions are.
        beside: files of the same lesions that are written already, for formats that refer to them.
    """

    lesions: Sequence[Lesion]
    geometry: Geometry
    volume: Volume | None
    colors: Sequence[Color]
    kind: TumourType = MASS
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        endings: of file names, lower case, that choose it.
        title: of the format in a sentence, with its article.
        write: writes the results into a file, and gives messages for the reader, such as what
            the format can't hold. Raises OSError, RuntimeError (as SimpleITK does) or a MasamError.
        masks: whether the file holds the masks themselves, so that it is a result on its own.
        needs_volume: whether the image must be at hand.
        atomic: whether ``write`` itself replaces the file as a whole or not at all.
        refers: whether it refers to the other files of the same lesions, and is written after them.
        requires: refuses (SegmentationError) an image of which this format can't hold results; for
            those who look before the work.
    """

    endings: tuple[str, ...]
    title: str
    write: Callable[[Path, Results], tuple[str, ...]]
    masks: bool = True
    needs_volume: bool = False
    atomic: bool = False
    refers: bool = False
    requires: Callable[[Geometry], None] = lambda geometry: None
