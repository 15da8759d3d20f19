"""Each command of docs/REPRODUCE.md on miniatures of its data, at settings that a processor can do.

A command runs after those that make what it names, and once.
"""

from __future__ import annotations

import csv
import os
import pickle
import runpy
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from masam_core.catalog.bundled import bundled_base_path
from masam_core.cli.main import app, join_numbers
from masam_core.experiments import grid, study
from masam_core.model.backbones import BACKBONES, SAM, BackboneSpec
from masam_core.training import presets
from Testing.conftest import ROOT
from Testing.core.data.prepare import miniatures
from Testing.core.model.conftest import reference_sam
from Testing.docs.printed import Command, commands

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")
pytest.importorskip("av", reason="the extra 'video' is not installed")

PAGE = [
    command
    for command in commands(ROOT / "docs" / "REPRODUCE.md")
    # Placeholders alone, or a command that is only named in the text.
    if len(command.words) > 1 and not {"LIST", "..."} & set(command.words)
]
# Told apart by their widths, as SAM's own are.
SMALL_SAMS = {
    name: BackboneSpec(SAM, width, 4, 2, 16, (1, 3), window=3)
    for name, width in (("vit_h", 32), ("vit_l", 24), ("vit_b", 16))
}
# What of the paper's settings a processor can't do in seconds.
SMALL_MODEL = {"image_size": 32, "fact_rank": 4, "adapter_width": 8}
SMALL_RUN = {
    "precision": "32-true",
    "accelerator": "cpu",
    "checkpointing": False,
    "batch": 3,
    "steps": 1,
    "epochs": 0,
}
WEIGHTS = {
    "vit_h": "sam_vit_h_4b8939.pth",
    "vit_l": "sam_vit_l_0b3195.pth",
    "vit_b": "sam_vit_b_01ec64.pth",
}
AMOS = ["amos_0001", *(f"amos_{n:04d}" for n in range(507, 512)), "amos_0201", "amos_0547"]


@dataclass
class World:
    """The folder in which the page's commands run, and what they have made so far."""

    folder: Path
    done: dict[Command, Any] = field(default_factory=dict)

    def run(self, line: str) -> Any:
        """The result of the page's command that begins so, run now unless it was."""
        return self.result(next(c for c in PAGE if str(c).startswith(f"REPRODUCE.md: {line}")))

    def result(self, command: Command) -> Any:
        """The result of a command, after those that make what it names."""
        if command in self.done:
            return self.done[command]
        for other in PAGE:
            made = output(other)
            if made and made != output(command) and any(w in (made, f"{made}/index.csv") or
                                                        w.startswith(f"{made}/")
                                                        for w in command.words):  # fmt: skip
                self.result(other)
        if command.program == "python":
            script, *words = command.words
            runpy.run_path(str(ROOT / script))["main"](*(self.folder / word for word in words))
            self.done[command] = True
            return True
        done = masam(*typed(command))
        assert done.exit_code == 0, f"{command}\n{done.output}"
        self.done[command] = done
        return done

    def table(self, name: str) -> dict[tuple[str, str], list[str]]:
        """The CSV beside the table of the page."""
        with (self.folder / name).with_suffix(".csv").open(newline="") as file:
            return {(row[0], row[1]): row[2:] for row in csv.reader(file)}


def output(command: Command) -> str:
    """The file or folder that a command makes."""
    words = command.words
    if command.program == "python":
        return words[-1]
    names = [words[n + 1] for n, word in enumerate(words) if word in ("-o", "--out")]
    return names[0] if names else ""


def typed(command: Command) -> list[str]:
    """A command's words for one process on this machine, and small data."""
    words = ["fast" if word == "best" else word for word in command.words]
    if command.program == "torchrun":
        words = words[words.index("masam_core") + 1 :]
        words[words.index("--devices") + 1] = "1"
    if words[0] == "prepare" and "--list" not in words:
        words.append("--partial")
    if words[0] in ("evaluate", "segment", "study"):
        words += ["--device", "cpu"]
    if "--shots" in words:
        words += ["--shot-steps", "1"]
    if "--table" in words:
        table = Path(words[words.index("--table") + 1])
        words += ["--table", str(table.with_suffix(".csv"))]
    return words


