"""A batch as a specification: what command line, panel, headless Slicer and process hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from masam_core.catalog.choice import ModelChoice
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.prompts.per import Per

_MODEL = tuple(part.name for part in fields(ModelChoice))
_KNOWN = (
    *("input", "out", "labels", "format", "also", "overlay", "per", "modality", "options"),
    *_MODEL,
    *("worker", "fresh", "retry_failed", "anonymous", "automatic", "classes"),
)
_KINDS = {str: "a text", bool: "true or false", int: "a whole number", dict: "a group of settings"}


@dataclass(frozen=True)
class BatchSpec:
    """What is segmented, how, and where the results go.

    Attributes:
        source: folder of images and boxes, or a CSV list; see ``find_cases``.
        out: folder of the results.
        labels: folder of label images that bear the images' names.
        format: ending of the masks' files, which chooses their format.
        also: endings of further files of each case, such as .sr.dcm beside .seg.dcm.
        overlay: also write a picture of each case.
        per: with label images, what gets a box of its own; a word will do.
        modality: CT, MR, ..., where the files do not say.
        segment: settings of the segmentation.
        model: model, device, precision and cache.
        worker: command that starts a worker, word by word; empty computes in this process.
        fresh: forget an earlier run of these cases in the folder of the results.
        retry_failed: run failed cases again.
        anonymous: leave the patient's data out of the results; files are named after the cases all
            the same.
        automatic: segment whole images without boxes, by a model that was trained so; boxes that
            are there are left alone.
        classes: of such a model, those that are wanted, by name; empty for all.

    Raises:
        ConfigError: an unknown format, one that is named twice, or another word for ``per``.

    >>> BatchSpec.from_dict({"input": "scans", "out": "results", "device": "cpu"}).model.device
    'cpu'
    """

    source: Path
    out: Path
    labels: Path | None = None
    format: str = ".seg.nrrd"
    overlay: bool = False
    per: Per = Per.COMPONENT
    modality: str | None = None
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    model: ModelChoice = field(default_factory=ModelChoice)
    worker: tuple[str, ...] = ()
    fresh: bool = False
    retry_failed: bool = False
    also: tuple[str, ...] = ()
    anonymous: bool = False
    automatic: bool = False
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        from masam_core.export.formats.registry import endings, listed  # loads SimpleITK

        known = endings(masks=True)
        if self.format not in known:
            raise ConfigError(f"The format is {self.format!r}; expected {listed(known)}.")
        further = [ending for ending in endings() if ending not in (self.format, ".csv", ".png")]
        for number, ending in enumerate(self.also):
            if ending not in further or ending in self.also[:number]:
                raise ConfigError(
                    f"A further file of each case is {ending!r}; expected {listed(further)}, each "
                    "once."
                )
        object.__setattr__(self, "per", Per.read(self.per, "'per'"))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the inverse of :meth:`from_dict`."""
        return {
            "input": str(self.source),
            "out": str(self.out),
            "labels": None if self.labels is None else str(self.labels),
            "format": self.format,
            "also": list(self.also),
            "overlay": self.overlay,
            "per": self.per.value,
            "modality": self.modality,
            "options": self.segment.to_dict(),
            **self.model.fields(),
            "worker": list(self.worker),
            "fresh": self.fresh,
            "retry_failed": self.retry_failed,
            "anonymous": self.anonymous,
            "automatic": self.automatic,
            "classes": list(self.classes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BatchSpec:
        """Read a specification, e.g. of a JSON file.

        Args:
            values: ``input`` and ``out``; what else is left out keeps its default. ``options`` as
                ``SegmentOptions.to_dict``; ``model``, ``base``, ``device``, ``precision`` and
                ``cache_bytes`` as in ModelChoice; the rest as in this class.

        Raises:
            ConfigError: a missing or an unknown field, or a value that makes no sense; it names the
                field.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"The batch is {values!r}; expected its fields by their names.")
        unknown = sorted(str(name) for name in set(values) - set(_KNOWN))
        if unknown:
            raise ConfigError(
                f"The batch has an unknown field, {', '.join(unknown)}; expected "
                f"{', '.join(_KNOWN)}."
            )
        labels = _value(values, "labels", str, None)
        model = {
            part.name: _value(values, part.name, type(part.default), part.default)
            for part in fields(ModelChoice)
            if part.name != "base"
        }
        return cls(
            source=Path(_value(values, "input", str)),
            out=Path(_value(values, "out", str)),
            labels=None if labels is None else Path(labels),
            format=_value(values, "format", str, cls.format),
            overlay=_value(values, "overlay", bool, cls.overlay),
            per=Per.read(_value(values, "per", str, cls.per), "The batch's field 'per'"),
            modality=_value(values, "modality", str, None),
            segment=SegmentOptions.from_dict(_value(values, "options", dict, {})),
            model=ModelChoice(base=_value(values, "base", str, None), **model),
            worker=_words(values, "worker"),
            also=_words(values, "also"),
            anonymous=_value(values, "anonymous", bool, cls.anonymous),
            fresh=_value(values, "fresh", bool, cls.fresh),
            retry_failed=_value(values, "retry_failed", bool, cls.retry_failed),
            automatic=_value(values, "automatic", bool, cls.automatic),
            classes=_words(values, "classes"),
        )


_NEEDED = object()


def _value(values: Mapping[str, Any], name: str, kind: type, default: Any = _NEEDED) -> Any:
    """A field; null stands for its default where that is none."""
    if name not in values or (values[name] is None and default is None):
        if default is _NEEDED:
            raise ConfigError(f"The batch lacks the field '{name}'.")
        return default
    value = values[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)) or value == "":
        raise ConfigError(f"The batch's field '{name}' is {value!r}; expected {_KINDS[kind]}.")
    return value


def _words(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = values.get(name)
    if given is None:
        return ()
    if not isinstance(given, (list, tuple)) or not all(isinstance(w, str) for w in given):
        expected = "a command as a list of words" if name == "worker" else "a list of words"
        raise ConfigError(f"The batch's field {name!r} is {given!r}; expected {expected}.")
    return tuple(given)
