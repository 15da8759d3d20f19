"""The recorded runs of `masam bench` as the tables of docs/SPEED.md.

masam bench --json > Testing/benchmarks/vit_b_512_two_cores.json
masam bench --busy 2 --json > Testing/benchmarks/busy_two_cores.json
python -m Testing.benchmarks.tables          # writes them into docs/SPEED.md
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from masam_core.atomic import atomic_path
from masam_core.bench.rows import Row
from masam_core.bench.run import figure

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "SPEED.md"
_PLACE = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def table(name: str) -> str:
    """A recorded run in Markdown, section by section."""
    run: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    rows = [Row(**row) for row in run["rows"]]
    about = run["machine"]
    lines = [
        f"{about['model']}; {about['processor']}, {about['threads']} threads, {about['system']}, "
        f"PyTorch {about['torch']}, device {about['device']}.",
    ]
    for title in dict.fromkeys(row.section for row in rows):
        lines += ["", f"| {title} | figure | ratio | aim | |", "|---|---|---|---|---|"]
        for row in (row for row in rows if row.section == title):
            ratio = "" if row.ratio is None else f"**{row.ratio:.2f}x**"
            lines.append(f"| {row.what} | {figure(row)} | {ratio} | {row.aim} | {row.note} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its tables made anew."""
    return _PLACE.sub(lambda found: f"<!-- {found[1]} -->\n{table(found[1])}\n<!-- end -->", text)


if __name__ == "__main__":
    fresh = page(PAGE.read_text("utf-8"))
    with atomic_path(PAGE) as temporary:
        temporary.write_text(fresh, "utf-8")
