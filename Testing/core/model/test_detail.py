"""The detail branch: sizes, a neutral start, and what it can and can't see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from masam_core.model.config import ModelConfig
from masam_core.model.detail import DetailEncoder, DetailJoin, detail_widths
from masam_core.model.masam import MASAM
from masam_core.model.prompt import NetworkPrompt

from .conftest import shake

Build = Callable[..., ModelConfig]
BOX = NetworkPrompt(torch.tensor([20.0, 30.0, 90.0, 100.0]).expand(1, 5, 4))


def test_maps_have_the_sizes_of_the_decoders_last_three() -> None:
    encoder = DetailEncoder(8, 96)
    maps = encoder(torch.rand(10, 3, 84, 84), [], slices=5)
    assert [tuple(m.shape) for m in maps] == [
        (10, width, 96 // step, 96 // step)
        for width, step in zip(detail_widths(8), (1, 2, 4), strict=True)
    ]


def test_layers_state_their_padding_in_numbers(tiny_config: Build) -> None:
    # Mixed precision on CUDA does not cast for the form of a convolution that takes a word.
    model = MASAM(tiny_config(detail_width=8))
    paddings = [m.padding for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Conv3d))]
    assert paddings
    assert not any(isinstance(padding, str) for padding in paddings)


def test_only_the_coarsest_map_mixes_neighbouring_slices() -> None:
    torch.manual_seed(0)
    encoder = DetailEncoder(4, 32).eval()
    images = torch.rand(5, 3, 32, 32)
    changed = images.clone()
    changed[4] += 1
    before, after = encoder(images, [], 5), encoder(changed, [], 5)
    for number, (a, b) in enumerate(zip(before, after, strict=True)):
        moved = (a - b).abs().flatten(1).max(dim=1).values > 1e-6
        assert moved.tolist() == [False, False, False, number == 2, True]


def test_a_fresh_join_changes_nothing_and_a_trained_one_does() -> None:
    torch.manual_seed(0)
    join = DetailJoin(4, 8)
    x, detail = torch.rand(2, 4, 16, 16), torch.rand(2, 8, 16, 16)
    assert torch.equal(join(x, detail), x)
    shake(join)
    assert not torch.allclose(join(x, detail), x)


@torch.no_grad()
def test_a_fresh_branch_leaves_the_models_answer_as_it_is(tiny_config: Build) -> None:
    torch.manual_seed(0)
    plain = MASAM(tiny_config()).eval()
    model = MASAM(tiny_config(detail_width=8)).eval()
    model.load_state_dict(plain.state_dict(), strict=False)
    windows = torch.rand(1, 5, 128, 128)
    expected, _ = plain(windows, BOX)
    got, _ = model(windows, BOX)
    assert got.shape == expected.shape
    assert torch.allclose(got, expected, atol=1e-5)
    shake(model.mask_decoder)
    shake(plain.mask_decoder)
    assert not torch.allclose(model(windows, BOX)[0], plain(windows, BOX)[0], atol=1e-3)


def test_every_part_of_the_branch_is_trained(tiny_config: Build) -> None:
    model = MASAM(tiny_config(detail_width=8)).train()
    shake(model)
    model(torch.rand(1, 5, 128, 128), BOX)[0].square().mean().backward()
    branch = {n: p for n, p in model.trainable().items() if "detail" in n}
    assert len(branch) > 20
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in branch.values())


@pytest.mark.parametrize("channels", [1, 3])
def test_windows_with_and_without_channels_are_taken(tiny_config: Build, channels: int) -> None:
    model = MASAM(tiny_config()).eval()
    windows = torch.rand(1, 5, 128, 128)
    given = windows if channels == 1 else windows[:, :, None].expand(-1, -1, 3, -1, -1)
    with torch.no_grad():
        assert torch.allclose(model.encode(given).image, model.encode(windows).image, atol=1e-6)
