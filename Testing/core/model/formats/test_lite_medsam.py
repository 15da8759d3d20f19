"""LiteMedSAM's file: a model of its own, and a start for training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from masam_core.errors import CheckpointError
from masam_core.model.checkpoint import inspect_checkpoint, load_model, new_model, save_model
from masam_core.model.formats.lite_medsam import LITE_MEDSAM
from masam_core.model.masam import MASAM, is_backbone
from masam_core.model.prompt import NetworkPrompt

from ..encoders.test_tiny import config, lite_medsam_state


@pytest.fixture
def lite_file(tmp_path: Path) -> Path:
    """A whole LiteMedSAM of random weights."""
    return write_lite_medsam(tmp_path / "lite_medsam.pth")


def write_lite_medsam(path: Path) -> Path:
    """Write a whole LiteMedSAM of random weights, as its authors save it."""
    torch.manual_seed(0)
    rest = {
        k: v for k, v in MASAM(LITE_MEDSAM).state_dict().items() if not k.startswith("image_enc")
    }
    torch.save({**lite_medsam_state(), **rest}, path)
    return path


def test_lite_medsam_is_a_model_of_its_own_and_a_start_for_training(lite_file: Path) -> None:
    model = load_model(lite_file)
    assert (model.config.name, model.config.num_slices) == ("LiteMedSAM", 1)
    assert inspect_checkpoint(lite_file).kind == "lite"
    with pytest.raises(CheckpointError, match="--decoder-from"):
        load_model(lite_file, config=config())
    with pytest.raises(CheckpointError, match="takes no backbone"):
        load_model(lite_file, base=lite_file)

    base = lite_file.with_name("base.safetensors")
    save_model(model, base, kind="base")
    fresh = new_model(config(num_slices=1), base, lite_file).eval()
    own, other = fresh.state_dict(), new_model(config(num_slices=1), lite_file).state_dict()
    backbone = [name for name in own if is_backbone(name)]
    assert len(backbone) > 100
    assert all(torch.equal(own[name], other[name]) for name in backbone)
    plain = new_model(config(num_slices=1, shape_prior="ellipsoid"), base, lite_file).eval()
    image, box = torch.rand(1, 1, 3, 36, 36), torch.tensor([[8.0, 8.0, 28.0, 28.0]])
    with torch.no_grad():
        expected, _ = fresh.decode(fresh.encode(image), NetworkPrompt(box))
        # whatever a shape prior says at first, it changes nothing
        prompt = NetworkPrompt(box, torch.randn(1, 1, 36, 36))
        found, _ = plain.decode(plain.encode(image), prompt)
    assert torch.allclose(found, expected, atol=1e-5)
