"""What a check asks of the worker, as requests that follow from each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import masam_core
from masam_core.check.sample import TITLE as MASK
from masam_core.check.sample import Sample, judge_mask, read_sample
from masam_core.installation.finding import Finding, State
from masam_core.worker.client import Ask, Steps, WorkerError
from masam_core.worker.protocol import PROTOCOL, Message

WORKER = "Worker"


@dataclass
class Gathered:
    """What the worker's side has shown so far; filled while the requests run.

    Attributes:
        host: name of the worker's machine; empty before it has answered. Never part of a report.
        findings: in the order in which they came.
    """

    host: str = ""
    findings: list[Finding] = field(default_factory=list)


def check_steps(
    gathered: Gathered, model: str, device: str, stage: Callable[[float, float, str], None]
) -> Steps:
    """Greet the worker, have it look at its machine, segment the sample.

    Args:
        gathered: is filled.
        model: the chosen model; the sample is always segmented with the bundled one.
        device: as chosen.
        stage: called before each request with the fraction that is done, the share that the
            request takes, and words.

    Raises:
        WorkerError: the worker could not be started, or has died.
    """
    stage(0.0, 0.1, "starting the worker")
    began = time.monotonic()
    hello = yield Ask("hello", {"protocol": PROTOCOL})
    gathered.host = str(hello["host"])
    gathered.findings.append(_greeting(hello, time.monotonic() - began))
    stage(0.1, 0.4, "looking at the machine")
    try:
        answer = yield Ask("check", {"model": model, "device": device})
    except WorkerError as error:
        if error.code != "unknown_request":
            raise
        gathered.findings.append(
            Finding(
                "Machine",
                State.NOTE,
                "The worker's MASAM is too old to say how its machine is.",
                "Install the same version of MASAM on both sides.",
            )
        )
    else:
        gathered.findings += [Finding.from_dict(fields) for fields in answer["findings"]]
    broken = [f.title for f in gathered.findings if f.state is State.PROBLEM]
    needed = [title for title in ("PyTorch", "Model file") if title in broken]
    if needed:
        words = f"Not tried: something is wrong with {' and '.join(needed)}."
        gathered.findings.append(Finding(MASK, State.SKIPPED, words))
        return
    gathered.findings.append((yield from _segment(device, stage)))


def _greeting(hello: Message, seconds: float) -> Finding:
    words = f"answered after {seconds:.1f} s; MASAM {hello['version']}, protocol {PROTOCOL}"
    if hello["version"] != masam_core.__version__:
        return Finding(
            WORKER,
            State.NOTE,
            f"{words}; this program is MASAM {masam_core.__version__}",
            "Install the same version of MASAM on both sides.",
        )
    return Finding(WORKER, State.OK, words)


def _segment(device: str, stage: Callable[[float, float, str], None]) -> Any:
    """Segment the sample; the result is a finding, also when that fails."""
    try:
        sample = read_sample()
    except ImportError as error:
        return Finding(MASK, State.SKIPPED, f"Not tried: this program lacks {error.name}.")
    except Exception as error:  # a missing or damaged file raises many things
        words = f"The sample could not be read ({error})."
        return Finding(MASK, State.PROBLEM, words, "Install MASAM again.")
    try:
        return (yield from _ask_for_mask(sample, device, stage))
    except WorkerError as error:
        if error.code in ("died", "start", "closed"):
            raise
        return Finding(
            MASK,
            State.PROBLEM,
            f"The sample could not be segmented: {error}",
            "What is wrong above may be the reason; else report it.",
        )


def _ask_for_mask(sample: Sample, device: str, stage: Callable[[float, float, str], None]) -> Any:
    from masam_core.catalog.choice import ModelChoice
    from masam_core.inference.options import SegmentOptions
    from masam_core.lesion.lesion import Lesion
    from masam_core.worker.steps import segment_steps

    choice = ModelChoice(device=device)
    stage(0.5, 0.1, "loading the model")
    yield Ask("load_model", choice.fields())
    stage(0.6, 0.4, "segmenting the sample")
    outcome = yield from segment_steps(
        choice, sample.volume, [("sample", sample.box)], SegmentOptions()
    )
    found = outcome.results["sample"]
    if not isinstance(found, Lesion):
        return Finding(
            MASK, State.PROBLEM, f"The sample could not be segmented: {found}", "Report it."
        )
    return judge_mask(
        sample, found.mask, found.offset_kji, outcome.seconds, str(outcome.model["device"])
    )
