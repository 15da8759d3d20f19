"""From corrected scenes to a table and a kept model, as events."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from masam_core.errors import ConfigError
from masam_core.improve import run as module
from masam_core.improve.run import improve, keep
from masam_core.improve.spec import ImproveSpec, own_data
from Testing.core.collect.making import ball, image, lesion, write_scene
from Testing.core.training.adapting.test_run import start
from Testing.core.training.conftest import tiny_model

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

__all__ = ["start", "tiny_model"]


@pytest.fixture
def scenes(tmp_path: Path, masam_home: Path) -> Path:
    """Four patients' scenes with a lesion that was touched up, and one that was not."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for number in range(4):
        made, now = ball(4, 9, 9, 5.0), ball(4, 9, 9, 6.0)
        voxels = image(number) + (700 * now).astype("int16")
        segments = [lesion("a", now, made=made), lesion("b", ball(6, 18, 14, 3.0))]
        write_scene(folder / f"{number}.mrb", segments, voxels, f"patient {number}")
    return folder


def spec_of(start: Path, scenes: Path) -> ImproveSpec:
    return ImproveSpec((scenes,), own_data(), str(start), steps=2, device="cpu")


def test_the_way_from_scenes_to_a_model_with_a_name(
    start: Path, scenes: Path, masam_home: Path
) -> None:
    events: list[dict[str, Any]] = []
    assert improve(spec_of(start, scenes), events.append, lambda: False)
    assert all(json.dumps(event) for event in events)
    shares = [event["fraction"] for event in events if event["event"] == "progress"]
    assert shares == sorted(shares)
    notes = [event["message"] for event in events if event["event"] == "note"]
    assert any("lesion 'b': it was neither locked" in note for note in notes)
    assert any(note.startswith("4 added") for note in notes)
    outcome = events[-1]
    assert outcome["event"] == "outcome"
    assert len(outcome["rows"]) == 2  # one held-out patient, and the mean
    assert not (masam_home / "models").exists()  # nothing is taken over by itself
    keep(outcome["model"], "my-cases", events.append)
    keep(outcome["model"], "my-cases", events.append)
    assert [event["name"] for event in events[-2:]] == ["my-cases", "my-cases-2"]
    assert (masam_home / "models" / "my-cases.safetensors").is_file()
    keep(outcome["model"], "no/name", events.append)
    assert "plain name" in events[-1]["message"]


def test_a_stop_leaves_what_was_gathered_and_trains_nothing(start: Path, scenes: Path) -> None:
    events: list[dict[str, Any]] = []
    asked = iter([False, False, True, True])
    assert not improve(spec_of(start, scenes), events.append, lambda: next(asked))
    assert events[-1] == {"event": "cancelled"}
    assert (own_data() / "index.csv").is_file()
    assert not (own_data() / "adapted").exists()


def test_packages_that_are_missing_are_named_before_anything_is_read(
    start: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.PACKAGES, "not_there", "not-there>=1")
    with pytest.raises(ConfigError, match=r"pip_install\('not-there>=1'\)"):
        improve(spec_of(start, scenes), lambda event: None, lambda: False)
    assert not own_data().exists()


def test_the_packages_named_are_those_of_the_extra() -> None:
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11 on
    root = Path(__file__).resolve().parents[3]
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    assert set(module.PACKAGES.values()) <= set(extras["project"]["optional-dependencies"]["train"])


def test_a_request_goes_over_json_and_nonsense_is_refused(tmp_path: Path) -> None:
    spec = ImproveSpec((tmp_path / "a",), tmp_path / "b", "my-cases", None, True, 2.0, 9, "cpu")
    assert ImproveSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    with pytest.raises(ConfigError, match="no folder of them was given"):
        ImproveSpec.from_dict({"data": "b"})
    with pytest.raises(ConfigError, match="no entry 'modell'"):
        ImproveSpec.from_dict({**spec.to_dict(), "modell": "x"})


def test_the_process_says_in_words_what_is_wrong(tmp_path: Path, masam_home: Path) -> None:
    values = ImproveSpec((tmp_path / "gone",), tmp_path / "data").to_dict()
    (tmp_path / "spec.json").write_text(json.dumps(values), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "masam_core.improve", str(tmp_path / "spec.json")],
        input=b"",
        capture_output=True,
        timeout=300,
        check=False,
    )
    (line,) = done.stdout.splitlines()
    event = json.loads(line)
    # Its input has ended at once, which is a word to stop, too.
    assert event["event"] in ("error", "cancelled")
    assert event["event"] == "cancelled" or "does not exist" in event["message"]
    assert not (tmp_path / "data").exists()
