"""Adapt a model: the old one's scores on held-out cases, training, the new one's, both together."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from masam_core.atomic import write_text
from masam_core.data.cases import Case
from masam_core.data.reading import read_cases
from masam_core.digest import sha256_of
from masam_core.errors import ConfigError, MasamError
from masam_core.inference.segmenter import Segmenter
from masam_core.jsonfile import read_json
from masam_core.model.checkpoint import load_model, save_model
from masam_core.model.masam import MASAM
from masam_core.scoring.evaluate import Score, evaluate_cases
from masam_core.targets import require_folder
from masam_core.training.adapting.division import Division, divide, write_division
from masam_core.training.adapting.outcome import Outcome, paired, read_outcome
from masam_core.training.settings import TrainConfig, config_as_yaml
from masam_core.training.train import train

Report = Callable[[str], None]
Progress = Callable[[float, str], None]

NEW_MODEL = "adapted.safetensors"
STATE, OUTCOME = "adapting.json", "comparison.json"
EARLIER = "earlier"  # folder of the last outcome of other cases or settings
SUFFIX = ", adapted"  # of the model's name, which results bear
_DEVICES = {"cpu": "cpu", "gpu": "cuda", "cuda": "cuda"}
_BEFORE, _AFTER = 0.15, 0.85  # shares of the bar


def adapt(config: TrainConfig, report: Report = print, progress: Progress | None = None) -> Outcome:
    """Train on from ``config.start_from``, and compare with it on the cases of the split ``val``.

    Writes into ``out`` the new model (``adapted.safetensors``, whole, in half precision), and old
    against new (``comparison.json``, ``comparison.md``). A run that was stopped goes on; one whose
    cases or settings have changed begins anew, and keeps what the last one gave in the folder
    ``earlier``; one that is done is not done again.

    Args:
        config: with ``compare``.
        report: called with lines for people.
        progress: called with the fraction done and words; what it raises ends the run, which can
            be gone on with.

    Raises:
        ConfigError: no cases to train on or to compare on; see also ``train``.
        VolumeError: a case that can't be read.
    """
    assert config.start_from is not None  # TrainConfig sees to it
    tell = progress or (lambda fraction, words: None)
    require_folder(config.out, ConfigError)
    division = divide(read_cases(config.data), config.seed)
    print_of_run = _fingerprint(config, division)
    kept = _outcome_of(config.out, print_of_run)
    if kept is not None:
        report("This was done before with the same cases and settings.")
        return kept
    _begin(config.out, print_of_run)
    write_division(config.out / "cases.csv", division)

    began = time.monotonic()
    device = _DEVICES.get(config.accelerator, "auto")
    old_model = load_model(config.start_from, base=_own_base(config))
    old_name, new_name = old_model.config.name, _named(old_model.config.name)
    old = _scores(division.held_out, old_model, device, config, tell, (0.0, _BEFORE))
    report(f"{old_name} on {len(old)} held-out lesions: mean Dice {_mean(old):.3f}.")

    def step(done: int, total: int, loss: float) -> None:
        share = done / total
        if config.minutes:
            share = max(share, min((time.monotonic() - began) / (60 * config.minutes), 1.0))
        words = f"training, step {done} of at most {total}, loss {loss:.3f}"
        tell(_BEFORE + (_AFTER - _BEFORE) * share, words)

    stops = bool(division.stop)
    run = replace(
        config,
        data=config.out / "cases.csv",
        compare=False,
        validate_every=config.validate_every if stops else 0,
        patience=config.patience if stops else 0,
    )
    if not stops:
        report("Too few patients to say when to stop: training takes all its steps.")
    best = train(run, report, step)
    model = load_model(best, base=config.base)
    changed = _differs(model, load_model(config.start_from, base=_own_base(config)))
    model.config = replace(model.config, name=new_name)
    path = config.out / NEW_MODEL
    save_model(model, path, "whole", half=True, metadata=_metadata(config, division))

    new = _scores(division.held_out, load_model(path), device, config, tell, (_AFTER, 1.0))
    lesions, comparison = paired(old, new, (old_name, new_name))
    outcome = Outcome(
        old=old_name,
        new=new_name,
        model=path,
        lesions=lesions,
        comparison=comparison,
        changed=changed,
        trained=len(division.train),
        trained_patients=_patients(division.train),
        stopped=len(division.stop),
        stopped_patients=_patients(division.stop),
        steps=_steps(config.out),
    )
    outcome.write(config.out)
    return outcome


def _scores(
    cases: Sequence[Case],
    model: MASAM,
    device: str,
    config: TrainConfig,
    tell: Progress,
    span: tuple[float, float],
) -> list[Score]:
    """Scores by the product's own inference, told as a part of the bar."""
    first, last = span
    words = "the old model" if first == 0 else "the new model"

    def case(number: int, count: int, name: str) -> None:
        fraction = first + (last - first) * number / count
        tell(fraction, f"{words} on held-out lesion {number + 1} of {count}")

    segmenter = Segmenter(model, device, copy=False)
    return evaluate_cases(cases, segmenter, progress=case, target=config.target)


