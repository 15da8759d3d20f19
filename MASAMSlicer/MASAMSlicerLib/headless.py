"""The batch in Slicer without a main window, for hospitals whose only Python is Slicer's.

Slicer --no-splash --no-main-window --python-script .../MASAMSlicerLib/headless.py INPUT -o OUT

INPUT and the options are those of ``masam batch``; ``--help`` lists what is taken here. The exit
code is 0 when every case is done, 1 when one has failed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Run the batch; see the module's text."""
    from masam_core.batch.cases import find_cases
    from masam_core.batch.engine import WorkerEngine
    from masam_core.batch.run import BatchOptions, open_queue, run_batch
    from masam_core.errors import MasamError
    from masam_core.inference.options import SegmentOptions
    from masam_core.worker.steps import ModelChoice
    from MASAMSlicerLib import worker

    given = _parser().parse_args(list(arguments))
    missing = worker.missingForPanel() if given.worker else worker.missingForWorker()
    if missing:
        print(f"Not installed in Slicer's Python: {', '.join(missing)}.", file=sys.stderr)
        return 1
    try:
        values = {"quality": given.quality, "margin_mm": given.margin}
        options = BatchOptions(SegmentOptions.from_dict(values), given.format, given.overlay)
        cases, notes = find_cases(given.input, given.labels, given.out)
        queue = open_queue(
            cases, given.input, given.out, options, given.model, given.fresh, given.retry_failed
        )
        command = worker.workerCommand(given.worker)
    except MasamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    for note in notes:
        print(note)
    choice = ModelChoice(given.model, device=given.device)
    engine = WorkerEngine(command, choice, worker.workerEnvironment())
    try:
        run_batch(
            cases,
            queue,
            engine,
            options,
            lambda name, status, message: print(f"{name}: {status} {message}".rstrip(), flush=True),
            lambda *_: None,
            lambda: False,
        )
    finally:
        engine.close()
    print(queue.summary(), f"Results in {given.out}")
    return 1 if queue.count("done") < len(cases) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headless.py", description=__doc__)
    parser.add_argument("input", type=Path, help="folder of images and boxes, or a CSV list")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--labels", type=Path, help="folder of label images")
    parser.add_argument("--format", default=".seg.nrrd", help="of the masks")
    parser.add_argument("--overlay", action="store_true", help="also write pictures")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quality", default="balanced", help="fast, balanced or best")
    parser.add_argument("--margin", type=float, default=0.0, help="mm beyond the box")
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