def masam(*words: object) -> Any:
    return CliRunner().invoke(app, join_numbers([str(w) for w in words]), prog_name="masam")


def small_preset(name: str) -> dict[str, Any]:
    values = presets_as_they_are(name)
    model = {**values["model"], **SMALL_MODEL}
    if model["backbone"] == "vit_s14":  # as it comes with MASAM, and so a window at a time
        return {**values, **SMALL_RUN, "batch": 1, "model": {**model, "image_size": 56}}
    return {**values, **SMALL_RUN, "model": model}


presets_as_they_are = presets.preset
read_whole_study = grid.read_study
one_at_a_time = threading.Lock()


def first_run(name: str) -> grid.Study:
    """A study's first run; Testing/core/experiments sees that the others can be run."""
    whole = read_whole_study(name)
    return replace(whole, points=whole.points[:1])


def call_here(_self: object, words: list[str], log: Path, _env: object, out: Path | None) -> int:
    """Run a command of a study in this process: PyTorch is loaded once."""
    with one_at_a_time:
        done = masam(*words[len(study.PROGRAM) :])
    with log.open("a") as file:
        file.write(done.stderr)
    if out is not None:
        out.write_text(done.stdout)
    return int(done.exit_code)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("reproduce")
    miniatures.btcv(folder, (1, 2, 35))
    miniatures.prostate(folder / "sites", only=("RUNMC", "UCL"))
    kept = [f"Case{n:02d}{end}" for n in (0, 1, 3) for end in ("", "_Segmentation")]
    miniatures.keep(folder / "sites" / "RUNMC", kept)
    miniatures.endovis18(folder / "endovis18", frames=2)
    names = [f"pancreas_{n:03d}" for n in range(1, 4)]
    miniatures.keep(miniatures.msd_pancreas(folder / "owner"), names)
    shutil.move(folder / "owner" / "Task07_Pancreas", folder)
    miniatures.keep(miniatures.amos22(folder / "owner"), AMOS)
    shutil.move(folder / "owner" / "amos22", folder)
    pairs = [tuple(f"/{kind}Tr/{name}.nii.gz" for kind in ("images", "labels")) for name in names]
    split = {0: {"train": {0: pairs[0], 1: pairs[2]}, "val": {}, "test": {0: pairs[1]}}}
    (folder / "split_pancreas.pkl").write_bytes(pickle.dumps(split))
    miniatures.organs(folder / "ORGANS")
    (folder / "WEIGHTS").mkdir()
    torch.manual_seed(0)
    for name, file in WEIGHTS.items():
        sam = reference_sam(128, SMALL_SAMS[name])
        torch.save(sam.state_dict(), folder / "WEIGHTS" / file)
    (folder / WEIGHTS["vit_h"]).symlink_to(folder / "WEIGHTS" / WEIGHTS["vit_h"])
    models = folder / "Resources" / "Models"
    models.mkdir(parents=True)
    (models / bundled_base_path().name).symlink_to(bundled_base_path())
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        for name, spec in SMALL_SAMS.items():
            patch.setitem(BACKBONES, name, spec)
        patch.setattr(presets, "preset", small_preset)
        patch.setattr(grid, "read_study", first_run)
        patch.setattr(study._Running, "call", call_here)
        os.chdir(folder)
        yield World(folder)
        os.chdir(before)


@pytest.mark.parametrize("command", PAGE, ids=str)
def test_a_command_of_the_page_runs_and_writes_what_it_says(world: World, command: Command) -> None:
    world.result(command)
    promised = [output(command)]
    promised += [
        command.words[n + 1]
        for n, word in enumerate(command.words)
        if word in ("--table", "--overlay")
    ]
    assert all((world.folder / name).exists() for name in promised if name)
    if command.words[0] == "study":
        out = world.folder / output(command)
        assert "Without result" not in (out / "table.md").read_text()
        assert (out / "plot.png").is_file()


