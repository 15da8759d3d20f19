"""Our typed networks of SAM against the package segment-anything: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT
from segment_anything.modeling import PromptEncoder as TheirPromptEncoder
from segment_anything.modeling import TwoWayTransformer as TheirTransformer
from segment_anything.modeling.common import LayerNorm2d as TheirNorm
from segment_anything.modeling.mask_decoder import MLP as TheirMLP
from torch import nn

from masam_core.model.sam.layers import MLP, LayerNorm2d
from masam_core.model.sam.prompt_encoder import PromptEncoder
from masam_core.model.sam.two_way import TwoWayTransformer
from masam_core.model.sam.vit import SamViT

GRID, SIZE, WIDTH = 6, 96, 32


def same(ours: nn.Module, theirs: nn.Module) -> None:
    """Give both the same random weights; names and shapes must agree."""
    torch.manual_seed(3)
    state = {
        name: torch.randn_like(tensor) * 0.3 + tensor
        for name, tensor in theirs.state_dict().items()
    }
    theirs.load_state_dict(state)
    ours.load_state_dict(state)


def prompt_encoders() -> tuple[PromptEncoder, nn.Module]:
    ours = PromptEncoder(WIDTH, GRID, SIZE)
    theirs = TheirPromptEncoder(WIDTH, (GRID, GRID), (SIZE, SIZE), 16)
    same(ours, theirs)
    return ours, theirs


def prompts(count: int = 3) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    boxes = torch.rand(count, 4, generator=generator) * SIZE
    positions = torch.rand(count, 5, 2, generator=generator) * SIZE
    labels = torch.tensor([[1, 0, -1, 1, 0]] * count)
    masks = torch.randn(count, 1, 4 * GRID, 4 * GRID, generator=generator)
    return boxes, (positions, labels), masks


@pytest.mark.parametrize("use", ["boxes", "points", "both", "masks", "all", "none"])
def test_prompts_become_the_same_tokens_and_maps(use: str) -> None:
    ours, theirs = prompt_encoders()
    boxes, points, masks = prompts()
    given = {
        "boxes": boxes if use in ("boxes", "both", "all") else None,
        "points": points if use in ("points", "both", "all") else None,
        "masks": masks if use in ("masks", "all") else None,
    }
    with torch.no_grad():
        tokens, dense = ours(**given)
        their_tokens, their_dense = theirs(**given)
    assert torch.equal(tokens, their_tokens)
    assert torch.equal(dense, their_dense)


def test_the_grid_has_the_same_positions() -> None:
    ours, theirs = prompt_encoders()
    assert torch.equal(ours.positions(), theirs.get_dense_pe())


def test_gradients_of_prompts_are_the_same() -> None:
    ours, theirs = prompt_encoders()
    boxes, points, masks = prompts()
    for encoder in (ours, theirs):
        tokens, dense = encoder(boxes=boxes, points=points, masks=masks)
        (tokens.square().sum() + dense.square().sum()).backward()
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        if b.grad is not None:
            assert a.grad is not None, name
            torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-3)


def test_the_two_way_transformer_gives_the_same() -> None:
    ours = TwoWayTransformer(2, WIDTH, 4, 64)
    theirs = TheirTransformer(depth=2, embedding_dim=WIDTH, num_heads=4, mlp_dim=64)
    same(ours, theirs)
    image, positions = torch.randn(2, 3, WIDTH, GRID, GRID)
    tokens = torch.randn(3, 5, WIDTH)
    with torch.no_grad():
        found = ours(image, positions, tokens)
        expected = theirs(image, positions, tokens)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_layers_give_the_same() -> None:
    for ours, theirs, x in (
        (LayerNorm2d(8), TheirNorm(8), torch.randn(2, 8, 5, 4)),
        (MLP(8, 16, 3, 3), TheirMLP(8, 16, 3, 3), torch.randn(2, 8)),
    ):
        same(ours, theirs)
        with torch.no_grad():
            torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-6)


def test_the_vit_has_the_same_parameters_neck_and_patches() -> None:
    ours = SamViT(SIZE, 16, WIDTH, 4, 4, 3, (1, 3), 24)
    theirs = ImageEncoderViT(
        img_size=SIZE, patch_size=16, embed_dim=WIDTH, depth=4, num_heads=4, out_chans=24,
        norm_layer=lambda width: nn.LayerNorm(width, eps=1e-6), use_rel_pos=True, window_size=3,
        global_attn_indexes=(1, 3),
    )  # fmt: skip
    same(ours, theirs)
    assert [name for name, _ in ours.named_parameters()] == [
        name for name, _ in theirs.named_parameters()
    ]
    assert [b.window_size for b in ours.blocks.each()] == [b.window_size for b in theirs.blocks]
    images = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        tokens = ours.patch_embed(images)
        assert torch.equal(tokens, theirs.patch_embed(images))
        maps = tokens.permute(0, 3, 1, 2)
        torch.testing.assert_close(ours.neck(maps), theirs.neck(maps), rtol=0, atol=1e-5)
