"""ModelConfig: a faithful round trip, and bad values named."""

from __future__ import annotations

import json

import pytest

from masam_core.errors import ConfigError
from masam_core.image.intensity import IntensityConfig, IntensityPreset
from masam_core.model.config import ModelConfig


def test_a_config_survives_json_with_every_field_changed() -> None:
    presets = {
        "CT": IntensityPreset("window", -100.0, 300.0),
        "MR": IntensityPreset("percentile", 1.0, 99.0),
        "other": IntensityPreset("percentile", 0.0, 100.0),
    }
    config = ModelConfig(
        name="other",
        backbone="vit_h",
        image_size=256,
        num_slices=7,
        num_classes=2,
        decoder="multiscale",
        fact_rank=16,
        fact_scale=0.5,
        fact_dropout=0.0,
        adapter_width=64,
        adapter_position="before",
        pixel_mean=(0.1, 0.2, 0.3),
        pixel_std=(0.4, 0.5, 0.6),
        field_of_view="prompt",
        crop_scale=2.0,
        shape_prior="ellipsoid",
        channels="local",
        confidence="predicted",
        intensity=IntensityConfig(presets),
        class_names=("liver", "tumour"),
        threshold=0.4,
    )
    default = ModelConfig().to_dict()
    # detail_width goes with the progressive decoder alone, which is the default.
    assert all(
        config.to_dict()[name] != default[name] for name in default if name != "detail_width"
    )
    assert ModelConfig.from_json(ModelConfig(detail_width=8).to_json()).detail_width == 8
    assert ModelConfig.from_json(config.to_json()) == config
    assert json.loads(config.to_json())["class_names"] == ["liver", "tumour"]


def test_defaults_are_the_papers() -> None:
    config = ModelConfig()
    assert (config.image_size, config.num_slices) == (512, 5)
    assert (config.fact_rank, config.fact_scale, config.adapter_width) == (32, 1.0, 384)
    assert (config.adapter_position, config.decoder) == ("both", "progressive")
    assert config.grid == 32


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"backbone": "vit_x"}, "vit_b, vit_l, vit_h, vit_s14"),
        ({"image_size": 500}, "multiple of 16"),
        ({"backbone": "vit_s14", "image_size": 160}, "multiple of 14"),
        ({"decoder": "unet"}, "progressive, multiscale, sam"),
        ({"adapter_position": "middle"}, "none, before, after, both"),
        ({"field_of_view": "all"}, "slice, prompt"),
        ({"decoder": "sam", "num_classes": 2}, "1 with the sam decoder"),
        ({"num_classes": 2, "class_names": ["one"]}, "2 names"),
        ({"fact_dropout": 1.0}, "fact_dropout"),
        ({"threshold": 0.0}, "threshold"),
        ({"num_slices": 0}, "num_slices"),
        ({"crop_scale": 0.5}, "crop_scale"),
        ({"pixel_std": [1.0, 0.0, 1.0]}, "pixel_std"),
        ({"channels": "four"}, "repeat, local"),
        ({"detail_width": -4}, "detail_width"),
        ({"detail_width": 8, "decoder": "multiscale"}, "progressive"),
        ({"detail_width": 8, "backbone": "tiny_vit"}, "expected sam where detail_width"),
        ({"decoder": "multiscale", "backbone": "tiny_vit"}, "sam or progressive on tiny_vit"),
        ({"wings": 2}, "unknown entries: wings"),
        ({"intensity": {"CT": {"kind": "window", "low": 0, "high": 1}}}, "CT, MR and other"),
    ],
)
def test_a_bad_value_is_refused_with_what_was_expected(bad: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        ModelConfig.from_dict(bad)


@pytest.mark.parametrize("text", ["{", "[1, 2]"])
def test_text_that_is_no_config_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="JSON"):
        ModelConfig.from_json(text)
