"""What a person types: files and folders of any name, settings of any value, damaged inputs.

The commands run in this process with a model that never looks at the image.
"""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from typer.testing import CliRunner

from masam_core.cli.main import app, join_numbers
from masam_core.errors import MasamError, plain
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.kinds.images import image, meta_images, nifti_files, nrrd_files
from Testing.fuzz.kinds.prompts import MARKUP, label_images, roi_files
from Testing.fuzz.kinds.tables import batch_lists, case_lists
from Testing.fuzz.kinds.weights import safetensors_files, tiny_known, torch_files
from Testing.fuzz.mutate import odd_words
from Testing.fuzz.oracle import Lost, Wrong
from Testing.fuzz.quick_worker import Filled

ENDINGS = (".seg.nrrd", ".nii.gz", ".nrrd", ".mha", ".nii", ".csv", ".png", ".tif", "", ".SEG.NRRD")
STEMS = (
    "out",
    "[left]",
    "[/x]",
    "[bold red]x[/]",
    ":smile:",
    "a b",
    "caf\u00e9",
    "\u65e5\u672c",
    "-o",
    "x\x1b[31m",
    "x\ny",
    "\u202egnp",
    "=1+1",
    "%s",
    "$(id)",
    "b\udce4d",
    "x" * 240,
    "...",
    "~",
)
OPTIONS = {
    "--threshold": ("0.5", "0", "1", "nan", "-1", "x"),
    "--margin": ("0", "-7", "1e9", "nan", "5"),
    "--smooth": ("0", "1e9", "inf", "1"),
    "--keep": ("all", "largest", "[/x]"),
    "--quality": ("fast", "standard", "\x1b[2J"),
    "--slice-axis": ("i", "k", "x"),
    "--modality": ("CT", "MR", "[red]", ""),
    "--per": ("value", "component", "x"),
    "--series": ("1.2.3", "[/x]"),
}
BOXES = (
    "1 4 1 4 1 3",
    "0 0 0 0 0 0",
    "4 1 1 4 1 3",
    "90 99 0 1 0 1",
    "a b",
    "1 2 3",
    "-5 -1 0 1 0 1",
    "9999999999999999999999 1 1 1 1 1",
)
OLDER = b"an older result"


class QuickSegmenter(Filled):
    """Stands where the commands open a model."""

    def __init__(self, *_given: Any, **_more: Any) -> None:
        super().__init__()


def _stems() -> st.SearchStrategy[str]:
    odd = odd_words().filter(lambda w: "/" not in w and "\0" not in w and w.strip(". "))
    return st.sampled_from(STEMS) | odd.map(lambda w: w[:60])


@st.composite
def segmentations(draw: st.DrawFn) -> Injection:
    """``masam segment`` with inputs, names and settings of which some are odd."""
    stem, ending = draw(_stems()), draw(st.sampled_from((".nii.gz", ".nrrd", ".mha")))
    image_name = f"{stem}{ending}"
    files, given = {image_name: image(f"a{ending}")}, [f"in:{image_name}"]
    if draw(st.integers(0, 3)) == 0:
        other = draw(nifti_files() | nrrd_files() | meta_images())
        files, given = dict(other.files), [f"in:{other.target}"]
    way = draw(st.sampled_from(("roi", "box", "labels", "odd roi")))
    if way == "box":
        given += ["--box", draw(st.sampled_from(BOXES))]
    elif way == "labels":
        labels = draw(label_images())
        files |= labels.files
        given += ["--boxes-from", f"in:{labels.target}"]
    else:
        name = f"{draw(_stems())}.mrk.json"
        point = {"label": draw(odd_words())}
        text = json.dumps({"markups": [{**MARKUP, "controlPoints": [point]}]})
        files[name] = draw(roi_files()).files.popitem()[1] if way == "odd roi" else text.encode()
        given += ["--roi", f"in:{name}"]
    for option in draw(st.lists(st.sampled_from(sorted(OPTIONS)), max_size=2, unique=True)):
        given += [option, draw(st.sampled_from(OPTIONS[option]))]
    out = draw(st.sampled_from((".seg.nrrd", ".nii.gz", ".mha", *ENDINGS)))
    given += ["-o", f"out:{draw(_stems())}{out}"]
    if draw(st.integers(0, 2)) == 0:
        given += ["--measurements", f"out:{draw(_stems())}.csv"]
    if draw(st.integers(0, 4)) == 0:
        given += ["--json"]
    return Injection(files, given[0][3:], settings={"words": ["segment", *given]})


@st.composite
def questions(draw: st.DrawFn) -> Injection:
    """``masam info`` and the lists of cases, on files of every other kind."""
    made = draw(
        nifti_files()
        | nrrd_files()
        | safetensors_files()
        | torch_files()
        | roi_files()
        | batch_lists()
        | case_lists()
    )
    if made.target.endswith("list.csv"):
        words = ["batch", f"in:{made.target}", "-o", "out:results", "--dry-run"]
    else:
        words = ["info", f"in:{made.target}"]
    words += ["--json"] if draw(st.booleans()) else []
    return Injection(made.files, made.target, made.links, {"words": words})


def run(place: Place, injection: Injection) -> Any:
    """Run a command; a refusal is one line on stderr and exit code 1, or typer's own 2."""
    from masam_core.inference import segmenter

    roots = {"in:": place.folder, "out:": place.results}
    words, outputs = [], []
    for word in injection.settings["words"]:
        start = next((s for s in roots if word.startswith(s)), None)
        path = roots[start] / word[len(start) :] if start else None
        words.append(word if path is None else str(path))
        if start == "out:" and path is not None:
            outputs.append(path)
            try:
                path.write_bytes(OLDER)
            except (OSError, ValueError):  # a name that this system does not take
                outputs.pop()
    if len(set(outputs)) < len(outputs):
        outputs = []
    with tiny_known(), mock.patch.object(segmenter, "Segmenter", QuickSegmenter):
        done = CliRunner().invoke(app, join_numbers(words), prog_name="masam")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    said = done.stdout + done.stderr
    _look_at(said)
    if done.exit_code:
        for path in outputs:
            if path.read_bytes() != OLDER:
                raise Lost(f"exit {done.exit_code}, and the older {path.name!r} is gone")
        if done.exit_code not in (1, 2):
            raise Wrong(f"exit code {done.exit_code}: {said}")
        raise MasamError(said)
    for path in outputs:
        if injection.settings["words"][0] == "segment" and path.read_bytes() == OLDER:
            raise Wrong(f"exit 0, and {path.name!r} was not written")
    if "--json" in words:
        json.loads(done.stdout)
    return None


def _look_at(said: str) -> None:
    """Nothing of outside controls the terminal; typer's own colours are not there in a pipe."""
    if plain(said) != said:
        raise Wrong(f"control characters reach the terminal: {said!r}")
    if "Traceback" in said or "Something unforeseen" in said:
        raise MasamError(f"Something unforeseen: {said}")


KINDS = (
    Kind("segment typed", segmentations(), run, names_target=False, cost=10.0),
    Kind("info typed", questions(), run, names_target=False, cost=8.0),
)