def test_the_page_has_every_data_set_task_and_study() -> None:
    lines = [" ".join(c.words) for c in PAGE]
    for wanted in (
        *(f"prepare {d} " for d in ("btcv", "prostate", "endovis18", "msd-pancreas", "amos22")),
        *(f"--preset {p} " for p in ("btcv", "prostate", "endovis18", "pancreas-tumour")),
        *("--preset pancreas-tumour-box ", "--preset automatic-small ", "--shots 5 --seeds 3"),
        *("--map amos-to-btcv", "--overlay test01.mp4", "--splits split_pancreas.pkl"),
        *(f"study {name} " for name in grid.STUDIES),
    ):
        assert any(wanted in line for line in lines), wanted


def test_another_programs_masks_stand_beside_the_model_of_a_site(world: World) -> None:
    world.run("masam evaluate PROSTATE/site-A.csv")
    assert (world.folder / "PROSTATE" / "without-A.csv").is_file()
    found = world.table("prostate-A.csv")
    assert found["table", "method"][:2] == ["prostate", "mean"]
    assert 0 <= float(found["Dice (%)", "prostate-A"][0]) <= 100
    folder = world.folder / "nnunet"
    folder.mkdir()
    shutil.copy(world.folder / "PROSTATE/siteA_03/label.nii.gz", folder / "siteA_03.nii.gz")
    page = next(c for c in PAGE if "prostate-A.md" in c.words)
    words = [*typed(page), "--table", "both.csv", "--predictions", f"nnU-Net={folder}"]
    done = masam(*words)
    assert done.exit_code == 0, done.output
    both = world.table("both.csv")
    assert both["Dice (%)", "nnU-Net"] == ["100.0", "100.0"]
    assert both["Dice (%)", "prostate-A"] == found["Dice (%)", "prostate-A"]
    assert ("Same cases, paired", "prostate-A - nnU-Net") in both


def test_pancreas_tumours_without_a_box_and_with_it(world: World) -> None:
    world.run("masam evaluate PANCREAS --split test --automatic")
    assert world.table("pancreas.csv")["table", "method"][:2] == ["pancreas", "pancreas tumour"]
    world.run("masam evaluate PANCREAS --split test --label 2")
    assert len(world.table("pancreas-box.csv")["Dice (%)", "pancreas-box"]) == 2


def test_robotic_surgery_has_the_challenges_mean_over_all_frames(world: World) -> None:
    world.run("masam evaluate ENDOVIS")
    found = world.table("endovis.csv")
    assert len(found["IoU (%)", "endovis"]) == 4
    frames, miou = found["mIoU of the challenge (%)", "endovis"]
    assert frames == "8"
    assert 0 <= float(miou) <= 100


def test_abdominal_organs_on_a_laptop_take_their_names_from_the_data(world: World) -> None:
    world.run("masam prepare btcv")
    shown = masam("train", "BTCV", "-o", "run/laptop", "--preset", "automatic-small", "--show")
    assert "num_classes: 13" in shown.stdout
    assert "left adrenal gland" in shown.stdout
    assert "prompts: null" in shown.stdout


def test_amos_is_seen_as_it_is_and_after_five_patients_without_the_veins(world: World) -> None:
    world.run("masam evaluate AMOS/mr.csv --split all")
    assert "portal and splenic vein" not in world.table("zero-shot-mr.csv")["table", "method"]
    world.run("masam evaluate AMOS/mr.csv --split test")
    rows = [name for table, name in world.table("five-shot-mr.csv") if table == "Dice (%)"]
    assert rows[0] == "btcv, zero-shot"
    assert rows[-1] == "btcv, 5-shot, mean of 3"
