"""The HTML report of a study: one file, tables, calibration, the worst cases pictured."""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np

import masam_core
from masam_core.atomic import write_text
from masam_core.data.cases import Case, Target
from masam_core.errors import SegmentationError
from masam_core.evaluation.study import Study
from masam_core.evaluation.tables import Table, study_tables
from masam_core.export.overlay.overlay import render_overlay
from masam_core.image.lattice import on_grid
from masam_core.image.volume import read_labels, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; } td, th { padding: .25rem .8rem; text-align: right;
  border-bottom: 1px solid #ddd; } td:first-child, th:first-child { text-align: left; }
th { border-bottom: 2px solid #888; } .note, .meta { color: #666; font-size: .9rem; }
img { max-width: 100%; } .wrap { overflow-x: auto; }
"""


def write_report(
    path: Path,
    study: Study,
    cases: Sequence[Case],
    segmenter: Segmenter,
    command: str,
    quality: Quality = SegmentOptions.quality,
    target: Target | None = None,
    worst: int = 6,
) -> None:
    """Write the report.

    Args:
        path: HTML file.
        study: the results.
        cases: that were evaluated.
        segmenter: the model under study; it segments the worst cases again for their pictures.
        command: that made the report, to be shown in it.
        quality: of the inference.
        target: which labels count.
        worst: lesions to picture, those with the lowest Dice.

    Raises:
        SegmentationError: the file can't be written.
    """
    parts = [f"<h1>Evaluation of {html.escape(study.name)}</h1>"]
    meta = f"MASAM {masam_core.__version__}, {date.today().isoformat()}, quality {quality}"
    parts.append(f'<p class="meta">{meta}<br><code>{html.escape(command)}</code></p>')
    tables = study_tables(study)
    parts += [_table(t) for t in tables[:-1]]
    parts.append(f"<h2>Dice and confidence</h2>{_scatter(study)}")
    parts.append("<h2>Worst cases</h2>")
    parts += _pictures(study, cases, segmenter, quality, target, worst)
    parts.append(_table(tables[-1]))
    body = "\n".join(parts)
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>MASAM evaluation</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>"
    )
    write_text(path, page, SegmentationError)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(c)}</th>" for c in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{html.escape(table.note)}</p>' if table.note else ""
    title = html.escape(table.title)
    return f'<h2>{title}</h2><div class="wrap"><table><tr>{head}</tr>{rows}</table></div>{note}'


def _scatter(study: Study) -> str:
    from matplotlib.figure import Figure

    scores = study.scores[study.name]
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axis, values, label in (
        (left, [s.ellipsoid for s in scores], "Dice of the inscribed ellipsoid"),
        (right, [s.confidence for s in scores], "confidence"),
    ):
        axis.plot([0, 1], [0, 1], color="#bbb", linewidth=1)
        axis.scatter(values, [s.dice for s in scores], s=22, color="#1f6fb2")
        axis.set(xlim=(0, 1), ylim=(0, 1), xlabel=label, ylabel="Dice", aspect="equal")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return _image(buffer.getvalue(), "Dice against the ellipsoid's Dice and against confidence")


def _pictures(
    study: Study,
    cases: Sequence[Case],
    segmenter: Segmenter,
    quality: Quality,
    target: Target | None,
    worst: int,
) -> list[str]:
    target = target or Target()
    scores = study.scores[study.name]
    named = {case.name: case for case in cases}
    out = []
    for index in np.argsort([s.dice for s in scores])[:worst]:
        score = scores[int(index)]
        case = named[score.case]
        volume = read_volume(case.image)
        labels = on_grid(*read_labels(case.label), volume.geometry, case.label)
        expert = target.lesions(target.classes(labels, 1) > 0)[score.lesion - 1]
        segmenter.set_volume(volume, modality=case.modality or None)
        box = BoxPrompt.from_voxels(*tight_box(expert), name=score.case)
        lesion = segmenter.segment(box, SegmentOptions(quality=quality))
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "case.png"
            render_overlay(picture, volume, [lesion], expert, f"{score.case}: {score.dice:.3f}")
            data = picture.read_bytes()
        title = f"{score.case}: Dice {score.dice:.3f}, ellipsoid {score.ellipsoid:.3f}"
        out.append(f"<h3>{html.escape(title)}</h3>{_image(data, title)}")
    return out


def _image(data: bytes, description: str) -> str:
    text = base64.b64encode(data).decode("ascii")
    return f'<img alt="{html.escape(description)}" src="data:image/png;base64,{text}">'
