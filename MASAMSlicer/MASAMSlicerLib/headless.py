"""The batch in Slicer without a main window, for hospitals whose only Python is Slicer's.

Slicer --no-splash --no-main-window --python-script .../MASAMSlicerLib/headless.py INPUT -o OUT

INPUT and the options are those of ``masam batch``. ``headless.py help``, or no argument at all,
lists what is taken here: Slicer keeps ``--help`` for itself. The exit code is 0 when every case is
done, 1 when one has failed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELP = ("help", "--help", "-h")


def main(arguments: Sequence[str]) -> int:
    """Run the batch; see the module's text."""
    from MASAMSlicerLib import workerprocess

    words = list(arguments)
    if words[:1] == ["--"]:
        del words[0]
    if not words or words[0] in HELP:
        _parser().print_help()
        return 0 if words else 2
    try:
        given = _parser().parse_args(words)
    except SystemExit as error:  # the application must end by its own function
        return int(error.code or 0)
    missing = workerprocess.missingForPanel() if given.worker else workerprocess.missingForWorker()
    if missing:
        print(f"Not installed in Slicer's Python: {', '.join(missing)}.", file=sys.stderr)
        return 1
    from masam_core.batch.spec import run_spec
    from masam_core.errors import MasamError

    ended: list[dict[str, Any]] = []

    def say(event: dict[str, Any]) -> None:
        if event["event"] == "case":
            print("{name}: {status} {message}".format(**event).rstrip(), flush=True)
        elif event["event"] == "note":
            print(event["message"])
        elif event["event"] == "end":
            print("{done} done, {failed} failed.".format(**event), f"Results in {given.out}")
            ended.append(event)

    options = {"quality": given.quality, "margin_mm": given.margin, "slice_axis": given.slice_axis}
    spec = {**vars(given), "options": options}
    try:
        spec["worker"] = workerprocess.workerCommand(given.worker)
        run_spec(spec, say, lambda: False, workerprocess.workerEnvironment())
    except MasamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 1 if ended[0]["failed"] or ended[0]["cancelled"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headless.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", type=Path, help="folder of images and boxes, or a CSV list")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--labels", type=Path, help="folder of label images")
    parser.add_argument("--format", default=".seg.nrrd", help="of the masks")
    parser.add_argument("--overlay", action="store_true", help="also write pictures")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quality", default="balanced", help="fast, balanced or best")
    parser.add_argument("--margin", type=float, default=0.0, help="mm beyond the box")
    parser.add_argument("--slice-axis", help="voxel axis across the slices: i, j or k")
    parser.add_argument("--worker", default="", help="worker command, to compute elsewhere")
    parser.add_argument("--fresh", action="store_true", help="forget an earlier run")
    parser.add_argument("--retry-failed", action="store_true", help="run failed cases again")
    return parser


if __name__ == "__main__":
    # Run as a file: the package is the folder above.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import MASAMSlicerLib  # noqa: F401 - makes masam_core importable

    code = main(sys.argv[1:])
    slicer = sys.modules.get("slicer")
    if slicer is not None and hasattr(slicer, "util") and hasattr(slicer.util, "exit"):
        slicer.util.exit(code)
    sys.exit(code)
