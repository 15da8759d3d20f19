"""Training of the corrector: the user is right, mistakes are mistakes, rounds stay in place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from masam_core.inference.patch import PATCH_SHAPE
from masam_core.model.corrector import Corrector, load_corrector
from masam_core.training.corrections.appearance import vary
from masam_core.training.corrections.fields import FIELD, Fields, draw_fields
from masam_core.training.corrections.rounds import Session, dice_of, play_round
from masam_core.training.corrections.train import CorrectorRun, train_corrector
from masam_core.training.corrections.user import correct, thickness
from masam_core.training.corrections.wrong import wrong_masks
from masam_core.training.prepared import PreparedCase
from masam_core.training.sources import Sources


@pytest.fixture(scope="module")
def fields() -> Fields:
    """Two balls, bright on dark."""
    axes = [torch.arange(n) - n / 2 for n in FIELD]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    radius = torch.sqrt((2 * z) ** 2 + y**2 + x**2)
    truth = torch.stack([radius < 14, radius < 22])
    torch.manual_seed(0)
    image = truth.float() + 0.1 * torch.randn(truth.shape)
    return Fields(image, truth, torch.tensor([2.0, 2.0]))


def test_fields_show_the_lesion_and_repeat(prepared: list[PreparedCase]) -> None:
    one, again = (draw_fields(Sources(prepared), [(0, 1), (0, 2)]) for _ in range(2))
    assert one.image.shape == one.truth.shape == (2, *FIELD)
    assert torch.equal(one.image, again.image)
    assert one.truth.flatten(1).any(dim=1).all()


def test_the_user_clicks_where_the_mask_is_wrong_and_says_what_is_there(fields: Fields) -> None:
    mask = torch.roll(fields.truth, 10, dims=3)
    for seed in range(6):
        positive, negative, place, found = correct(fields.truth, mask, seed)
        assert found.all()
        assert not (positive & ~fields.truth).any()
        assert not (negative & fields.truth).any()
        assert not ((positive | negative) & ~(mask ^ fields.truth)).any()
        for number, (z, y, x) in enumerate(place.tolist()):
            assert (positive | negative)[number, z, y, x]


def test_the_user_says_nothing_of_a_right_mask(fields: Fields) -> None:
    positive, negative, _, found = correct(fields.truth, fields.truth, 0)
    assert not found.any()
    assert not positive.any()
    assert not negative.any()


def test_the_middle_of_the_largest_mistake_is_the_deepest(fields: Fields) -> None:
    wrong = torch.zeros_like(fields.truth)
    wrong[:, 12, 40:60, 40:60] = True
    wrong[:, 12, 5:8, 5:8] = True
    deepest = thickness(wrong).flatten(1).argmax(dim=1)
    rows, cols = deepest // FIELD[2] % FIELD[1], deepest % FIELD[2]
    assert ((rows - 49.5).abs() < 4).all()
    assert ((cols - 49.5).abs() < 4).all()


def test_wrong_masks_are_wrong_but_of_the_lesion(fields: Fields) -> None:
    many = Fields(
        fields.image.repeat(16, 1, 1, 1), fields.truth.repeat(16, 1, 1, 1), fields.z_px.repeat(16)
    )
    wrong = wrong_masks(many.image, many.truth, many.z_px, 3)
    assert wrong.shape == many.truth.shape
    assert wrong.min() >= 0
    assert wrong.max() <= 1
    dice = dice_of(Session.begin(many, wrong))
    assert 0.3 < dice.mean() < 0.95
    assert (dice < 0.9).float().mean() > 0.4
    assert torch.equal(wrong, wrong_masks(many.image, many.truth, many.z_px, 3))


def test_a_field_without_lesion_breaks_nothing(fields: Fields) -> None:
    nothing = torch.zeros_like(fields.truth)
    wrong = wrong_masks(fields.image, nothing, fields.z_px, 0)
    assert torch.isfinite(wrong).all()
    session = Session.begin(Fields(fields.image, nothing, fields.z_px), wrong)
    assert torch.isfinite(play_round(Corrector(), session, 0))


def test_turned_fields_hold_the_same_lesion(fields: Fields) -> None:
    turned = vary(fields, 5)
    before, after = (f.truth.flatten(1).sum(dim=1).float() for f in (fields, turned))
    assert ((after / before - 1).abs() < 0.5).all()
    assert not torch.equal(turned.image, fields.image)


def test_a_round_changes_the_mask_in_its_patch_alone_and_keeps_what_was_said(
    fields: Fields,
) -> None:
    torch.manual_seed(0)
    corrector = Corrector()
    torch.nn.init.normal_(corrector.out.weight)
    session = Session.begin(fields, torch.roll(fields.truth, 20, dims=3).float())
    before = session.probability.clone()
    play_round(corrector, session, 1)
    changed = (session.probability != before).nonzero()
    for number in range(2):
        own = changed[changed[:, 0] == number][:, 1:]
        extent = own.amax(dim=0) - own.amin(dim=0) + 1
        assert (extent <= torch.tensor(PATCH_SHAPE)).all()
    assert (session.positive | session.negative).any()


def test_training_learns_and_goes_on_where_it_stopped(
    prepared: list[PreparedCase], tmp_path: Path
) -> None:
    said: list[str] = []
    run = CorrectorRun(
        tmp_path, steps=2, batch=1, rounds=1, save_every=1, accelerator="cpu", precision="32-true"
    )
    path = train_corrector(Sources(prepared), run, report=said.append)
    first = load_corrector(path).enter[0].conv.weight.clone()
    longer = CorrectorRun(**{**run.__dict__, "steps": 3})
    train_corrector(Sources(prepared), longer, report=said.append)
    load_corrector.cache_clear()
    assert not torch.equal(first, load_corrector(path).enter[0].conv.weight)
    assert any("Going on from step 2" in line for line in said)
    rows = (tmp_path / "corrector.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3"]
