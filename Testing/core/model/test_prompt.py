"""Prompts travel whole: what is there is stacked, flattened and changed; what is not stays away."""

from __future__ import annotations

import torch

from masam_core.model.prompt import NetworkPrompt


def test_only_the_kinds_that_are_there_are_changed() -> None:
    boxes = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    doubled = NetworkPrompt(boxes).map(lambda tensor: 2 * tensor)
    assert doubled.given().keys() == {"boxes"}
    assert torch.equal(doubled.given()["boxes"], torch.tensor([[2.0, 4.0, 6.0, 8.0]]))
    assert NetworkPrompt().map(lambda tensor: 2 * tensor).given() == {}


def test_windows_are_stacked_and_become_slices_in_their_order() -> None:
    windows = [
        NetworkPrompt(torch.full((3, 4), float(n)), torch.full((3, 1, 8, 8), 10.0 + n))
        for n in range(2)
    ]
    slices = NetworkPrompt.stack(windows).of_slices()
    assert slices.boxes is not None
    assert slices.masks is not None
    assert slices.boxes[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert slices.masks[:, 0, 5, 5].tolist() == [10, 10, 10, 11, 11, 11]
    assert slices.masks.shape == (6, 1, 8, 8)
    assert NetworkPrompt.stack([NetworkPrompt(), NetworkPrompt()]).given() == {}
