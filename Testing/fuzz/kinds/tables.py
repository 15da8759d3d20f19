"""Lists of cases: CSV as spreadsheets write it, JSON, and a batch's own state files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import strategies as st

from masam_core.batch.cases import read_list
from masam_core.batch.queue import TABLE_FILE, BatchQueue
from masam_core.batch.states import DONE, FOLDER, CaseState
from masam_core.data.reading import read_cases
from masam_core.export.measurements import COLUMNS
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import as_text, changed, damaged, odd_values, odd_words
from Testing.fuzz.oracle import Wrong

FILES = {"a/image.nii.gz": b"x", "a/label.nii.gz": b"x", "b.nii": b"x", "b.mrk.json": b"x"}
CELLS = ("a", "b.nii", "b.mrk.json", "b.mrk.json; b.mrk.json", "=1+1", 'q"q', "x\ny", "train")


@st.composite
def _table(draw: st.DrawFn, columns: tuple[str, ...], row: tuple[str, ...]) -> bytes:
    """A CSV file, in one of the ways of spreadsheets, with cells that are odd."""
    out = io.StringIO(newline="")
    mark = draw(st.sampled_from(",,,;\t"))
    write = csv.writer(out, delimiter=mark, lineterminator=draw(st.sampled_from(("\n", "\r\n"))))
    cells = st.sampled_from(CELLS) | odd_words()
    names = list(columns)
    if draw(st.integers(0, 3)) == 0:
        names[draw(st.integers(0, len(names) - 1))] = draw(odd_words())
    write.writerow(names)
    for _ in range(draw(st.integers(0, 3))):
        line = [draw(cells) if draw(st.integers(0, 4)) == 0 else cell for cell in row]
        write.writerow(line[: draw(st.integers(0, len(line)))] if draw(st.booleans()) else line)
    text = draw(st.sampled_from(("", "", "sep=;\n", '"sep=,"\n'))) + out.getvalue()
    if draw(st.integers(0, 15)) == 0:
        text += '"' + "x" * 200_000
    return draw(as_text(text))


@st.composite
def batch_lists(draw: st.DrawFn) -> Injection:
    """A list of images and boxes."""
    row = ("a/image.nii.gz", "b.mrk.json", "one")
    data = draw(_table(("image", "boxes", "name"), row))
    return Injection({**FILES, "list.csv": data}, "list.csv")


@st.composite
def case_lists(draw: st.DrawFn) -> Injection:
    """A list of training cases: CSV, JSON, or the Decathlon's."""
    way = draw(st.sampled_from(("csv", "json", "decathlon", "odd")))
    if way == "csv":
        row = ("a", "p", "CT", "train")
        data = draw(_table(("case", "patient", "modality", "split"), row))
        return Injection({**FILES, "index.csv": data}, "index.csv")
    document: Any = [{"case": "a", "patient": "p", "split": "train", "modality": "CT"}]
    if way == "decathlon":
        pair = {"image": "a/image.nii.gz", "label": "a/label.nii.gz"}
        document = {"modality": {"0": "CT"}, "training": [pair]}
    document = draw(odd_values()) if way == "odd" else draw(changed(document))
    return Injection({**FILES, "l.json": draw(as_text(json.dumps(document)))}, "l.json")


@st.composite
def state_files(draw: st.DrawFn) -> Injection:
    """What a batch has kept of a case, in the folder of the results."""
    row = {**dict.fromkeys(COLUMNS), "lesion": "one", "volume_ml": 1.5}
    state = vars(CaseState(DONE, "", 1.0, [row], {"image": [1, 2, 3]}))
    document = draw(changed({"case": "one", "state": state}) | odd_values())
    data = draw(as_text(json.dumps(document)))
    data = draw(st.just(data) | damaged(data))
    earlier = {"batch.json": b"{}"} if draw(st.integers(0, 20)) == 0 else {}
    name = f"out/{FOLDER}/one.json"
    return Injection({name: data, **{f"out/{n}": d for n, d in earlier.items()}}, name)


def go_on(place: Place, _injection: Injection) -> Any:
    """Open a queue on the folder, and write the table of what it knows."""
    import shutil

    copy = place.results / "out"
    shutil.copytree(place.folder / "out", copy)
    queue = BatchQueue(["one"], copy, {"one": {"image": [1, 2, 3]}})
    queue.write_table()
    with (copy / TABLE_FILE).open(newline="", encoding="utf-8-sig") as file:
        found = list(csv.DictReader(file))
    if not found or any(row["case"] != "one" for row in found):
        raise Wrong("the table lacks the case")
    return None


KINDS = (
    Kind("batch lists", batch_lists(), lambda place, _: read_list(place.target)),
    Kind("case lists", case_lists(), lambda place, _: read_cases(place.target)),
    Kind("state files", state_files(), go_on, names_target=False),
)
