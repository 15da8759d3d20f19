"""The follow-up as files: CSV, Markdown, JSON, and an HTML page with a plot."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import masam_core
from masam_core.atomic import write_text
from masam_core.followup.reading import State
from masam_core.followup.result import FollowUp, Row, row_dict, to_dict
from masam_core.spreadsheet import write_table

FORMULA = (
    "Doubling time: DT = t ln 2 / ln(V2 / V1), with t in days between the studies, V1 and V2 the "
    "volumes. Its range takes V2 / V1 to be off by {noise:.0%} either way; a change within that is "
    "the noise of measuring, and no doubling time is given."
)
SOURCE = (
    "RECIST 1.1: Eisenhauer EA et al., European Journal of Cancer 45 (2009) 228-247. Longest "
    "diameters in one slice ({plane}), of lymph nodes the short axis."
)
RESEARCH = "Research use only, not for clinical decisions."
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .25rem .7rem; text-align: right;
  border-bottom: 1px solid #ddd; vertical-align: top; }
td.words, th.words { text-align: left; } td:nth-child(-n+2) { white-space: nowrap; }
th { border-bottom: 2px solid #888; }
.open { background: #fff3cd; padding: .6rem .9rem; } .note { color: #555; font-size: .9rem; }
tr.unsure td { background: #fffaf0; } img { max-width: 100%; } .wrap { overflow-x: auto; }
"""
_PLANES = {"auto": "axial on CT, else in the plane of acquisition"}
_COLORS = ("#1f6fb2", "#d1590b", "#2e8540", "#8a3ab9", "#b3261e", "#00838f", "#6d5d00", "#555555")
RESPONSE_COLUMNS = (
    "Study",
    "Sum mm",
    "Smallest before",
    "From first",
    "From smallest",
    "Response",
    "Why",
)
LESION_COLUMNS = (
    "Lesion",
    "Study",
    "State",
    "Diameters mm",
    "Change",
    "Volume ml",
    "Change",
    "Doubling time",
    "Notes",
)
_WORDS = {"Study", "Response", "Why", "Lesion", "State", "Doubling time", "Notes"}


def write_reports(folder: Path, found: FollowUp) -> list[Path]:
    """Write ``followup.csv``, ``.md``, ``.json`` and ``.html``; returns their paths.

    Raises:
        WriteError: a file can't be written.
    """
    rows = [row_dict(row) for row in found.rows]
    columns = list(rows[0]) if rows else []
    paths = [folder / f"followup{ending}" for ending in (".csv", ".md", ".json", ".html")]
    write_table(paths[0], columns, [list(row.values()) for row in rows])
    write_text(paths[1], markdown(found))
    write_text(paths[2], json.dumps(to_dict(found), indent=2, allow_nan=False) + "\n")
    write_text(paths[3], page(found))
    return paths


def response_rows(found: FollowUp) -> list[tuple[str, ...]]:
    """One row a study, as words."""
    return [
        (
            study.title,
            _mm(a.sum_mm),
            _mm(a.nadir_mm),
            _percent(a.from_baseline),
            _percent(a.from_nadir),
            "baseline" if a.response is None else a.response.value,
            a.rule,
        )
        for study, a in zip(found.studies, found.assessments, strict=True)
    ]


def lesion_rows(found: FollowUp) -> list[tuple[str, ...]]:
    """One row a lesion and study, as words."""
    return [
        (
            row.lesion + (" (target)" if row.target else "") + (", lymph node" if row.node else ""),
            row.study.title,
            row.reading.state.value + ("" if row.confirmed else ", to be confirmed"),
            _diameters(row),
            _percent(row.from_first),
            "" if row.reading.volume_ml is None else f"{row.reading.volume_ml:.2f}",
            _percent(row.volume_from_first),
            "" if row.doubling is None else row.doubling.words,
            " ".join(row.notes),
        )
        for row in found.rows
    ]


def markdown(found: FollowUp) -> str:
    """The follow-up as Markdown."""
    parts = ["# Follow-up", "", _open_words(found), ""]
    parts += [*_table(RESPONSE_COLUMNS, response_rows(found)), "", "## Lesions", ""]
    parts += [
        *_table(LESION_COLUMNS, lesion_rows(found)),
        "",
        "Changes are since the lesion's first study, doubling times since the last before.",
        "",
        *(f"- {note}" for note in _notes(found)),
        "",
    ]
    return "\n".join(parts)