def _own_base(config: TrainConfig) -> Path | None:
    """The backbone file of the model to start from; None where that is whole."""
    return None if config.base == config.start_from else config.base


def _named(old: str) -> str:
    return old if old.endswith(SUFFIX) else old + SUFFIX


def _mean(scores: Sequence[Score]) -> float:
    return sum(score.dice for score in scores) / len(scores)


def _patients(cases: Sequence[Case]) -> int:
    return len({case.patient for case in cases})


def _differs(model: MASAM, other: MASAM) -> bool:
    theirs = other.state_dict()
    return any(not torch.equal(own, theirs[name]) for name, own in model.state_dict().items())


def _metadata(config: TrainConfig, division: Division) -> dict[str, str]:
    """Origin of the new model: nothing that says whose images they were."""
    assert config.start_from is not None
    return {
        "adapted_from_sha256": sha256_of(config.start_from),
        "adapted_on": f"{len(division.train)} lesions of {_patients(division.train)} patients",
        "adapted_parts": ", ".join(config.parts),
    }


def _fingerprint(config: TrainConfig, division: Division) -> str:
    """Digest of settings, cases and the model to start from, on which the result depends."""
    assert config.start_from is not None
    parts = [config_as_yaml(config), sha256_of(config.start_from)]
    for case in (*division.train, *division.stop, *division.held_out):
        parts.append(f"{case}")
        parts += [f"{file.stat().st_size} {file.stat().st_mtime_ns}" for file in _files(case)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _files(case: Case) -> tuple[Path, Path]:
    return case.image, case.label


def _outcome_of(out: Path, fingerprint: str) -> Outcome | None:
    """What an earlier run with the same fingerprint found, if it came to its end."""
    if not _goes_on(out, fingerprint) or not (out / OUTCOME).is_file():
        return None
    try:
        kept = read_outcome(out / OUTCOME)
    except MasamError:
        return None
    return kept if kept.model.is_file() else None


def _goes_on(out: Path, fingerprint: str) -> bool:
    if not (out / STATE).is_file():
        return False
    try:
        kept = read_json(out / STATE, "state of a run")
    except MasamError:
        return False
    return isinstance(kept, dict) and kept.get("fingerprint") == fingerprint


def _begin(out: Path, fingerprint: str) -> None:
    """Forget a run of other cases or settings, and leave one of the same to be gone on with.

    What a run has come to its end with is put into the folder ``earlier``.

    Raises:
        ConfigError: a run lies there that no adaptation has begun.
    """
    if _goes_on(out, fingerprint):
        return
    if (out / "last.ckpt").exists() and not (out / STATE).exists():
        raise ConfigError(
            f"{out} holds another training run (last.ckpt). Choose another folder, or move it away."
        )
    if (out / OUTCOME).is_file():  # hours of work, which this run may not equal, or not end
        earlier = out / EARLIER
        require_folder(earlier, ConfigError)
        for name in (NEW_MODEL, "comparison.md", OUTCOME):  # which says that there is one
            with suppress(FileNotFoundError):
                os.replace(out / name, earlier / name)
    names = ("last.ckpt", "last.safetensors", "best.safetensors", "log.csv", "validation.csv")
    for name in (*names, NEW_MODEL, "comparison.md"):
        (out / name).unlink(missing_ok=True)
    write_text(out / STATE, json.dumps({"fingerprint": fingerprint}), ConfigError)


def _steps(out: Path) -> int:
    """How many steps the log holds."""
    with (out / "log.csv").open("rb") as file:
        return max(0, sum(1 for line in file if line.strip()) - 1)
