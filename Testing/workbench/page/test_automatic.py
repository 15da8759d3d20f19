"""A model that takes no boxes, in a real browser: choose it, press one button, get its classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import SimpleITK as sitk
import torch

from masam_core.model.abilities import NONE
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from Testing.workbench.conftest import Server
from Testing.workbench.page.bench import Bench, Case
from Testing.workbench.page.test_access import axe, violations

__all__ = ["axe"]  # a fixture


@pytest.fixture(scope="module")
def server(server: Server) -> Iterator[Server]:
    """The workbench with a random model of two organs, which finds both wherever it looks."""
    torch.manual_seed(5)
    model = MASAM(
        ModelConfig(
            name="organs",
            backbone="vit_s14",
            image_size=56,
            fact_rank=2,
            adapter_width=4,
            num_classes=2,
            class_names=("liver", "spleen"),
        )
    )
    with torch.no_grad():
        for parameter in model.mask_decoder.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        # The logits of the three are b.x, -b.x and 0 of the background: each has its places.
        background, one, other = (
            list(mlp.layers.each())[-1]
            for mlp in model.mask_decoder.output_hypernetworks_mlps.each()
        )
        for last in (background, one, other):
            last.weight.zero_()
        background.bias.zero_()
        other.bias.copy_(-one.bias)
    model.prompting = NONE
    path = server.home / "models" / "organs.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(model, path)
    yield server
    path.unlink()


@pytest.fixture
def few(mr: Bench, case: Case, tmp_path: Path) -> Bench:
    """The tab with some slices of the MR: each is looked at, and has its random mask drawn."""
    image = tmp_path / "few.nii.gz"
    sitk.WriteImage(sitk.ReadImage(str(case.path))[:, :, 20:27], str(image))
    before = str(mr.page.evaluate("() => document.body.dataset.image"))
    mr.upload(image)
    mr.untilImage(before)
    return mr


def test_choose_a_model_and_get_a_segment_a_class(few: Bench, axe: str, screenshots: Path) -> None:
    mr = few
    mr.untilText("lesions-hint", "Press B")
    mr.click("settings")
    mr.until("() => document.querySelectorAll('[data-test=model] option').length > 1")
    words = mr.get("model").locator("option").all_inner_texts()
    assert any("organs" in each and "no boxes" in each for each in words)
    mr.get("model").select_option("organs")
    mr.press("Escape")
    mr.get("segment-all").wait_for()
    assert "Press B" not in mr.text("lesions-hint")
    assert "by hand" in mr.text("lesions-hint")
    mr.press("b")  # no box is drawn for a model that takes none
    mr.untilText("message", "takes no boxes")
    mr.get("classes").locator("summary").click()
    mr.get("class").nth(1).uncheck()
    mr.untilText("classes", "1 of 2")
    mr.get("class").nth(1).check()
    mr.untilText("classes", "2 of 2")
    mr.click("segment-all")
    mr.until("() => document.querySelectorAll('[data-test=structure]').length > 0")
    mr.until("() => document.querySelector('.workbench').dataset.busy === 'no'")
    names = {each.strip() for each in mr.get("structure").all_inner_texts()}
    assert names <= {"Liver", "Spleen"}
    mr.untilDrawn()
    assert violations(mr, axe) == []
    mr.page.screenshot(path=str(screenshots / "automatic.png"))
    mr.press("Control+z")
    mr.until("() => document.querySelectorAll('[data-test=structure]').length === 0")
