"""A tiny model, and the tiny data set prepared for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from masam_core.data.reading import read_cases
from masam_core.model.config import ModelConfig
from masam_core.training.prepared import PreparedCase, prepare_case
from Testing.core import tiny


@pytest.fixture
def tiny_model() -> Iterator[ModelConfig]:
    with tiny.known():
        yield tiny.config(field_of_view="prompt", shape_prior="ellipsoid")


@pytest.fixture
def prepared(data: Path, tiny_model: ModelConfig) -> list[PreparedCase]:
    return [lesion for c in read_cases(data) for lesion in prepare_case(c, tiny_model)]
