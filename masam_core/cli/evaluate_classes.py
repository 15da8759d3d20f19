"""`masam evaluate` class by class: maps, masks of other programs, few-shot, the paper's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from masam_core.cli.common import print_json
from masam_core.cli.terminal import say
from masam_core.errors import ConfigError
from masam_core.inference.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from masam_core.data.cases import Case, Target
    from masam_core.evaluation.classes import ClassStudy, Others
    from masam_core.evaluation.tables import Table
    from masam_core.inference.segmenter import Segmenter

NO_MODEL = "none"


@dataclass(frozen=True)
class FineTuning:
    """Patients to fine-tune on, how often anew, steps each, and the folder for the runs."""

    count: int
    seeds: int
    steps: int
    out: Path


@dataclass(frozen=True)
class Wanted:
    """What was typed of this kind of evaluation."""

    labels_map: str | None
    predictions: Sequence[str]
    predictions_map: str | None
    tables: Sequence[Path]
    shots: FineTuning | None = None

    @property
    def given(self) -> bool:
        """Whether any of it was typed."""
        return bool(
            self.labels_map or self.predictions or self.predictions_map or self.tables or self.shots
        )


def evaluate_classes(
    data: Path,
    pool: Sequence[Case],
    cases: Sequence[Case],
    model: str,
    base: Path | None,
    device: str,
    precision: str,
    automatic: bool,
    labels: Sequence[int],
    wanted: Wanted,
    quality: Quality,
    csv: Path | None,
    json: bool,
    show: Callable[[Sequence[Table]], None],
) -> None:
    """Evaluate a model and masks of others on the same cases, and print the paper's tables.

    Args:
        data: that the cases are from.
        pool: every case of the data, from which shots are drawn.
        cases: to evaluate.
        model: name or path, or ``none``.
        base, device, precision: of the model.
        automatic: no boxes; else the model gets each mask's tight box.
        labels: label values of the classes, where no map says.
        wanted: see :class:`Wanted`.
        quality: of the model's inference.
        csv: also a line per case and class.
        json: print a document instead of tables.
        show: prints tables.
    """
    from masam_core.evaluation.classes import run_class_study
    from masam_core.evaluation.paper_tables import class_tables, write_tables
    from masam_core.evaluation.scores import plain, write_scores
    from masam_core.inference.segmenter import Segmenter

    folders = folders_of(wanted.predictions)
    segmenter = None
    if model != NO_MODEL:
        segmenter = Segmenter(model, device, precision, base=base)
    elif not folders:
        raise ConfigError("--model none leaves only --predictions to evaluate, and none is given.")
    names, target = classes_of(data, segmenter, labels, wanted.labels_map)
    others = _others(folders, names, target, wanted.predictions_map)
    named = None if segmenter is None else (_title(model), segmenter)

    def told(name: str, number: int, count: int, case: str) -> None:
        say(f"{name}: {number + 1}/{count} {case}", err=True)

    if wanted.shots is not None:
        if others or segmenter is None:
            raise ConfigError("--shots fine-tunes one model; leave --predictions out.")
        study = _few_shot(
            pool, cases, model, base, device, precision, target, wanted.shots, quality, told
        )
    else:
        boxes = not automatic and segmenter is not None
        study = run_class_study(cases, names, target, named, others, quality, boxes, told)
    if csv is not None:
        write_scores(csv, study.scores)
    tables = class_tables(study)
    for path in wanted.tables:
        write_tables(path, tables)
    if json:
        print_json(plain(document(study)))
    else:
        show(tables)


def read_shots(
    count: int | None, seeds: int | None, steps: int | None, out: Path | None, automatic: bool
) -> FineTuning | None:
    """The few-shot options as typed; ConfigError where they make no sense."""
    if count is None:
        if seeds is not None or steps is not None or out is not None:
            raise ConfigError("--seeds, --shot-steps and --out belong to --shots.")
        return None
    if out is None or not automatic:
        raise ConfigError(
            "--shots needs --automatic, and --out FOLDER for the fine-tunings, which go on there "
            "when they are stopped."
        )
    from masam_core.experiments.shots import Shots

    return FineTuning(count, seeds or Shots.seeds, steps or Shots.steps, out)


def _few_shot(
    pool: Sequence[Case],
    cases: Sequence[Case],
    model: str,
    base: Path | None,
    device: str,
    precision: str,
    target: Target,
    wanted: FineTuning,
    quality: Quality,
    told: Callable[[str, int, int, str], None],
) -> ClassStudy:
    from masam_core.catalog.resolve import resolve_base, resolve_model
    from masam_core.experiments.shots import Shots, run_shots

    file = resolve_model(model)
    return run_shots(
        pool,
        cases,
        (_title(model), file, resolve_base(file, base)),
        target,
        Shots(wanted.count, wanted.seeds, wanted.steps),
        wanted.out,
        device,
        precision,
        quality,
        lambda message: say(message, err=True),
        told,
    )


def document(study: ClassStudy) -> Mapping[str, object]:
    """A study as JSON-able values."""
    return {
        "classes": study.classes,
        "scores": study.scores,
        "frame_iou": study.frame_iou,
        "comparisons": study.comparisons,
    }


def classes_of(
    data: Path, segmenter: Segmenter | None, labels: Sequence[int], labels_map: str | None
) -> tuple[tuple[str, ...], Target]:
    """Names of the classes that are compared, and which of the data's label values they are.

    A map says it; else the labels that were typed; else the data set's own names
    (``labels.json``), which the model's classes must be called by; else every value above 0 is the
    one class of a model of one.

    Raises:
        ConfigError: it can't be told.
    """
    from masam_core.data.cases import Target
    from masam_core.data.label_names import label_names, read_map, target_of

    own = () if segmenter is None else segmenter.config.class_names
    count = 0 if segmenter is None else segmenter.config.num_classes
    known = label_names(data)
    if labels_map is not None:
        if labels:
            raise ConfigError("--label and --map both say which label values count; give one.")
        values = read_map(labels_map)
        names = own or _each_value_once(values)
        return names, target_of(names, values, f"The map {labels_map}")
    if labels:
        if count not in (0, len(labels), 1):
            raise ConfigError(
                f"The model tells {count} classes apart, so {count} label values are needed; got "
                f"{list(labels)}."
            )
        if count == 1:
            return own or ("lesion",), Target(tuple(labels))
        names = own or tuple(known.get(v, f"label {v}") for v in labels)
        return names, Target(tuple(labels))
    if count == 1 and not (known and own and own[0] in known.values()):
        return own or ("lesion",), Target()
    if not known:
        raise ConfigError(
            f"{data} does not say what its label values mean; give --label for each class in the "
            "model's order, or --map."
        )
    named = {name: (value,) for value, name in known.items()}
    return own or tuple(named), target_of(own or tuple(named), named, f"{data}/labels.json")


def _each_value_once(values: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """The classes of a map, without those whose values an earlier one has already."""
    names: list[str] = []
    taken: set[int] = set()
    for name, own in values.items():
        if taken.isdisjoint(own):
            names.append(name)
            taken.update(own)
    return tuple(names)


def folders_of(typed: Sequence[str]) -> dict[str, Path]:
    """``NAME=FOLDER`` texts by name; ConfigError for anything else."""
    folders: dict[str, Path] = {}
    for text in typed:
        name, separator, folder = text.partition("=")
        if not separator or not name.strip() or not folder:
            raise ConfigError(f"--predictions {text}: expected NAME=FOLDER.")
        if name.strip() in folders:
            raise ConfigError(f"--predictions {name.strip()} is given twice.")
        folders[name.strip()] = Path(folder)
    return folders


def _others(
    folders: Mapping[str, Path], names: tuple[str, ...], target: Target, own_map: str | None
) -> dict[str, Others]:
    from masam_core.data.label_names import read_map, target_of
    from masam_core.evaluation.classes import Others

    if own_map is not None:
        if not folders:
            raise ConfigError("--predictions-map is for --predictions, and none is given.")
        target = target_of(names, read_map(own_map), f"The map {own_map}")
    return {name: Others(folder, target) for name, folder in folders.items()}


def _title(model: str) -> str:
    path = Path(model)
    if model == "bundled":
        return "MASAM"
    plain = path.stem in ("best", "last") and path.parent.name
    return path.parent.name if plain else path.stem
