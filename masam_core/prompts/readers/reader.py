"""What a reader of prompts is: name endings, and a function that reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.prompts.corrections import Correction
from masam_core.prompts.first import FirstPrompt
from masam_core.prompts.per import Per

if TYPE_CHECKING:
    from masam_core.image.geometry import Geometry

Prompt = FirstPrompt | Correction


@dataclass(frozen=True)
class PromptReader:
    """One kind of file that holds prompts.

    Attributes:
        endings: of file names, lower case, that choose it.
        title: of the kind in a sentence, with its article.
        read: reads the prompts of a file on the grid of the volume on which they are used, in
            their order. Raises BoxError or VolumeError.
        is_image: whether such a file may be an image as well, so that only its name tells.
        recognises: tells by what a file holds whether it is one, where endings are too common to
            tell; for those who look through a folder.
        by_content: whether ``recognises`` tells also where a name has none of the endings.
    """

    endings: tuple[str, ...]
    title: str
    read: Callable[[Path, Geometry, Per], Sequence[Prompt]]
    is_image: bool = False
    recognises: Callable[[Path], bool] = lambda path: True
    by_content: bool = False
