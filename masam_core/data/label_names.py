"""What label values mean: a data set's own names, and maps to the classes of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from masam_core.data.cases import NOT_MARKED, Target
from masam_core.data.yaml_file import read_yaml_file
from masam_core.errors import ConfigError
from masam_core.jsonfile import read_json

LABELS = "labels.json"
MAPS = Path(__file__).parent / "maps"


def known_maps() -> tuple[str, ...]:
    """Names of the maps that come with MASAM."""
    return tuple(sorted(path.stem for path in MAPS.glob("*.yaml")))


def label_names(data: Path) -> dict[int, str]:
    """Value and name of each label of a prepared data set; empty where nothing says so.

    Args:
        data: folder, or a list in it, beside which ``labels.json`` lies.

    Raises:
        ConfigError: a ``labels.json`` that is none.
    """
    file = (data if data.is_dir() else data.parent) / LABELS
    if not file.is_file():
        return {}
    content = read_json(file, "list of labels")
    try:
        return {int(entry["value"]): str(entry["name"]) for entry in content}
    except (TypeError, KeyError, ValueError) as error:
        raise ConfigError(f"{file} is no list of labels with value and name.") from error


def read_map(name: str) -> dict[str, tuple[int, ...]]:
    """Read a map: a class's name and the label values that are this class, none if not marked.

    Args:
        name: of a map that comes with MASAM, or the path of a YAML file with ``name: [values]``.

    Raises:
        ConfigError: no such map, or a file that is none.
    """
    path = MAPS / f"{name}.yaml" if name in known_maps() else Path(name)
    if not path.is_file():
        raise ConfigError(
            f"There is no map '{name}'; expected {', '.join(known_maps())}, or a YAML file with "
            "'class: [label values]'."
        )
    content = read_yaml_file(path, "map")
    good = isinstance(content, dict) and all(
        isinstance(values, list) and all(type(v) is int and v > 0 for v in values)
        for values in content.values()
    )
    if not good or not content:
        raise ConfigError(
            f"{path} is no map: expected lines 'class: [label values]', values above 0."
        )
    return {str(n): tuple(values) for n, values in content.items()}


def target_of(classes: Sequence[str], values: Mapping[str, Sequence[int]], source: str) -> Target:
    """What of a data set's labels is which class of a model.

    Args:
        classes: the model's names, in its order.
        values: of each name; more names than the model has are of no account.
        source: of the values, for messages.

    Raises:
        ConfigError: a class without an entry, or a value that two classes claim.
    """
    lacking = [name for name in classes if name not in values]
    if lacking:
        raise ConfigError(
            f"{source} says nothing of the model's {', '.join(lacking)}; it knows "
            f"{', '.join(values)}. --map takes a file with 'class: [label values]'."
        )
    own = [v for name in classes for v in values[name]]
    twice = sorted({v for v in own if own.count(v) > 1})
    if twice:
        raise ConfigError(f"{source} gives the label value {twice[0]} to two classes of the model.")
    labels = tuple(values[name][0] if values[name] else NOT_MARKED for name in classes)
    merged = tuple((v, values[name][0]) for name in classes for v in values[name][1:])
    return Target(labels=labels, merged=merged)
