"""EndoVis 2018, robotic scene segmentation: sequences of frames with colour-coded labels.

``seq_N/left_frames/frame000.png`` and ``seq_N/labels/frame000.png``, training sequences and the
four of the test set in folders of their own, whose names say Test. ``labels.json`` beside them
lists name, colour and class of each label.
"""

from __future__ import annotations

import re
from pathlib import Path

from masam_core.data.prepare.dataset import MARK, Dataset, Found, Survey, listed, paired
from masam_core.errors import ConfigError
from masam_core.jsonfile import read_json

# labels.json of the challenge: classid, name, colour (red, green, blue).
CLASSES: dict[int, tuple[str, tuple[int, int, int]]] = {
    0: ("background-tissue", (0, 0, 0)),
    1: ("instrument-shaft", (0, 255, 0)),
    2: ("instrument-clasper", (0, 255, 255)),
    3: ("instrument-wrist", (125, 255, 12)),
    4: ("kidney-parenchyma", (255, 55, 0)),
    5: ("covered-kidney", (24, 55, 125)),
    6: ("thread", (187, 155, 25)),
    7: ("clamps", (0, 255, 125)),
    8: ("suturing-needle", (255, 255, 125)),
    9: ("suction-instrument", (123, 15, 175)),
    10: ("small-intestine", (124, 155, 5)),
    11: ("ultrasound-probe", (12, 255, 141)),
}
TRAINING, TEST = 15, 4
SEQUENCE = re.compile(r"seq_(\d+)$")


def survey(source: Path) -> Survey:
    """Find the sequences at any depth; those below a folder named Test are the test set."""
    found = Survey()
    folders = sorted(p.parent for p in source.rglob("left_frames") if p.is_dir())
    counts = {"train": 0, "test": 0}
    for folder in folders:
        match = SEQUENCE.match(folder.name)
        if match is None:
            continue
        above = folder.relative_to(source).parts[:-1]
        split = "test" if any("test" in part.lower() for part in above) else "train"
        name = f"{'test' if split == 'test' else 'seq'}{int(match[1]):02d}"
        if any(case.name == name for case in found.cases):
            found.missing.append(f"one {folder.name} of each set: there are several")
            continue
        images = {p.name: p for p in listed(folder / "left_frames", "*.png")}
        labels = {p.name: p for p in listed(folder / "labels", "*.png")}
        pairs = paired(images, labels, found)
        if not pairs:
            found.missing.append(f"frames with labels in {folder.relative_to(source)}")
            continue
        counts[split] += 1
        frames = tuple(p[1] for p in pairs), tuple(p[2] for p in pairs)
        found.cases.append(Found(name, name, "video", split, *frames))
    for split, wanted in (("train", TRAINING), ("test", TEST)):
        if counts[split] < wanted:
            word = "training" if split == "train" else "test"
            found.missing.append(f"{wanted - counts[split]} of the {wanted} {word} sequences")
    for file in sorted(source.rglob("labels.json")):
        if not (file.parent / MARK).exists():  # else our own, of an earlier run in this folder
            _require_colours(file, found)
    return found


def _require_colours(file: Path, found: Survey) -> None:
    """Compare the release's own colours with those known here."""
    try:
        own = {
            int(entry["classid"]): tuple(int(c) for c in entry["color"])
            for entry in read_json(file, "list of labels")
        }
    except (ConfigError, TypeError, KeyError, ValueError):
        found.missing.append(f"a list of name, color and classid in {file}")
        return
    known = {value: colour for value, (_, colour) in CLASSES.items()}
    different = sorted(v for v in known if own.get(v, known[v]) != known[v])
    if different:
        found.missing.append(f"the challenge's colours of classes {different} in {file}")


DATASET = Dataset(
    name="endovis18",
    title="EndoVis 2018, robotic scene segmentation",
    what="15 training and 4 test sequences of RGB frames, 12 classes with background",
    offered="https://endovissub2018-roboticscenesegmentation.grand-challenge.org (registration)",
    size="about 10 GB, unchecked",
    licence="Rules of the challenge, agreed to at registration; research use.",
    said=(
        "On the challenge's pages after registration; unchecked. Its first page names none "
        "(https://endovissub2018-roboticscenesegmentation.grand-challenge.org/home/, checked)."
    ),
    citation=(
        "Allan M, Kondo S, Bodenstedt S, et al. 2018 robotic scene segmentation challenge. "
        "arXiv:2001.11190, 2020."
    ),
    expects="the unpacked releases, with seq_N/left_frames and seq_N/labels, the test set in Test",
    classes={value: name for value, (name, _) in CLASSES.items() if value},
    survey=survey,
    split="As in MA-SAM: the four sequences of the released test set are the test cases.",
    colours={value: colour for value, (_, colour) in CLASSES.items()},
)
