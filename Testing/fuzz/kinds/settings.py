"""Settings of others: YAML of a training run, a model's configuration, a batch's specification."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from masam_core.batch.spec import BatchSpec
from masam_core.model.config import ModelConfig
from masam_core.training.layers import read_yaml
from masam_core.training.presets import PRESETS, preset
from masam_core.training.settings import build_config, config_as_yaml
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import as_text, changed, odd_values, odd_words
from Testing.fuzz.oracle import Wrong

ODD_YAML = (
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + "".join(
        f"d{n}: &d{n} [*{'c' if n == 0 else f'd{n - 1}'}, *{'c' if n == 0 else f'd{n - 1}'}]\n"
        for n in range(30)
    ) + "target: {labels: *d29}\n",
    "data: !!python/object/apply:os.system ['echo x']\n",
    "data: &a [*a]\n",
    "[" * 3000,
    "steps: 2024-13-45\n",
    "steps: 190:20:30\n",
    "? [a, b]\n: c\n",
    "<<: {steps: 5}\n",
    "steps: 1\nsteps: 2\n",
    "- 1\n",
    "",
    "\0",
    "data: \u2028\n",
    "lr: .nan\n",
    "1: 2\nnull: 3\n",
)  # fmt: skip


@cache
def _runs() -> tuple[dict[str, Any], ...]:
    needed = {"data": "d", "out": "o", "base": "b.pth"}
    return tuple(
        json.loads(json.dumps({**preset(name), **needed}, default=str)) for name in PRESETS
    )


@st.composite
def yaml_files(draw: st.DrawFn) -> Injection:
    """A training run's YAML: odd values in any place, odd YAML, bytes wrong."""
    import yaml

    way = draw(st.integers(0, 9))
    if way == 0:
        text = draw(st.sampled_from(ODD_YAML))
    elif way == 1:
        lines = draw(st.lists(st.tuples(odd_words(), odd_words()), max_size=4))
        text = "".join(f"{name}: {value}\n" for name, value in lines)
    else:
        document = draw(changed(draw(st.sampled_from(_runs()))))
        text = yaml.safe_dump(document, allow_unicode=draw(st.booleans()))
    return Injection({"run.yaml": draw(as_text(text))}, "run.yaml")


def read_run(place: Place, _injection: Injection) -> Any:
    """Read a run, build it, and write it as ``masam train --show`` does."""
    config = build_config(read_yaml(place.target))
    shown = place.results / "shown.yaml"
    shown.write_text(config_as_yaml(config), "utf-8", "backslashreplace")
    return config


@st.composite
def model_configs(draw: st.DrawFn) -> Injection:
    """A model's configuration, as it stands in the metadata of a weight file."""
    document = draw(changed(ModelConfig().to_dict()) | odd_values())
    return Injection({"config.json": draw(as_text(json.dumps(document)))}, "config.json")


def read_config(place: Place, _injection: Injection) -> Any:
    """Read a configuration; what is taken must come back from its own words."""
    text = place.target.read_bytes().decode("utf-8", "replace")
    config = ModelConfig.from_json(text)
    if ModelConfig.from_json(config.to_json()) != config:
        raise Wrong("a configuration comes back as another")
    return config


@st.composite
def batch_specs(draw: st.DrawFn) -> Injection:
    """The specification of a batch, which the panel hands to its process."""
    whole = json.loads(json.dumps(BatchSpec.from_dict({"input": "a", "out": "b"}).to_dict()))
    document = draw(changed(whole) | odd_values())
    return Injection({"batch.json": json.dumps(document).encode()}, "batch.json")


def read_spec(place: Place, _injection: Injection) -> Any:
    """Read a specification; what is taken must come back from its own words."""
    spec = BatchSpec.from_dict(json.loads(place.target.read_bytes()))
    if BatchSpec.from_dict(spec.to_dict()) != spec:
        raise Wrong("a specification comes back as another")
    return spec


KINDS = (
    # An entry that is right by itself and does not fit the others is told without the file's name.
    Kind("YAML runs", yaml_files(), read_run, names_target=False),
    Kind("model configurations", model_configs(), read_config, names_target=False),
    Kind("batch specifications", batch_specs(), read_spec, names_target=False),
)
