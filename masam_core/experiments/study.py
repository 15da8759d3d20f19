"""Run a study: each point trained and evaluated in processes of its own, side by side on GPUs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from masam_core.atomic import write_text
from masam_core.errors import ConfigError
from masam_core.experiments.grid import Point, Study
from masam_core.targets import require_folder

PROGRAM = (sys.executable, "-m", "masam_core")
ASKED, RESULT, LOG = "point.json", "result.json", "log.txt"
CHECKPOINT = "last.ckpt"  # of masam train
LAST_LINES = 3  # of a failed run, told to the user

Report = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """The place of a study's runs.

    Attributes:
        data: data set.
        out: folder for the results.
        bases: folder of the backbone files that the study names; None: as they are named.
        gpus: numbers, a run on each at a time; empty: whichever there is.
        parallel: runs at a time, without ``gpus``.
        device: of the evaluation.
        program: that trains and evaluates.
    """

    data: Path
    out: Path
    bases: Path | None = None
    gpus: tuple[int, ...] = ()
    parallel: int = 1
    device: str = "auto"
    program: Sequence[str] = PROGRAM


@dataclass
class Outcome:
    """What came of a point: its result (see ``masam evaluate --json``), or why there is none."""

    point: Point
    result: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def run_study(study: Study, place: Place, report: Report = print) -> list[Outcome]:
    """Run what of a study is not done yet; each point trains on from where it was stopped.

    Returns:
        The outcome of every point, in the study's order. A point that fails stops no other.

    Raises:
        ConfigError: the folder holds points of other settings, or of other data.
    """
    require_folder(place.out, ConfigError)
    for point in study.points:
        _require_same(study, point, place)
    free: SimpleQueue[int | None] = SimpleQueue()
    slots: list[int | None] = list(place.gpus) or [None] * place.parallel
    for slot in slots:
        free.put(slot)
    running = _Running()

    def run(point: Point) -> Outcome:
        gpu = free.get()
        try:
            return _run_point(study, point, place, gpu, report, running)
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(len(slots)) as pool:
        waiting = [pool.submit(run, point) for point in study.points]
        try:
            return [one.result() for one in waiting]
        except BaseException:  # Ctrl-C, too: nothing goes on behind the user's back
            for one in waiting:
                one.cancel()
            running.stop()
            raise


class _Running:
    """The processes of a study, so that they end with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._over = False

    def call(self, words: Sequence[str], log: Path, env: dict[str, str], out: Path | None) -> int:
        """Run a program; its words go to the log, its results to ``out``."""
        with log.open("ab") as errors, (out or log).open("ab" if out is None else "wb") as results:
            with self._lock:
                if self._over:
                    return 1
                process = subprocess.Popen(
                    list(words), stdout=results, stderr=errors, stdin=subprocess.DEVNULL, env=env
                )
                self._processes.add(process)
            try:
                return process.wait()
            finally:
                with self._lock:
                    self._processes.discard(process)

    def stop(self) -> None:
        """End what runs, and begin nothing more."""
        with self._lock:
            self._over = True
            for process in self._processes:
                process.terminate()


def _run_point(
    study: Study, point: Point, place: Place, gpu: int | None, report: Report, running: _Running
) -> Outcome:
    own = place.out / point.folder
    done = _result(own)
    if done is not None:
        report(f"{point.title}: done before.")
        return Outcome(point, done)
    require_folder(own, ConfigError)
    write_text(own / ASKED, json.dumps(_asked(study, point, place), indent=1) + "\n")
    where = "" if gpu is None else f" on GPU {gpu}"
    report(f"{point.title}: training{where} ({own}).")
    env = dict(os.environ)
    if gpu is not None:
        env["CUDA_VISIBLE_DEVICES"] = str(gpu)
    log = own / LOG
    if running.call(train_words(study, point, place), log, env, None):
        return Outcome(point, problem=_end_of(log))
    answer = own / f".{RESULT}"
    if running.call(evaluate_words(study, point, place), log, env, answer):
        return Outcome(point, problem=_end_of(log))
    text = answer.read_text(encoding="utf-8")
    write_text(own / RESULT, text)
    answer.unlink()
    report(f"{point.title}: done.")
    return Outcome(point, json.loads(text))


def train_words(study: Study, point: Point, place: Place) -> list[str]:
    """The command that trains a point."""
    words = [*place.program, "train", str(place.data), "-o", str(place.out / point.folder)]
    words += study.start
    base = _base(point, place)
    if base is not None:
        words += ["--base", str(base)]
    for name, value in point.settings.items():
        if name != "base":
            words += ["--set", f"{name}={json.dumps(value)}"]
    return words


def evaluate_words(study: Study, point: Point, place: Place) -> list[str]:
    """The command that evaluates a point's best weights (the last, without validation)."""
    own = place.out / point.folder
    best = own / "best.safetensors"
    model = best if best.is_file() else own / "last.safetensors"
    words = [*place.program, "evaluate", str(place.data), "--split", study.split, "--json"]
    words += ["--model", str(model), "--device", place.device, "--csv", str(own / "scores.csv")]
    words += ["--table", str(own / "table.csv")]
    base = _base(point, place)
    if base is not None and not point.settings.get("full"):
        words += ["--base", str(base)]
    if study.automatic:
        words.append("--automatic")
    if study.labels_map:
        words += ["--map", study.labels_map]
    return words


def _base(point: Point, place: Place) -> Path | None:
    named = point.settings.get("base")
    if named is None:
        return None
    path = Path(str(named))
    return path if place.bases is None or path.is_absolute() else place.bases / path


def _asked(study: Study, point: Point, place: Place) -> dict[str, Any]:
    """What makes a run what it is, as JSON has it: done before is only what was asked the same."""
    return {
        "data": str(place.data.resolve()),
        "start": list(study.start),
        "config": study.config,
        "settings": dict(point.settings),
        "split": study.split,
        "map": study.labels_map,
        "automatic": study.automatic,
    }


def _require_same(study: Study, point: Point, place: Place) -> None:
    """Refuse a folder with another run; one that failed before its first checkpoint is none."""
    file = place.out / point.folder / ASKED
    if not any((file.parent / name).exists() for name in (CHECKPOINT, RESULT)):
        return
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    now = json.loads(json.dumps(_asked(study, point, place)))
    if before != now:
        data = before.get("data", now["data"]) if isinstance(before, dict) else now["data"]
        what = "of other settings" if data == now["data"] else f"on other data, {data},"
        raise ConfigError(
            f"{file.parent} holds a run {what} under the same name. Choose another folder for the "
            "results, or move it away."
        )


def _result(own: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((own / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("scores") else None


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " ".join(lines[-LAST_LINES:])[-500:] or "It ended without a word."
