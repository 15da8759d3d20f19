"""The corrector: a 3D convolution written in 2D, prompts as bumps in mm, weights of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from masam_core.errors import CheckpointError
from masam_core.model.corrector import Corrector, SliceConv, contrast, load_corrector, spread


@pytest.mark.parametrize(("stride", "thin"), [(1, False), (2, False), (2, True)])
def test_a_convolution_over_three_slices_is_the_3d_one(stride: int, thin: bool) -> None:
    torch.manual_seed(0)
    layer = SliceConv(3, 5, stride)
    volume = torch.randn(2, 3, 8, 10, 12)
    weight = layer.plane.weight.unflatten(1, (3, 3)).transpose(1, 2)  # out, in, slice, row, column
    expected = F.conv3d(volume, weight, stride=(2 if thin else 1, stride, stride), padding=1)
    flat = layer(volume.transpose(1, 2).flatten(0, 1), 2, thin)
    found = flat.unflatten(0, (2, -1)).transpose(1, 2)
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_fresh_corrector_leaves_the_mask_as_it_is() -> None:
    probability = torch.rand(2, 8, 16, 16) * 0.9 + 0.05
    nothing = torch.zeros(2, 8, 16, 16, dtype=torch.bool)
    answer = Corrector()(torch.rand(2, 8, 16, 16), probability, nothing, nothing, torch.ones(2))
    assert torch.allclose(torch.sigmoid(answer), probability, atol=1e-5)


def test_each_patch_is_answered_by_itself() -> None:
    torch.manual_seed(0)
    corrector = Corrector()
    torch.nn.init.normal_(corrector.out.weight)
    image, before = torch.rand(2, 2, 8, 16, 16)
    said = torch.rand(2, 2, 8, 16, 16) > 0.99
    apart = torch.tensor([1.0, 4.0])
    together = corrector(image, before, *said, apart)
    for number in range(2):
        one = slice(number, number + 1)
        alone = corrector(image[one], before[one], said[0][one], said[1][one], apart[one])
        assert torch.allclose(together[one], alone, atol=1e-4)


def test_a_prompt_spreads_as_far_across_slices_as_within_in_mm() -> None:
    said = torch.zeros(2, 16, 64, 64, dtype=torch.bool)
    said[:, 8, 32, 32] = True
    bump = spread(said, torch.tensor([1.0, 3.0]), 6.0)
    assert bump[:, 8, 32, 32].tolist() == [1.0, 1.0]
    assert bump[0, 8 + 3, 32, 32] == pytest.approx(bump[0, 8, 32, 32 + 3].item())
    assert bump[1, 8 + 2, 32, 32] == pytest.approx(bump[1, 8, 32, 32 + 6].item())
    assert bump[0, 8, 32, 38] == pytest.approx(torch.exp(torch.tensor(-0.5)).item())


def test_many_prompts_together_say_no_more_than_one() -> None:
    said = torch.zeros(1, 16, 64, 64, dtype=torch.bool)
    said[0, 8, 30:34] = True
    assert spread(said, torch.ones(1), 7.0).max() == 1.0


def test_contrast_fills_the_range_of_each_patch() -> None:
    patches = torch.stack([torch.rand(8, 32, 32) * 40 + 1000, torch.rand(8, 32, 32) * 0.1])
    scaled = contrast(patches)
    for patch in scaled:
        assert patch.min() == 0
        assert patch.max() == 1
        assert 0.45 < patch.mean() < 0.55
    assert torch.isfinite(contrast(torch.full((1, 8, 32, 32), 7.0))).all()


def test_weights_come_back_from_their_file(tmp_path: Path) -> None:
    saved = Corrector()
    torch.nn.init.normal_(saved.out.weight)
    path = tmp_path / "corrector.safetensors"
    save_file(saved.state_dict(), path)
    assert torch.equal(load_corrector(path).out.weight, saved.out.weight)


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", None])
def test_what_is_no_corrector_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.safetensors"
    if content is None:
        save_file({"weight": torch.zeros(3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"other\.safetensors is no corrector"):
        load_corrector(path)
