"""``python -m masam_core.batch SPEC.json``: a batch for Slicer's panel, which reads its lines.

SPEC holds ``input`` and ``out``, and optionally ``labels``, ``format``, ``overlay``, ``per``,
``modality``, ``model``, ``base``, ``device``, ``options`` (see SegmentOptions.to_dict), ``fresh``,
``retry_failed`` and ``worker`` (a command as a list, to compute elsewhere).

On stdout comes one JSON object a line: ``case`` (name, status, message), ``progress`` (case,
fraction, text), ``note`` (message), and at last ``end`` (done, failed, cancelled) or ``error``
(message). A line ``cancel`` on stdin, or its end, cancels after the window that is computed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from masam_core.batch.cases import find_cases
from masam_core.batch.engine import Engine
from masam_core.batch.queue import DONE, FAILED
from masam_core.batch.run import BatchOptions, open_queue, run_batch
from masam_core.errors import MasamError
from masam_core.inference.options import SegmentOptions


def main(path: str) -> int:
    """Run the batch; 0 at its end, 1 where it could not begin."""
    wire = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what libraries print must not get between the lines
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()

    def say(event: str, **values: Any) -> None:
        print(json.dumps({"event": event, **values}), file=wire, flush=True)

    try:
        _run(json.loads(Path(path).read_text("utf-8")), say, stop)
    except (MasamError, OSError, ValueError, KeyError) as error:
        say("error", message=str(error))
        return 1
    return 0


def _run(spec: dict[str, Any], say: Any, stop: threading.Event) -> None:
    source, out = Path(spec["input"]), Path(spec["out"])
    cases, notes = find_cases(source, Path(spec["labels"]) if spec.get("labels") else None, out)
    options = BatchOptions(
        SegmentOptions.from_dict(spec.get("options", {})),
        spec.get("format", ".seg.nrrd"),
        bool(spec.get("overlay")),
        spec.get("per", "component"),
        spec.get("modality"),
    )
    model = spec.get("model", "bundled")
    queue = open_queue(
        cases, source, out, options, model, bool(spec.get("fresh")), bool(spec.get("retry_failed"))
    )
    for note in notes:
        say("note", message=note)
    for name, status, message in queue.table():
        say("case", name=name, status=status, message=message)
    if queue.next() is not None:
        engine = make_engine(spec)
        run_batch(
            cases,
            queue,
            engine,
            options,
            lambda name, status, message: say("case", name=name, status=status, message=message),
            lambda name, fraction, text: say("progress", case=name, fraction=fraction, text=text),
            stop.is_set,
        )
    cancelled = queue.next() is not None
    say("end", done=queue.count(DONE), failed=queue.count(FAILED), cancelled=cancelled)


def make_engine(spec: dict[str, Any]) -> Engine:
    """Who computes, as the spec says."""
    from masam_core.batch.engine import LocalEngine, WorkerEngine

    model, base = spec.get("model", "bundled"), spec.get("base")
    device = spec.get("device", "auto")
    if spec.get("worker"):
        from masam_core.worker.steps import ModelChoice

        return WorkerEngine(spec["worker"], ModelChoice(model, base, device))
    from masam_core.catalog.resolve import resolve_base, resolve_model
    from masam_core.inference.segmenter import Segmenter
    from masam_core.model.checkpoint import load_model

    path = resolve_model(model)
    loaded = load_model(path, base=resolve_base(path, Path(base) if base else None))
    return LocalEngine(Segmenter(loaded, device, spec.get("precision", "auto")))


def _listen(stop: threading.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "cancel":
            break
    stop.set()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
