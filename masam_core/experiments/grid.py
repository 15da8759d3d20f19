"""The grid of an ablation study: a YAML file, and the points that it spans."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from masam_core.data.yaml_file import read_yaml_file
from masam_core.errors import ConfigError

FOLDER = Path(__file__).parent / "studies"
STUDIES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
MOST_POINTS = 500
ENTRIES = ("about", "preset", "config", "set", "vary", "split", "map", "automatic")


@dataclass(frozen=True)
class Point:
    """One run of a study: its label on each axis, and the settings that make it."""

    labels: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Labels in one text."""
        return ", ".join(self.labels)

    @property
    def folder(self) -> str:
        """A name for its folder."""
        return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(self.labels)).strip("_.") or "run"


@dataclass(frozen=True)
class Study:
    """A study as written: what is trained, what is varied, on what it is evaluated.

    Attributes:
        name: of the file.
        about: a sentence.
        start: options of ``masam train`` that all runs share: preset or configuration file.
        config: what that file says, which may change under the same name.
        axes: names of what is varied.
        points: the runs.
        split: of the cases that are evaluated.
        labels_map: as for ``masam evaluate --map``.
        automatic: whether the models are evaluated without boxes.
    """

    name: str
    about: str
    start: tuple[str, ...]
    axes: tuple[str, ...]
    points: tuple[Point, ...]
    split: str = "test"
    labels_map: str | None = None
    automatic: bool = True
    config: str = ""


def read_study(name: str) -> Study:
    """Read a study.

    Args:
        name: of one that comes with MASAM, or the path of a YAML file: ``vary`` names the axes,
            each an entry of the training configuration with a list of values, or a name of your
            own with labels and the entries that they set.

    Raises:
        ConfigError: no such study, or a file that is none; names the entry.
    """
    path = FOLDER / f"{name}.yaml" if name in STUDIES else Path(name)
    if not path.is_file():
        raise ConfigError(
            f"There is no study '{name}'; expected one of {', '.join(STUDIES)}, or a YAML file."
        )
    content = read_yaml_file(path, "study")
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no study: expected entries {', '.join(ENTRIES)}.")
    unknown = sorted(set(map(str, content)) - set(ENTRIES))
    if unknown:
        raise ConfigError(f"{path} has the entry '{unknown[0]}'; expected {', '.join(ENTRIES)}.")
    shared = _settings(content.get("set") or {}, f"{path}, set")
    vary = content.get("vary")
    if not isinstance(vary, dict) or not vary:
        raise ConfigError(f"{path}: vary must name at least one axis with its values.")
    axes = {str(axis): _axis(str(axis), values, path) for axis, values in vary.items()}
    points = tuple(
        Point(tuple(label for label, _ in chosen), _merged(shared, *(own for _, own in chosen)))
        for chosen in product(*axes.values())
    )
    if len(points) > MOST_POINTS:
        raise ConfigError(f"{path} spans {len(points)} runs; the most is {MOST_POINTS}.")
    if len({p.folder.lower() for p in points}) < len(points):
        raise ConfigError(f"{path}: two runs have the same labels.")
    return Study(
        name=path.stem,
        about=str(content.get("about") or "").strip(),
        start=_start(content, path),
        axes=tuple(axes),
        points=points,
        split=str(content.get("split") or "test"),
        labels_map=_map(content.get("map"), path),
        automatic=bool(content.get("automatic", True)),
        config=_text_of_config(content, path),
    )


def _start(content: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    words: tuple[str, ...] = ()
    if content.get("preset"):
        words += ("--preset", str(content["preset"]))
    if content.get("config"):
        words += ("--config", str(path.parent / str(content["config"])))
    return words


def _text_of_config(content: Mapping[str, Any], path: Path) -> str:
    if not content.get("config"):
        return ""
    from masam_core.training.layers import configuration_text

    try:
        return configuration_text(path.parent / str(content["config"]))
    except ConfigError as error:
        raise ConfigError(f"{path}: the configuration {error}") from error


def _map(name: Any, path: Path) -> str | None:
    """A map's name, or its file beside the study."""
    if not name:
        return None
    beside = path.parent / str(name)
    return str(beside) if beside.is_file() else str(name)


def _axis(axis: str, values: Any, path: Path) -> list[tuple[str, dict[str, Any]]]:
    where = f"{path}, vary.{axis}"
    if isinstance(values, list) and values:
        return [(_label(value), _settings({axis: value}, where)) for value in values]
    if isinstance(values, dict) and values:
        return [(str(n), _settings(own or {}, f"{where}.{n}")) for n, own in values.items()]
    raise ConfigError(f"{where}: expected a list of values, or labels with the entries they set.")


def _label(value: Any) -> str:
    return (
        "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _settings(values: Any, where: str) -> dict[str, Any]:
    """Entries with dots, checked as ``--set`` checks them."""
    from masam_core.schema import check
    from masam_core.training.settings import TrainConfig

    if not isinstance(values, dict):
        raise ConfigError(f"{where}: expected entries of the training configuration.")
    for name, value in values.items():
        layer: Any = value
        for part in reversed(str(name).split(".")):
            layer = {part: layer}
        check(TrainConfig, layer, where)
    return {str(name): value for name, value in values.items()}


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for layer in layers:
        out |= layer
    return out
