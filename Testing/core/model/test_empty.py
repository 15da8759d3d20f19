"""Empty models have every shape, no values, and cost next to nothing to make."""

from __future__ import annotations

import subprocess
import sys

import torch

from masam_core.model.config import ModelConfig
from masam_core.model.empty import empty_model
from masam_core.model.masam import MASAM


def test_an_empty_model_has_the_shapes_of_a_real_one() -> None:
    for config in (
        ModelConfig(backbone="vit_s14", image_size=56, detail_width=4, shape_prior="ellipsoid"),
        ModelConfig(backbone="vit_b", image_size=64, decoder="multiscale"),
        ModelConfig(backbone="tiny_vit", image_size=56, decoder="sam"),
    ):
        empty, real = empty_model(config).state_dict(), MASAM(config).state_dict()
        assert {n: t.shape for n, t in empty.items()} == {n: t.shape for n, t in real.items()}
        weights = [n for n, p in empty_model(config).named_parameters() if not p.is_meta]
        assert weights == []
        assert torch.equal(empty_model(config).pixel_std, MASAM(config).pixel_std)


def test_pytorchs_compiler_stays_away() -> None:
    code = (
        "import sys\n"
        "from masam_core.model.config import ModelConfig\n"
        "from masam_core.model.empty import empty_model\n"
        "empty_model(ModelConfig(backbone='vit_s14', image_size=56))\n"
        "print([n for n in ('sympy', 'torch._dynamo') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
