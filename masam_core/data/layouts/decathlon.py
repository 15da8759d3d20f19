"""The Medical Segmentation Decathlon: ``dataset.json`` with ``training`` pairs.

Antonelli et al., Nature Communications 13, 2022. Every image is a patient of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from masam_core.data.cases import Case
from masam_core.data.splits import split_of
from masam_core.errors import ConfigError
from masam_core.jsonfile import read_json

LOOKS_LIKE = (
    "a task's folder of the Medical Segmentation Decathlon with its dataset.json, or that file"
)


def recognise(path: Path) -> bool:
    """Recognise a ``dataset.json`` (by any name) that lists training pairs, or its folder."""
    return _content(_file(path)) is not None


def read(path: Path) -> list[Case]:
    """Read the training pairs; patients are split by :func:`masam_core.data.splits.split_of`.

    Raises:
        ConfigError: no pairs, or one without image or label.
    """
    file = _file(path)
    content = _content(file)
    if content is None or not content["training"]:
        raise ConfigError(f"{file} lists no training pairs.")
    modality = _modality(content.get("modality"))
    cases = []
    for pair in content["training"]:
        if not isinstance(pair, dict) or not {"image", "label"} <= set(pair):
            raise ConfigError(f"{file}: a training pair lacks 'image' or 'label'.")
        if not isinstance(pair["image"], str) or not isinstance(pair["label"], str):
            raise ConfigError(f"{file}: 'image' and 'label' of a training pair must be paths.")
        name = Path(pair["image"]).name.split(".")[0]
        image, label = file.parent / pair["image"], file.parent / pair["label"]
        cases.append(Case(name, name, modality, split_of(name), image, label))
    return cases


def _modality(named: Any) -> str:
    """CT, MR or whatever word the first channel has; the list says MRI, T1, FLAIR, ..., too."""
    first = next(iter(named.values()), "") if isinstance(named, dict) else ""
    word = str(first).upper()
    return "MR" if word.startswith(("MR", "T1", "T2", "FLAIR")) else word


def _file(path: Path) -> Path:
    return path / "dataset.json" if path.is_dir() else path


def _content(file: Path) -> dict[str, Any] | None:
    """What the file says, or None where it is no such list."""
    if file.suffix.lower() != ".json" or not file.is_file():
        return None
    try:
        content = read_json(file, "case list")
    except ConfigError:
        return None
    listed = isinstance(content, dict) and isinstance(content.get("training"), list)
    return content if listed else None
