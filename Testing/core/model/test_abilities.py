"""What a weight file says that its model does, read back from the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from masam_core.catalog.able import abilities_of_entry, abilities_of_file
from masam_core.catalog.bundled import bundled_model_path
from masam_core.catalog.entries import ENTRIES
from masam_core.errors import ConfigError
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.organs import term_of
from masam_core.model.abilities import BOX, NONE, abilities_of
from masam_core.model.checkpoint import load_model, save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from Testing.core.inference.conftest import build_model

__all__ = ["build_model"]  # a fixture
SLICES = {"field_of_view": "slice", "shape_prior": "none"}


@pytest.mark.parametrize(
    ("changes", "prompting", "expected"),
    [
        ({"num_classes": 2}, "", (False, True)),
        ({}, BOX, (True, False)),
        ({}, NONE, (False, True)),
        ({}, "", (True, True)),  # its file does not say
        ({"field_of_view": "prompt"}, "", (True, False)),
        ({"shape_prior": "ellipsoid"}, NONE, (True, False)),
        ({"channels": "rgb", "num_classes": 2}, NONE, (False, False)),
    ],
)
def test_what_a_model_does_follows_from_its_shape_and_training(
    changes: dict[str, object], prompting: str, expected: tuple[bool, bool]
) -> None:
    able = abilities_of(ModelConfig(**{**SLICES, **changes}), prompting)  # type: ignore[arg-type]
    assert (able.prompts, able.automatic) == expected
    assert able.video == ("channels" in changes)


def test_a_file_keeps_its_classes_and_how_it_was_trained(
    build_model: Callable[..., MASAM], tmp_path: Path
) -> None:
    model = build_model(**SLICES, num_classes=2, class_names=("liver", "left kidney"))
    model.prompting = NONE
    save_model(model, tmp_path / "a.safetensors")
    again = load_model(tmp_path / "a.safetensors")
    assert again.abilities.classes == (term_of("liver"), term_of("left kidney"))
    assert abilities_of_file(tmp_path / "a.safetensors") == again.abilities

    # What a file states stands over the table, and survives a conversion.
    own = replace(term_of("liver"), name="my liver", color=(0.0, 1.0, 0.0))
    again.classes = (own, term_of("left kidney"))
    save_model(again, tmp_path / "b.safetensors", half=True)
    assert load_model(tmp_path / "b.safetensors").abilities.classes[0] == own
    assert load_model(tmp_path / "b.safetensors").prompting == NONE


def test_the_catalogue_says_what_its_models_do(tmp_path: Path) -> None:
    able = {known.name: abilities_of_entry(known) for known in ENTRIES}
    assert able["masam-authors"] is not None
    assert able["masam-authors"].automatic
    assert not able["masam-authors"].prompts
    assert {name for name, found in able.items() if found and found.prompts} == {
        *("bundled", "sam-vit-b", "sam-vit-l", "sam-vit-h", "medsam-vit-b")
    }
    assert load_model(bundled_model_path()).abilities == able["bundled"]
    for content in (b"", b"PK\x03\x04", b"\xff" * 40, b"\x02" + bytes(7) + b"{}"):
        (tmp_path / "odd.pth").write_bytes(content)
        assert abilities_of_file(tmp_path / "odd.pth") is None
    assert abilities_of_file(tmp_path / "none.pth") is None


def test_a_model_trained_without_prompts_refuses_a_box(
    build_model: Callable[..., MASAM], oblique_volume: object
) -> None:
    model = build_model(**SLICES)
    model.prompting = NONE
    segmenter = Segmenter(model, device="cpu")
    segmenter.set_volume(oblique_volume)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="trained without prompts"):
        segmenter.segment((2, 8, 2, 8, 2, 6))
    boxed = build_model(**SLICES)
    boxed.prompting = BOX
    segmenter = Segmenter(boxed, device="cpu")
    segmenter.set_volume(oblique_volume)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="needs a box"):
        segmenter.segment_classes()
