"""What a front end says about lesions, runs and devices; the same words in each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from masam_core.lesion.cut import ADVICE
from masam_core.lesion.measurements.registry import listed_quantities

from .scene import promptnodes
from .scene.classes import EDITED as EDITED_BY_HAND
from .scene.classes import LOCKED
from .scene.ends import BEYOND, PAIRED, SET, Ends
from .scene.lesions import DONE, EDITED, MOVED, NEW, LesionEntry
from .scene.promptnodes import Prompt
from .scene.provenance import Provenance
from .session.reports import RunReport
from .session.whole import WholeReport
from .translation import tr as _


@dataclass(frozen=True)
class LesionRow:
    """A lesion as a row of a list; texts are empty where there is nothing to say.

    Attributes:
        name, kind, state: words.
        notes: the words behind the state: what to look at twice, or why it failed.
        volume: ml.
        diameter: the longest, mm.
        perpendicular: the longest at right angles to it, mm.
        confidence: per cent; words where there is none, as where the box cuts the lesion off.
        figures: every measurement that lists show, by the quantity's name.
        plane: of the diameters.
    """

    name: str
    kind: str
    state: str
    notes: str
    volume: str
    diameter: str
    perpendicular: str
    confidence: str
    figures: dict[str, str]
    plane: str


def rowOf(lesion: LesionEntry, states: Mapping[str, tuple[str, str]]) -> LesionRow:
    """A lesion's row; ``states`` are those of the session."""
    made = lesion.provenance
    found: dict[str, Any] = made.measurements if made is not None else {}
    state, notes = _state(lesion, states)
    return LesionRow(
        name=lesion.name,
        kind=kindName(lesion.terminology),
        state=state,
        notes=notes,
        volume=f"{found.get('volume_ml', 0.0):.2f}" if found.get("voxels") else "",
        diameter=_mm(found.get("longest_diameter_mm")),
        perpendicular=_mm(found.get("perpendicular_diameter_mm")),
        confidence=_confidence(made) if made is not None else "",
        figures={q.name: q.shown(found) for q in listed_quantities()},
        plane=str(found.get("diameter_plane") or ""),
    )


def planeNames() -> dict[str, str]:
    """Words for each ``DiameterPlane``, for a list of choices."""
    return {
        "auto": _("Automatic"),
        "axial": _("Axial"),
        "coronal": _("Coronal"),
        "sagittal": _("Sagittal"),
        "acquisition": _("As acquired"),
    }


def promptName(kind: str) -> str:
    """What a kind of prompt is called."""
    return {
        promptnodes.POINT: _("click"),
        promptnodes.SCRIBBLE: _("scribble"),
        promptnodes.LASSO: _("lasso"),
        promptnodes.LINE: _("line"),
        promptnodes.ACROSS: _("line across"),
        promptnodes.SLICE_BOX: _("box on a slice"),
    }[kind]


def changeWords(before: Sequence[Prompt], now: Sequence[Prompt], name: str) -> str:
    """What has become of a lesion's prompts, as the title of a step."""
    kept = {prompt.id for prompt in now}
    gone = [prompt for prompt in before if prompt.id not in kept]
    if gone:
        return f"Delete a {promptName(gone[0].kind)} of {name}"
    known = {prompt.id: prompt for prompt in before}
    new = [prompt for prompt in now if prompt.id not in known]
    if new:
        return f"Add a {promptName(new[0].kind)} to {name}"
    moved = next((p for p in now if not p.same(known[p.id])), now[0])
    return f"Move a {promptName(moved.kind)} of {name}"


def _mm(length: float | None) -> str:
    return f"{length:.1f}" if length is not None else ""


def _confidence(made: Provenance) -> str:
    if made.knownConfidence is not None:
        return f"{made.knownConfidence:.0%}"
    return _("not valid") if made.cuts else _("not known")


