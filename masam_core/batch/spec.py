"""A batch as a specification, for programs that drive one: Slicer with and without its panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from masam_core.batch.cases import find_cases
from masam_core.batch.engine import open_segmenter
from masam_core.batch.queue import DONE, FAILED
from masam_core.batch.run import BatchOptions, open_queue, run_batch
from masam_core.catalog.choice import ModelChoice
from masam_core.inference.options import SegmentOptions

Say = Callable[[dict[str, Any]], None]


def run_spec(
    spec: Mapping[str, Any],
    say: Say,
    cancelled: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a batch and tell what happens.

    Args:
        spec: ``input`` and ``out``, and optionally ``labels``, ``format``, ``overlay``, ``per``,
            ``modality``, ``model``, ``base``, ``device``, ``options`` (see
            SegmentOptions.to_dict), ``fresh``, ``retry_failed`` and ``worker`` (a command as a
            list, to compute in another process or elsewhere).
        say: called with ``event`` and its fields: ``note`` (message), ``case`` (name, status,
            message), ``progress`` (case, fraction, text), and at last ``end`` (done, failed,
            cancelled).
        cancelled: asked between windows.
        environment: of the worker; None is this process's.

    Raises:
        MasamError: the batch can't begin.
        KeyError: ``input`` or ``out`` is missing.
    """
    source, out = Path(spec["input"]), Path(spec["out"])
    cases, notes = find_cases(source, Path(spec["labels"]) if spec.get("labels") else None, out)
    options = BatchOptions(
        SegmentOptions.from_dict(spec.get("options", {})),
        spec.get("format", ".seg.nrrd"),
        bool(spec.get("overlay")),
        spec.get("per", "component"),
        spec.get("modality"),
    )
    choice = ModelChoice(spec.get("model", "bundled"), spec.get("base"), spec.get("device", "auto"))
    queue = open_queue(
        cases,
        source,
        out,
        options,
        choice.model,
        bool(spec.get("fresh")),
        bool(spec.get("retry_failed")),
    )

    def on_case(name: str, status: str, message: str) -> None:
        say({"event": "case", "name": name, "status": status, "message": message})

    def on_progress(name: str, fraction: float, text: str) -> None:
        say({"event": "progress", "case": name, "fraction": fraction, "text": text})

    for note in notes:
        say({"event": "note", "message": note})
    for row in queue.table():
        on_case(*row)
    if queue.next() is not None:
        with open_segmenter(choice, spec.get("worker"), environment) as segmenter:
            run_batch(cases, queue, segmenter, options, on_case, on_progress, cancelled)
    left = queue.next() is not None
    say(
        {
            "event": "end",
            "done": queue.count(DONE),
            "failed": queue.count(FAILED),
            "cancelled": left,
        }
    )
