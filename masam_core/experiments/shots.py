"""Few-shot: fine-tune a model on some cases of another data set, several times over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from masam_core.data.cases import Case, Target
from masam_core.errors import ConfigError
from masam_core.evaluation.classes import ClassStudy, run_class_study
from masam_core.evaluation.statistics import compare
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.model.abilities import class_names
from masam_core.model.config import ModelConfig
from masam_core.scoring.evaluate import Score
from masam_core.spreadsheet import write_table
from masam_core.targets import require_folder
from masam_core.training.settings import TrainConfig
from masam_core.training.train import train

COLUMNS = ("case", "patient", "split", "modality", "image", "label")


@dataclass(frozen=True)
class Shots:
    """Few-shot settings: patients, how often anew, steps of each fine-tuning, learning rate."""

    count: int
    seeds: int = 3
    steps: int = 200
    batch: int = 2
    lr: float = 1e-4


def choose_shots(
    pool: Sequence[Case], tested: Sequence[Case], shots: Shots
) -> tuple[list[list[Case]], list[Case]]:
    """Cases to fine-tune on, for each seed, and those on which all are tested.

    Shots are drawn by patient, from patients that train where the pool has enough of them, else
    from all. Who is a shot of any seed is tested by none, so that all are tested on the same cases.

    Args:
        pool: every case of the data set.
        tested: those of the split that is evaluated.
        shots: how many, how often.

    Raises:
        ConfigError: fewer patients than that, or none left to test on.
    """
    training = list(dict.fromkeys(c.patient for c in pool if c.split == "train"))
    every = list(dict.fromkeys(c.patient for c in pool))
    patients = training if len(training) >= shots.count else every
    if len(patients) < shots.count:
        raise ConfigError(
            f"--shots {shots.count} needs as many patients; the data has {len(patients)}."
        )
    chosen = []
    for seed in range(shots.seeds):
        drawn = np.random.default_rng(seed).choice(len(patients), shots.count, replace=False)
        names = {patients[int(n)] for n in drawn}
        chosen.append([c for c in pool if c.patient in names])
    taken = {c.patient for cases in chosen for c in cases}
    rest = [c for c in tested if c.patient not in taken]
    if not rest:
        raise ConfigError(
            f"All patients to be tested are among the shots ({shots.seeds} times {shots.count}); "
            "take fewer, or another --split."
        )
    return chosen, rest


def run_shots(
    pool: Sequence[Case],
    tested: Sequence[Case],
    model: tuple[str, Path, Path | None],
    target: Target,
    shots: Shots,
    out: Path,
    device: str,
    precision: str,
    quality: Quality,
    report: Callable[[str], None],
    progress: Callable[[str, int, int, str], None],
) -> ClassStudy:
    """Evaluate a model as it is, and fine-tuned on a few cases with each seed.

    Args:
        pool, tested: see :func:`choose_shots`.
        model: its name in the table, file, and backbone file.
        target: which label values are its classes.
        shots: how many, how often, how long.
        out: folder for the fine-tunings; a run that was stopped goes on there.
        device, precision: of the evaluation.
        quality: of the inference.
        report, progress: what is being done.

    Returns:
        By row: zero-shot, each seed, and the mean over the seeds.

    Raises:
        ConfigError, CheckpointError: see :func:`choose_shots` and the training.
    """
    name, file, given = model
    base = given or file  # a whole model brings its own backbone
    chosen, rest = choose_shots(pool, tested, shots)
    before = Segmenter(str(file), device, precision, base=given)
    config = before.config
    names = class_names(config)
    require_folder(out, ConfigError)
    scores: dict[str, list[Score]] = {}
    frames: dict[str, list[float]] = {}

    def evaluate(title: str, segmenter: Segmenter) -> None:
        study = run_class_study(
            rest, names, target, (title, segmenter), {}, quality, progress=progress
        )
        scores.update(study.scores)
        frames.update(study.frame_iou)

    evaluate(f"{name}, zero-shot", before)
    before.close()
    seeds = []
    for seed, cases in enumerate(chosen):
        run = out / f"{shots.count}_shots_seed{seed}"
        report(f"Fine-tuning on {', '.join(c.name for c in cases)} ({run}).")
        settings = _settings(run, cases, config, file, base, target, shots, seed, device)
        tuned = train(settings, report)
        title = f"{name}, {shots.count}-shot, seed {seed}"
        seeds.append(title)
        with Segmenter(str(tuned), device, precision, base=base) as segmenter:
            evaluate(title, segmenter)
    mean = f"{name}, {shots.count}-shot, mean of {shots.seeds}"
    scores[mean] = mean_scores([scores[title] for title in seeds])
    first = next(iter(scores))
    compared = [compare(scores[mean], scores[first], (mean, first))]
    return ClassStudy(names, scores, frames, compared)


def mean_scores(runs: Sequence[Sequence[Score]]) -> list[Score]:
    """The mean of several runs, case by case and class by class."""
    out = []
    for same in zip(*runs, strict=True):
        distances = [s.hd95_mm for s in same if s.hd95_mm is not None]
        out.append(
            replace(
                same[0],
                dice=float(np.mean([s.dice for s in same])),
                iou=float(np.mean([s.iou for s in same])),
                hd95_mm=float(np.mean(distances)) if distances else None,
                asd_mm=None,
            )
        )
    return out


def _settings(
    run: Path,
    cases: Sequence[Case],
    config: ModelConfig,
    file: Path,
    base: Path,
    target: Target,
    shots: Shots,
    seed: int,
    device: str,
) -> TrainConfig:
    require_folder(run, ConfigError)
    index = run / "shots.csv"
    rows = [
        [c.name, c.patient, "train", c.modality, c.image.resolve(), c.label.resolve()]
        for c in cases
    ]
    write_table(index, COLUMNS, rows, mark=False)
    return TrainConfig(
        data=index,
        out=run,
        base=base,
        start_from=file,
        model=config,
        prompts=None,
        target=target,
        steps=shots.steps,
        batch=shots.batch,
        at_once=1,
        lr=shots.lr,
        warmup=min(20, shots.steps // 5),
        power=1.0,
        synthetic=0.0,
        validate_every=0,
        seed=seed,
        accelerator="cpu" if device == "cpu" else "auto",
    )