def page(found: FollowUp) -> str:
    """The follow-up as an HTML page that needs no other file."""
    words = html.escape(_open_words(found))
    kind = ' class="open"' if found.open else ""
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in _notes(found))
    unsure = [not row.confirmed for row in found.rows]
    body = (
        f"<h1>Follow-up</h1><p{kind}>{words}</p>"
        f"{_html_table(RESPONSE_COLUMNS, response_rows(found))}"
        f'<h2>Course</h2><img alt="{html.escape(_alt(found))}" '
        f'src="data:image/png;base64,{base64.b64encode(plot(found)).decode("ascii")}">'
        f"<h2>Lesions</h2>{_html_table(LESION_COLUMNS, lesion_rows(found), unsure)}"
        '<p class="note">Changes are since the lesion\'s first study, doubling times since the '
        f'last before.</p><ul class="note">{notes}</ul>'
        f'<p class="note">MASAM {masam_core.__version__}</p>'
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Follow-up</title>'
        f"<style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def plot(found: FollowUp) -> bytes:
    """A PNG: diameters with their sum, and volumes, over time."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, MaxNLocator

    dated = all(study.date is not None for study in found.studies)
    first = found.studies[0].date
    places = [
        float((s.date - first).days) if dated and s.date and first else float(s.number)
        for s in found.studies
    ]
    figure = Figure(figsize=(10.5, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    names = list(dict.fromkeys(row.lesion for row in found.rows))
    for index, name in enumerate(names):
        own = [row for row in found.rows if row.lesion == name]
        look = {
            "color": _COLORS[index % len(_COLORS)],
            "marker": "o",
            "linestyle": "-" if own[0].target else "--",
        }
        label = name if len(name) <= 24 else f"{name[:23]}…"
        for axis, values in (
            (left, [row.reading.diameter_mm(row.node) for row in own]),
            (right, [plotted_volume(row) for row in own]),
        ):
            points = [(x, y) for x, y in zip(places, values, strict=True) if y is not None]
            if points:
                axis.plot(*zip(*points, strict=True), label=label, **look)
            unsure = [
                (x, y)
                for x, y, row in zip(places, values, own, strict=True)
                if y is not None and not row.confirmed
            ]
            if unsure:
                axis.scatter(
                    *zip(*unsure, strict=True),
                    s=90,
                    facecolors="none",
                    edgecolors="#c98a00",
                    zorder=3,
                )
    sums = [(x, a.sum_mm) for x, a in zip(places, found.assessments, strict=True)]
    sums = [(x, y) for x, y in sums if y is not None]
    if sums:
        left.plot(*zip(*sums, strict=True), color="#111", linewidth=2.2, marker="s", label="sum")
    for axis, title in ((left, "Diameter, mm (short axis of lymph nodes)"), (right, "Volume, ml")):
        axis.set_title(title, fontsize=10)
        axis.set_ylim(bottom=0)
        axis.grid(color="#e5e5e5", linewidth=0.8)
        axis.set_xlabel("days since the first study" if dated else "study")
        axis.xaxis.set_major_locator(
            MaxNLocator(8, integer=True) if dated else FixedLocator(places)
        )
    if left.has_data():
        left.legend(fontsize=8, framealpha=0.9)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def plotted_volume(row: Row) -> float | None:
    """Volume in ml for a plot: 0 of a lesion that is gone, None where it is not known."""
    return 0.0 if row.reading.state is State.ABSENT else row.reading.volume_ml


def _open_words(found: FollowUp) -> str:
    if found.open:
        count = "1 finding waits" if found.open == 1 else f"{found.open} findings wait"
        return f"A proposal: {count} for a person to confirm. {RESEARCH}"
    return f"Confirmed. {RESEARCH}"


def _notes(found: FollowUp) -> list[str]:
    return [
        *found.notes,
        FORMULA.format(noise=found.noise).replace("%", " %"),
        SOURCE.format(plane=_PLANES.get(found.plane.value, f"{found.plane.value} plane")),
    ]


def _alt(found: FollowUp) -> str:
    return f"Diameters and volumes of the lesions over {len(found.studies)} studies"


def _diameters(row: Row) -> str:
    longest, short = row.reading.longest_mm, row.reading.short_mm
    return "" if longest is None or short is None else f"{longest:.1f} x {short:.1f}"


def _mm(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:+.0f} %"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(' '.join(c.replace('|', '/').split()) for c in cells)} |"

    rule = ["---" if column in _WORDS else "---:" for column in columns]
    return [line(columns), line(rule), *map(line, rows)]


def _html_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], unsure: Sequence[bool] = ()
) -> str:
    kinds = [' class="words"' if column in _WORDS else "" for column in columns]
    head = "".join(
        f"<th{kind}>{html.escape(c)}</th>" for c, kind in zip(columns, kinds, strict=True)
    )
    lines = []
    for number, row in enumerate(rows):
        mark = ' class="unsure"' if unsure and unsure[number] else ""
        cells = "".join(
            f"<td{kind}>{html.escape(c)}</td>" for c, kind in zip(row, kinds, strict=True)
        )
        lines.append(f"<tr{mark}>{cells}</tr>")
    return f'<div class="wrap"><table><tr>{head}</tr>{"".join(lines)}</table></div>'
