"""A study on the miniature of BTCV; how its processes go side by side, with a stand-in."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from matplotlib.pyplot import imread
from typer.testing import CliRunner

from masam_core.cli.interrupt import terminable
from masam_core.cli.main import app
from masam_core.errors import ConfigError
from masam_core.evaluation.paper_tables import write_tables
from masam_core.experiments import study as module
from masam_core.experiments.grid import read_study
from masam_core.experiments.outcome import draw_study, study_table
from masam_core.experiments.study import Place, run_study

from .conftest import TINY


def call_here(_self: object, words: list[str], log: Path, _env: object, out: Path | None) -> int:
    """Run a command of a study in this process: what it says to the streams goes where it would.

    To start PyTorch for each takes ten times as long as what the commands do.
    """
    done = CliRunner().invoke(app, words[1:])
    with log.open("a") as file:
        file.write(done.stderr if out is not None else done.output)
    if out is not None:
        out.write_text(done.stdout)
    return done.exit_code


def _quiet(message: str) -> None:
    """Nobody listens."""


def write_study(folder: Path, vary: dict[str, object]) -> str:
    file = folder / "mine.yaml"
    shared = {**TINY, "base": "tiny.safetensors"}
    content = {"about": "Two steps each.", "preset": "btcv", "map": "btcv", "set": shared}
    file.write_text(yaml.safe_dump({**content, "vary": vary}, sort_keys=False))
    return str(file)


def test_runs_are_trained_evaluated_tabled_and_not_done_twice(
    btcv: Path, bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Running, "call", call_here)
    # A decoder that can't tell classes apart fails; the others go on.
    vary: dict[str, dict[str, dict[str, object]]] = {
        "decoder": {"progressive": {}, "sam": {"model.decoder": "sam"}}
    }
    study = read_study(write_study(tmp_path, vary))
    place = Place(btcv, tmp_path / "out", bases, device="cpu", program=("masam",))
    told: list[str] = []
    outcomes = run_study(study, place, told.append)
    assert [bool(o.result) for o in outcomes] == [True, False], [o.problem for o in outcomes]
    assert "num_classes is 12; expected 1 with the sam decoder" in outcomes[1].problem
    scores = outcomes[0].result["scores"]
    assert {s["case"] for own in scores.values() for s in own} == {"btcv0035", "btcv0036"}
    table = study_table(study, outcomes)
    assert table.columns[0] == "decoder"
    assert table.rows[1][1:] == ["-"] * (len(table.columns) - 1)
    dices = [float(cell) for cell in table.rows[0][1:-2]]
    assert float(table.rows[0][-2]) == pytest.approx(sum(dices) / len(dices), abs=0.1)
    write_tables(tmp_path / "t.md", [table])
    assert "Without result: sam" in (tmp_path / "t.md").read_text()
    draw_study(tmp_path / "plot.png", study, outcomes)
    assert imread(tmp_path / "plot.png").std() > 0.05

    told.clear()
    result = tmp_path / "out" / "progressive" / "result.json"
    before = result.stat().st_mtime_ns
    again = run_study(replace(study, points=study.points[:1]), place, told.append)
    assert told == ["progressive: done before."]
    assert result.stat().st_mtime_ns == before
    assert again[0].result == outcomes[0].result

    vary["decoder"]["progressive"] = {"lr": 0.1}
    other = read_study(write_study(tmp_path, vary))
    with pytest.raises(ConfigError, match="progressive holds a run of other settings"):
        run_study(other, place, told.append)
    # The same study on other data is another one: nothing of it is done.
    with pytest.raises(ConfigError, match=r"progressive holds a run on other data, .*data,"):
        run_study(study, replace(place, data=tmp_path / "site-B.csv"), told.append)


def test_a_changed_configuration_file_is_another_study(tmp_path: Path) -> None:
    file, config = tmp_path / "s.yaml", tmp_path / "mine.yaml"
    file.write_text("config: mine.yaml\nvary: {lr: [1]}\n")
    with pytest.raises(ConfigError, match=r"s\.yaml: the configuration .*mine\.yaml can't be read"):
        read_study(str(file))
    config.write_text("steps: 5\n")
    fails = (sys.executable, "-c", "raise SystemExit('no such device')")
    place = Place(tmp_path, tmp_path / "out", program=fails)
    assert "no such device" in run_study(read_study(str(file)), place, _quiet)[0].problem
    config.write_text("steps: 50\n")
    run_study(read_study(str(file)), place, _quiet)  # nothing was trained that could be mixed up
    (tmp_path / "out" / "1" / "last.ckpt").write_bytes(b"half a run")
    config.write_text("steps: 60\n")
    with pytest.raises(ConfigError, match="1 holds a run of other settings"):
        run_study(read_study(str(file)), place, _quiet)


def test_runs_side_by_side_each_see_their_own_gpu(tmp_path: Path) -> None:
    """The program is stood in for by one that says which GPU it was given."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys, json, time, pathlib\n"
        "out = pathlib.Path(sys.argv[sys.argv.index('-o') + 1]) if '-o' in sys.argv else None\n"
        "gpu = os.environ['CUDA_VISIBLE_DEVICES']\n"
        "if out is not None:\n"
        "    (out / 'gpu.txt').write_text(gpu)\n"
        "    time.sleep(0.3)\n"
        "else:\n"
        "    score = {'lesion': 1, 'dice': 0.5, 'hd95_mm': None}\n"
        "    print(json.dumps({'classes': ['x'], 'scores': {'m': [score]}}))\n"
    )
    file = tmp_path / "s.yaml"
    file.write_text("vary: {model.fact_rank: [1, 2, 3, 4]}\n")
    place = Place(tmp_path, tmp_path / "out", gpus=(2, 5), program=(sys.executable, str(program)))
    outcomes = run_study(read_study(str(file)), place, _quiet)
    assert all(o.result for o in outcomes), [o.problem for o in outcomes]
    seen = {(tmp_path / "out" / str(n) / "gpu.txt").read_text() for n in (1, 2, 3, 4)}
    assert seen == {"2", "5"}
    asked = json.loads((tmp_path / "out" / "3" / "point.json").read_text())
    assert asked["settings"] == {"model.fact_rank": 3}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to be heard.")
def test_a_study_that_the_system_ends_leaves_no_run_behind(tmp_path: Path) -> None:
    """The program is stood in for by one that has the study ended, and then would go on."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, pathlib, signal, time\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGTERM)\n"
        "time.sleep(60)\n"
    )
    file = tmp_path / "s.yaml"
    file.write_text("vary: {lr: [1, 2]}\n")
    place = Place(tmp_path, tmp_path / "out", program=(sys.executable, str(program)))
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # were it not for what is tested
    try:
        with terminable(), pytest.raises(KeyboardInterrupt):
            run_study(read_study(str(file)), place, _quiet)
    finally:
        signal.signal(signal.SIGTERM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert not (tmp_path / "out" / "2" / "point.json").exists()  # nor was another begun
