"""Training on videos: samples in colours, prepared once, with boxes and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from masam_core.data.cases import Case, Target
from masam_core.errors import ConfigError
from masam_core.model.checkpoint import save_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.training.case_cache import CaseCache
from masam_core.training.prepared import prepare_case
from masam_core.training.samples import draw_unprompted
from masam_core.training.settings import TrainConfig
from masam_core.training.train import train

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

ROWS, COLUMNS, COUNT = 28, 56, 6


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A data set of one video: an object of its own colour, label value 4, moves to the right."""
    rng = np.random.default_rng(0)
    for part in ("image", "label"):
        (tmp_path / "data" / "clip" / part).mkdir(parents=True)
    for n in range(COUNT):
        classes = np.zeros((ROWS, COLUMNS), np.uint8)
        classes[8:20, 4 + 4 * n : 20 + 4 * n] = 4
        frame = rng.integers(0, 40, (ROWS, COLUMNS, 3)).astype(np.uint8)
        frame[classes > 0] = (250, 120, 10)
        Image.fromarray(frame).save(tmp_path / "data" / "clip" / "image" / f"f{n}.png")
        Image.fromarray(classes).save(tmp_path / "data" / "clip" / "label" / f"f{n}.png")
    (tmp_path / "data" / "index.csv").write_text(
        "case,patient,split,modality,image,label\nclip,p,train,video,clip/image,clip/label\n"
    )
    return tmp_path / "data"


@pytest.fixture
def config(tiny_model: ModelConfig) -> ModelConfig:
    return replace(tiny_model, field_of_view="slice", shape_prior="none", channels="rgb")


def case(data: Path) -> Case:
    return Case("clip", "p", "video", "train", data / "clip" / "image", data / "clip" / "label")


def test_a_sample_is_a_window_of_frames_in_their_own_colours(
    video: Path, config: ModelConfig, tmp_path: Path
) -> None:
    target = Target(labels=(4,))
    (prepared,) = CaseCache(tmp_path / "cache").case(case(video), config, target)
    (again,) = CaseCache(tmp_path / "cache").case(case(video), config, target)
    assert np.array_equal(prepared.slices, again.slices)
    assert (prepared.slices.dtype, prepared.slices.shape) == (np.uint8, (COUNT, 3, ROWS, COLUMNS))
    assert prepared.frame.shape == (COUNT, ROWS, COLUMNS)
    windows, masks, prompt, inside = draw_unprompted(
        prepared, config, None, np.random.default_rng(3)
    )
    side = config.image_size
    assert windows.shape == (5, 3, side, side)
    assert prompt.given() == {}
    place = int(inside.nonzero()[0])
    colour = windows[place][:, masks[place] == 1].median(dim=1).values
    assert torch.allclose(colour, torch.tensor([250, 120, 10]) / 255, atol=0.01)
    # Stretched to the square: the share of the frame that the object covers stays.
    assert float((masks[place] == 1).float().mean()) == pytest.approx(
        12 * 16 / (ROWS * COLUMNS), abs=0.02
    )


def test_changed_frames_are_prepared_anew(video: Path, config: ModelConfig, tmp_path: Path) -> None:
    cache = CaseCache(tmp_path / "cache")
    (before,) = cache.case(case(video), config)
    frame = video / "clip" / "image" / "f2.png"
    Image.new("RGB", (COLUMNS, ROWS), (1, 2, 3)).save(frame)
    (after,) = cache.case(case(video), config)
    assert not np.array_equal(before.slices, after.slices)
    assert after.slices[2, 2].max() == 3


def test_boxes_on_videos_are_trained_but_not_validated(
    video: Path, config: ModelConfig, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    base = tmp_path / "base.safetensors"
    save_model(MASAM(config), base, kind="base")
    run = TrainConfig(
        video, tmp_path / "run", base, model=config, steps=2, batch=1, warmup=1, synthetic=0.0,
        validate_every=0, save_every=2, accelerator="cpu",
    )  # fmt: skip
    losses: list[float] = []
    train(run, lambda message: None, lambda done, total, loss: losses.append(loss))
    assert len(losses) == 2
    assert all(0 < loss < 5 for loss in losses)
    with pytest.raises(ConfigError, match="videos with boxes"):
        replace(run, validate_every=1)
    with pytest.raises(ConfigError, match="0 for videos"):
        replace(run, synthetic=0.2)


def test_a_volume_for_a_model_of_videos_is_refused_and_the_other_way_round(
    video: Path, data: Path, config: ModelConfig, tiny_model: ModelConfig
) -> None:
    with pytest.raises(ConfigError, match="clip is a video, and the model's channels are 'repeat'"):
        prepare_case(case(video), tiny_model)
    files = (data / "ball0" / f"{n}.nii.gz" for n in ("image", "label"))
    volume = Case("ball0", "p", "MR", "train", *files)
    with pytest.raises(ConfigError, match="ball0 is a volume, and the model's channels are 'rgb'"):
        prepare_case(volume, config)
