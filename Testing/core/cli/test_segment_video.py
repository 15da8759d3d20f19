"""`masam segment` on videos, with a model that was trained on the miniature of EndoVis 2018."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from masam_core.cli.main import app, join_numbers
from masam_core.data.prepare.run import prepare
from masam_core.inference.segmenter import Segmenter
from masam_core.inference.video import segment_frames
from masam_core.model.checkpoint import save_model
from masam_core.video.container import write_video
from masam_core.video.frames import open_frames
from Testing.core import tiny
from Testing.core.data.prepare import miniatures

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")
pytest.importorskip("av")

NAMES = [entry["name"] for entry in miniatures.ENDOVIS_LABELS[1:]]


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Any:
    with tiny.known():
        yield


@pytest.fixture(scope="module")
def endovis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("endovis")
    prepare("endovis18", miniatures.endovis18(root / "source", frames=5), root / "data")
    return root / "data"


@pytest.fixture(scope="module")
def trained(endovis: Path) -> tuple[Path, Path]:
    """Model and backbone of some steps by `masam train`, on frames in colours."""
    model = tiny.build(name="tiny video", num_classes=11, channels="rgb")
    base, run = endovis.parent / "base.safetensors", endovis.parent / "run"
    save_model(model, base, kind="base")
    settings = {
        **tiny.SETTINGS,
        "model.name": "tiny video",
        "lr": 0.003,
        "warmup": 4,
        "power": 1,
        "precision": "32-true",
        "accelerator": "cpu",
        "checkpointing": "false",
        "devices": 1,
        "at_once": 0,
    }
    words = [w for name, value in settings.items() for w in ("--set", f"{name}={value}")]
    given = ["--preset", "endovis18", "--base", base, "--steps", 2, "--batch", 1]
    found = masam("train", endovis, "-o", run, *given, *words)
    assert found.exit_code == 0, found.stderr
    return run / "last.safetensors", base


def masam(*arguments: object) -> Any:
    return CliRunner().invoke(app, join_numbers([str(a) for a in arguments]), prog_name="masam")


def test_every_frame_gets_a_label_picture_and_the_overlay_is_a_video(
    endovis: Path, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    model, base = trained
    video = endovis / "test02" / "image"
    out, over = tmp_path / "labels", tmp_path / "over.mp4"
    given = ["--automatic", "--model", model, "--base", base, "--device", "cpu", "--json"]
    done = masam("segment", video, "-o", out, "--overlay", over, *given)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["frames"], told["segmented"]) == (5, 5)
    assert {c["name"] for c in told["classes"]} <= set(NAMES)
    assert {p.name for p in out.iterdir()} == {
        "classes.json",
        *(f"frame{n:03d}.png" for n in range(5)),
    }
    legend = json.loads((out / "classes.json").read_text())
    assert legend["model"] == "tiny video"
    assert legend["classes"] == [
        {"value": e["classid"], "name": e["name"], "color": e["color"]}
        for e in miniatures.ENDOVIS_LABELS[1:]
    ]
    picture = Image.open(out / "frame003.png")
    classes = np.asarray(picture)
    assert (picture.mode, classes.shape) == ("P", (32, 40))
    segmenter = Segmenter(model, "cpu", base=base)
    expected = [labels for _, labels, _ in segment_frames(segmenter, open_frames(video))]
    assert np.array_equal(classes, expected[3])
    colours = {e["classid"]: tuple(e["color"]) for e in miniatures.ENDOVIS_LABELS}
    shown = picture.convert("RGB")
    for row, column in ((3, 4), (20, 30)):
        assert shown.getpixel((column, row)) == colours[int(classes[row, column])]
    assert len(open_frames(over)) == 5


def test_an_experts_labels_are_not_written_over(
    endovis: Path, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    model, base = trained
    video, labels = endovis / "test02" / "image", endovis / "test02" / "label"
    given = ["--automatic", "--model", model, "--base", base, "--device", "cpu"]
    before = {p.name: p.read_bytes() for p in labels.iterdir()}
    refused = masam("segment", video, "-o", labels, *given)
    assert refused.exit_code == 1
    assert "holds frame000.png already" in refused.stderr
    assert {p.name: p.read_bytes() for p in labels.iterdir()} == before
    for _ in range(2):  # one's own may be made anew
        assert masam("segment", video, "-o", tmp_path / "own", *given).exit_code == 0


def test_a_video_file_is_segmented_like_its_frames(
    endovis: Path, trained: tuple[Path, Path], tmp_path: Path
) -> None:
    frames = open_frames(endovis / "test01" / "image")
    write_video(tmp_path / "clip.mp4", [frames.frame(n) for n in range(5)], 2)
    model, base = trained
    given = ["--automatic", "--model", model, "--base", base, "--device", "cpu"]
    for name, video in (("file", tmp_path / "clip.mp4"), ("folder", endovis / "test01" / "image")):
        done = masam("segment", video, "-o", tmp_path / name, *given)
        assert done.exit_code == 0, done.stderr
        assert "Wrote 5 label pictures" in done.stdout
    same = [
        np.asarray(Image.open(tmp_path / "file" / f"frame{n:03d}.png"))
        == np.asarray(Image.open(tmp_path / "folder" / f"frame{n:03d}.png"))
        for n in range(5)
    ]
    assert np.mean(same) > 0.8  # the file lost a little by its compression


def box(first: int, last: int) -> list[object]:
    """A box on a frame, as typed."""
    return ["--box", 4, 20, 4, 14, first, last]


def test_one_box_on_a_frame_is_segmented_in_its_window(
    endovis: Path, tmp_path: Path, masam_home: Path
) -> None:
    save_model(tiny.build(1, name="tiny box", channels="rgb"), tmp_path / "box.safetensors")
    video = endovis / "test01" / "image"
    given = ["--model", tmp_path / "box.safetensors", "--device", "cpu", "--json"]
    done = masam(
        "segment", video, "-o", tmp_path / "out", "--box", *["4", "20", "4", "14", "2", "2"], *given
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["segmented"] == 5
    refused = masam(
        "segment", video, "-o", tmp_path / "no", "--box", *["4", "20", "4", "14", "2", "4"], *given
    )
    assert refused.exit_code == 1
    assert "a box lies on one frame" in refused.stderr
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--automatic", "--margin", "3"], "--margin is for volumes"),
        (["--automatic", "--click", "1,2,3"], "another prompt is for volumes"),
        ([], "--automatic, or with one --box"),
        (["--automatic", "--overlay", "picture.png"], "must end in .mp4"),
        (["--automatic"], "trained on grey volumes"),
    ],
)
def test_what_makes_no_sense_for_a_video_is_told(
    endovis: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    refused = masam("segment", endovis / "test01" / "image", "-o", tmp_path / "out", *words)
    assert refused.exit_code == 1
    assert message in refused.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_as_the_place_for_pictures_is_refused(endovis: Path, tmp_path: Path) -> None:
    video = endovis / "test01" / "image"
    refused = masam("segment", video, "-o", tmp_path / "out.nii.gz", "--automatic")
    assert refused.exit_code == 1
    assert "must be a folder for a video" in refused.stderr
