"""The prompts of `masam segment` as typed; loads nothing heavy, so that help comes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from masam_core.errors import BoxError
from masam_core.keywords import Keyword
from masam_core.prompts.per import Per

FIRSTS = "--roi, --box, --boxes-from, --line, --slice-box, --click, --prompts, --mask, --automatic"


class Frame(Keyword):
    """Whose numbers positions are: mm as 3D Slicer shows them, mm as ITK does, or voxel indices."""

    RAS = "ras"
    LPS = "lps"
    IJK = "ijk"


@dataclass(frozen=True)
class Typed:
    """What was typed, option by option; see ``masam segment --help``."""

    roi: Sequence[Path] = ()
    box: Sequence[str] = ()
    boxes_from: Path | None = None
    per: Per = Per.COMPONENT
    line: Sequence[str] = ()
    slice_box: Sequence[str] = ()
    click: Sequence[str] = ()
    prompts: Path | None = None
    only: Sequence[str] = ()
    mask: Path | None = None
    automatic: bool = False
    classes: Sequence[str] = ()
    point: Sequence[str] = ()
    not_point: Sequence[str] = ()
    scribble: Sequence[Path] = ()
    not_scribble: Sequence[Path] = ()
    lasso: Sequence[Path] = ()
    not_lasso: Sequence[Path] = ()
    frame: Frame = Frame.RAS

    @property
    def files(self) -> list[Path]:
        """Every file that is read."""
        single = (self.boxes_from, self.prompts, self.mask)
        return [
            *self.roi,
            *(path for path in single if path is not None),
            *(*self.scribble, *self.not_scribble, *self.lasso, *self.not_lasso),
        ]

    @property
    def corrects(self) -> bool:
        """Whether there is a correction."""
        many = (self.point, self.not_point, self.scribble, self.not_scribble)
        return any(map(bool, (*many, self.lasso, self.not_lasso)))

    @property
    def beside_box_and_automatic(self) -> bool:
        """Whether there is any other prompt than those that a video takes."""
        return self.corrects or bool(self.files or self.line or self.slice_box or self.click)

    def require_sense(self) -> None:
        """Raise BoxError where lesions begin in no way, or in several."""
        begin = {
            "--roi": bool(self.roi),
            "--box": bool(self.box),
            "--boxes-from": self.boxes_from is not None,
            "--line": bool(self.line),
            "--slice-box": bool(self.slice_box),
            "--click": bool(self.click),
            "--prompts": self.prompts is not None,
            "--automatic": self.automatic,
        }
        ways = [name for name, given in begin.items() if given]
        if len(ways) > 1 or (not ways and self.mask is None):
            received = f"; received {' and '.join(ways)}" if ways else ""
            raise BoxError(
                f"Say where the lesion is in exactly one way{received}. Expected one of {FIRSTS}; "
                "e.g. --box 'I0 I1 J0 J1 K0 K1', --roi FILE.mrk.json, or --line 'X,Y,Z X,Y,Z'."
            )
        if self.automatic and (self.corrects or self.mask is not None):
            raise BoxError("--automatic takes neither a mask nor corrections.")
        if self.classes and not self.automatic:
            raise BoxError("--class names classes of a model that segments by --automatic.")
        if self.only and self.prompts is None and self.mask is None:
            raise BoxError("--only names lesions of the file that --prompts or --mask names.")