def _state(lesion: LesionEntry, states: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    word, message = states.get(lesion.id, ("", ""))
    if word == "running":
        return _("working ..."), ""
    if word == "failed":
        return _("failed"), message
    notes = "\n".join(map(noteWords, lesion.provenance.messages if lesion.provenance else ()))
    names = {
        NEW: _("new"),
        DONE: _("done"),
        MOVED: _("box changed") if lesion.boxMoved else _("prompts changed"),
        EDITED: _("edited by hand"),
    }
    state = _("locked") if lesion.locked else names[lesion.status]
    return (f"{state}  (!)" if notes else state), notes


def kindName(entry: str) -> str:
    """What a terminology entry means: the type's part of it."""
    parts = entry.split("~")
    return parts[2].split("^")[-1] if len(parts) > 2 else ""


def summary(report: RunReport) -> str:
    """A few lines on a run, for the status line."""
    good = len(report.lesions) - len(report.failed)
    lines = []
    if good:
        device = report.model.get("device", "")
        lines.append(
            _("{what} segmented in {seconds:.1f} s on {device}.").format(
                what=_counted(good, _("{n} lesion"), _("{n} lesions")),
                seconds=report.seconds,
                device=device,
            )
        )
    for lesion in report.lesions:
        notes = map(noteWords, [lesion.error, *lesion.notes])
        lines += [f"{lesion.name}: {note}" for note in notes if note]
    return "\n".join(lines)


def wholeSummary(report: WholeReport) -> str:
    """A few lines on a run without prompts, for the status line."""
    lines = []
    if report.written:
        words = _("{what} segmented in {seconds:.1f} s on {device}, in '{segmentation}'.")
        lines.append(
            words.format(
                what=_counted(len(report.written), _("{n} structure"), _("{n} structures")),
                seconds=report.seconds,
                device=report.model.get("device", ""),
                segmentation=report.segmentation,
            )
        )
    elif not report.kept:
        lines.append(_("Nothing was found. Is this the kind of image that the model is for?"))
    if report.missing and (report.written or report.kept):
        lines.append(_("Not found: {names}.").format(names=", ".join(report.missing)))
    for why, words in (
        (EDITED_BY_HAND, _("Edited by hand since, and left as they are: {names}.")),
        (LOCKED, _("Locked, and left as they are: {names}.")),
    ):
        names = [name for name, reason in report.kept.items() if reason == why]
        if names:
            lines.append(words.format(names=", ".join(names)))
    return "\n".join([*lines, *report.notes])


def noteWords(note: str) -> str:
    """A note of the core for someone who has buttons, not a command line."""
    advice = _(
        "Extend the box there with the button that says so; until then the confidence is not valid."
    )
    return note.replace(ADVICE, advice)


def endWords(ends: Ends) -> str:
    """What has become of a box whose end was set to the slice that is shown."""
    words = {
        SET: _("The box now ends at this slice; it holds {what}."),
        PAIRED: _("The box runs between the two slices that were set; it holds {what}."),
        BEYOND: _(
            "This slice lies beyond the box's other end: the box now reaches from it to the "
            "farther end and holds {what}."
        ),
    }
    return words[ends.how].format(what=_counted(ends.slices, _("{n} slice"), _("{n} slices")))


def endNames(plane: str) -> tuple[str, str]:
    """What the upper and the lower end of a box across a plane are called."""
    return {
        "axial": (_("Upper end here"), _("Lower end here")),
        "coronal": (_("Front end here"), _("Back end here")),
        "sagittal": (_("Right end here"), _("Left end here")),
    }[plane]


def extendWords(side: str) -> str:
    """What a button says that extends a box at a side."""
    return {
        "right": _("Ends flat at its right side: extend"),
        "left": _("Ends flat at its left side: extend"),
        "front": _("Ends flat at its front side: extend"),
        "back": _("Ends flat at its back side: extend"),
        "lower": _("Ends flat at its lower side: extend"),
        "upper": _("Ends flat at its upper side: extend"),
    }[side]


def measuredWords(count: int) -> str:
    """How many segments were measured again."""
    what = _counted(count, _("{n} segment"), _("{n} segments"))
    return _("{what} measured again.").format(what=what)


def _counted(count: int, one: str, many: str) -> str:
    return (one if count == 1 else many).format(n=count)


def hasNotes(report: RunReport) -> bool:
    """Whether something is to be looked at twice."""
    return bool(report.failed) or any(lesion.notes for lesion in report.lesions)


def deviceWords(devices: Sequence[Mapping[str, Any]], chosen: str) -> str:
    """Words for what computes, of the worker's ``devices``; ``chosen`` is ``auto`` or a name."""
    if not devices:
        return _("The devices are listed once the worker has started.")
    used = devices[0] if chosen == "auto" else None
    used = used or next((d for d in devices if d["name"] == chosen), None)
    if used is None:
        return _("{name} is not there now.").format(name=chosen)
    if used["name"] in ("cpu", "openvino"):
        return _(
            "Computing on the processor: seconds a lesion with the bundled model, minutes with "
            "large ones. No GPU is used."
        )
    return _("Computing on {label}{memory}.").format(label=used["label"], memory=memoryWords(used))


def memoryWords(device: Mapping[str, Any]) -> str:
    """``, 6.1 of 8.0 GB free``, as far as it is known."""
    total, free = device["total_bytes"], device["free_bytes"]
    if total is None:
        return ""
    if free is None:
        return f", {total / 1e9:.1f} GB"
    return _(", {free:.1f} of {total:.1f} GB free").format(free=free / 1e9, total=total / 1e9)


LINE = 22  # most characters for each of model and device in one line of a narrow panel


def modelName(model: str) -> str:
    """What a model is called; ``model`` is a name of the catalogue or a file's path."""
    if model == "bundled":
        return _("Bundled model")
    return PurePath(model).name or model


def deviceName(devices: Sequence[Mapping[str, Any]], chosen: str) -> str:
    """What computes, in a word or two; ``chosen`` is ``auto`` or a name."""
    used = next((d for d in devices if chosen in ("auto", d["name"])), None)
    if used is None:
        return _("Best device") if chosen == "auto" else chosen
    if used["name"] not in ("cpu", "openvino"):
        return str(used["label"])
    size = str(used["label"]).rpartition(", ")[2]  # the label reads "CPU, 4 threads"
    return _("Processor ({size})").format(size=size) if size[:1].isdigit() else _("Processor")


def setupLine(model: str, device: str, quality: str) -> str:
    """Model, device and quality in one line that a panel of 400 pixels has room for."""
    return " \N{MIDDLE DOT} ".join([shortened(model, LINE), shortened(device, LINE), quality])


def shortened(text: str, most: int) -> str:
    """The text, with its middle left out where it is longer than ``most`` characters."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return text[: most - 1 - end] + "\N{HORIZONTAL ELLIPSIS}" + text[len(text) - end :]


def breakable(text: str) -> str:
    """The text with places inside its long words where a line may end (zero-width spaces).

    A label is at least as wide as its longest word: a path or a digest would widen the panel.
    """

    def part(word: re.Match[str]) -> str:
        return re.sub(r"[\\/_.-]+(?=.)|.{24}(?=.)", "\\g<0>\u200b", word[0])

    return re.sub(r"\S{25,}", part, text)
