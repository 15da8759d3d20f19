"""Settings that are one word of a few, and where their defaults stand."""

from __future__ import annotations

import inspect
import json

import pytest

from masam_core.batch.spec import BatchSpec
from masam_core.catalog.choice import ModelChoice
from masam_core.cli.batch import batch_command
from masam_core.cli.segment import segment_command
from masam_core.errors import ConfigError
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.lesion.cleaning_options import Keep, PostprocessOptions
from masam_core.prompts.per import Per
from masam_core.worker.remote import RemoteSegmenter


@pytest.mark.parametrize("kind", [Quality, Keep, Per])
def test_a_member_is_its_word(kind: type[Quality]) -> None:
    for member in kind:
        assert (str(member), f"{member}", "".join([member])) == (member.value,) * 3
        assert json.loads(json.dumps({"x": member})) == {"x": member.value}
        assert kind.read(member.value, "x") is member
    with pytest.raises(ConfigError, match=f"The x is 'none'; expected one of {kind.words()[0]},"):
        kind.read("none", "The x")


def test_options_take_words_and_hold_members() -> None:
    options = SegmentOptions("best", postprocess=PostprocessOptions("all"))  # type: ignore[arg-type]
    assert (options.quality, options.postprocess.keep) == (Quality.BEST, Keep.ALL)
    assert options.quality is Quality.BEST
    flat = options.to_dict()
    assert (type(flat["quality"]), type(flat["keep"])) == (str, str)
    assert SegmentOptions.from_dict(flat) == options
    for wrong in ({"quality": 1}, {"keep": ["all"]}, {"quality": None}):
        with pytest.raises(ConfigError, match="expected one of"):
            SegmentOptions.from_dict(wrong)


@pytest.mark.parametrize("command", [segment_command, batch_command])
def test_the_command_lines_defaults_are_the_cores(command: object) -> None:
    flat = {**SegmentOptions().to_dict(), **ModelChoice().fields()}
    names = {"margin": "margin_mm", "smooth": "smooth_mm"}
    found = {
        names.get(name, name): parameter.default
        for name, parameter in inspect.signature(command).parameters.items()  # type: ignore[arg-type]
        if names.get(name, name) in flat
    }
    assert len(found) == 13
    assert found == {name: flat[name] for name in found}


def test_other_front_ends_begin_with_the_cores_defaults() -> None:
    remote = RemoteSegmenter("worker")
    assert remote.choice == ModelChoice()
    spec = BatchSpec.from_dict({"input": "a", "out": "b"})
    assert (spec.model, spec.segment) == (ModelChoice(), SegmentOptions())
