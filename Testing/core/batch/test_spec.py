"""A batch's specification: the same for every front end, and strict."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from masam_core.batch.spec import BatchSpec
from masam_core.catalog.choice import ModelChoice
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
from masam_core.prompts.per import Per

FULL = BatchSpec(
    Path("in"),
    Path("out"),
    Path("labels"),
    ".nii.gz",
    True,
    Per.LABEL,
    "MR",
    SegmentOptions(Quality.BEST, 0.4, 3.0, PostprocessOptions(Keep.ALL, False, 1.5), 1),
    ModelChoice("m.safetensors", "b.pth", "cuda:1", "float16", 1 << 20),
    ("ssh", "gpu", "python -m masam_core.worker"),
    True,
    True,
    (".rt.dcm",),
    True,
    True,
    ("liver",),
)


def test_nothing_is_lost_on_the_way_through_json() -> None:
    default = BatchSpec(Path("in"), Path("out"))
    for part in fields(BatchSpec):  # the test's own value differs in every field
        if part.name not in ("source", "out"):
            assert getattr(FULL, part.name) != getattr(default, part.name)
    for spec in (FULL, default):
        assert BatchSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert BatchSpec.from_dict({"input": "in", "out": "out"}) == default
    assert replace(default, per="label").per is Per.LABEL  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("input", 3, "'input' is 3; expected a text"),
        ("out", "", "'out' is ''; expected a text"),
        ("labels", ["a"], "'labels' is"),
        ("format", ".png", r"format is '\.png'; expected \.seg\.nrrd"),
        ("overlay", "yes", "'overlay' is 'yes'; expected true or false"),
        ("per", "voxel", "'per' is 'voxel'; expected one of component, label"),
        ("modality", 1, "'modality' is 1"),
        ("options", [], "'options' is .*; expected a group of settings"),
        ("options", {"qualty": "fast"}, "Unknown setting qualty"),
        ("options", {"keep": "most"}, "'keep' is 'most'; expected one of centre, largest, all"),
        ("options", {"margin_mm": -7}, "margin is -7 mm; expected 0 to 50 mm"),
        ("model", None, "'model' is None; expected a text"),
        ("precision", 16, "'precision' is 16; expected a text"),
        ("cache_bytes", "1 GB", "'cache_bytes' is '1 GB'; expected a whole number"),
        ("cache_bytes", True, "'cache_bytes' is True; expected a whole number"),
        ("worker", "ssh gpu", "'worker' is 'ssh gpu'; expected a command as a list of words"),
        ("fresh", 1, "'fresh' is 1; expected true or false"),
        ("preccision", "int8", "unknown field, preccision; expected input, out"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        BatchSpec.from_dict({"input": "in", "out": "out", field: value})


@pytest.mark.parametrize("values", [{"out": "x"}, {}])
def test_a_missing_field_is_named(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="lacks the field 'input'"):
        BatchSpec.from_dict(values)


def test_what_is_no_specification_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected its fields by their names"):
        BatchSpec.from_dict([1])  # type: ignore[arg-type]
