"""Studies as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from masam_core.errors import ConfigError
from masam_core.experiments.grid import STUDIES, read_study
from masam_core.training.layers import read_overrides, read_yaml
from masam_core.training.presets import preset
from masam_core.training.settings import TrainConfig, build_config


@pytest.mark.parametrize("name", STUDIES)
def test_every_run_of_the_studies_that_come_with_it_is_a_run(name: str) -> None:
    study = read_study(name)
    assert 3 <= len(study.points) <= 5
    made: list[TrainConfig] = []
    for point in study.points:
        entries = [f"{n}={'null' if v is None else v}" for n, v in point.settings.items()]
        files = {"data": "d", "out": "o"}
        assert study.start[0] == "--preset"
        made.append(build_config(preset(study.start[1]), files, read_overrides(entries)))
    assert len({repr(run) for run in made}) == len(made)


def test_the_studies_vary_what_they_say() -> None:
    assert [p.title for p in read_study("rank").points] == ["4", "8", "16", "32", "64"]
    assert [p.title for p in read_study("adapters").points] == ["none", "before", "after", "both"]
    tuning = {p.title: p.settings for p in read_study("tuning").points}
    assert tuning["full"]["full"] is True
    assert tuning["frozen"]["model.fact_rank"] == 0


def test_axes_make_a_grid(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "set: {lr: 1e-4, model.fact_rank: 8}\nsplit: val\nmap: own.yaml\nvary:\n"
        "  model.fact_rank: [4, 8]\n  size:\n    small: {batch: 1}\n    as it is: {}\n"
    )
    (tmp_path / "own.yaml").write_text("liver: [1]\n")
    study = read_study(str(file))
    assert [p.labels for p in study.points] == [
        ("4", "small"),
        ("4", "as it is"),
        ("8", "small"),
        ("8", "as it is"),
    ]
    assert study.points[0].settings == {"lr": "1e-4", "model.fact_rank": 4, "batch": 1}
    assert study.points[3].folder == "8-as_it_is"
    assert (study.split, study.labels_map) == ("val", str(tmp_path / "own.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "is no study"),
        ("vary: {}\n", "must name at least one axis"),
        ("vary: {lr: 3}\n", "vary.lr: expected a list"),
        ("vary: {model.rank: [1, 2]}\n", "vary.model.rank has no entry|no entry 'model.rank'"),
        ("vary: {lr: [high]}\n", "lr is 'high'; expected a number"),
        ("vary: {lr: [1, 1]}\n", "two runs have the same labels"),
        ("vary: {lr: [1]}\nsteps: 4\n", "the entry 'steps'"),
        ("vary: {lr: [1\n", "not valid YAML"),
    ],
)
def test_what_is_no_study_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_study(str(file))
    with pytest.raises(ConfigError, match="expected one of adapters, backbone"):
        read_study("ranks")


def test_a_configuration_is_read_as_training_reads_it(tmp_path: Path) -> None:
    study, config = tmp_path / "mine.yaml", tmp_path / "run.yaml"
    study.write_text("config: run.yaml\nvary: {lr: [1e-4, 1e-3]}\n")
    config.write_text("\ufeffsteps: 20\n", encoding="utf-8")
    assert read_study(str(study)).config == "steps: 20\n"
    config.write_text("steps: 20 " + "#" * (256 << 10))
    for read in (lambda: read_study(str(study)), lambda: read_yaml(config)):
        with pytest.raises(ConfigError, match=r"run\.yaml has more than 256 kB"):
            read()
    config.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(
        ConfigError, match=r"mine\.yaml: the configuration .*run\.yaml is not valid YAML"
    ):
        read_study(str(study))
    config.unlink()
    with pytest.raises(ConfigError, match=r"run\.yaml can't be read: No such file"):
        read_study(str(study))
