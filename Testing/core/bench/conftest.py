"""A benchmark's set-up that is quick: the smallest backbone at four tokens a side."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from masam_core.bench.inputs import random_model
from masam_core.bench.rows import Setup


@pytest.fixture
def setup() -> Setup:
    return Setup(
        build=partial(random_model, "vit_s14", 56),
        device=torch.device("cpu"),
        precision="float32",
        slices=5,
        repeats=1,
        tell=lambda _: None,
    )
