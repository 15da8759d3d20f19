"""States of cases on disk: what a killed write leaves is no case, what is damaged is told."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from masam_core.batch.states import DONE, CaseState, StateFolder, state_folder
from masam_core.errors import ConfigError


def test_what_a_killed_write_left_behind_is_no_case(tmp_path: Path) -> None:
    states = StateFolder(tmp_path)
    states.write("a", CaseState(DONE))
    states.write("b", CaseState(DONE))
    whole = state_folder(tmp_path) / "b.json"
    (whole.with_name(".b.12.json")).write_bytes(whole.read_bytes())
    (whole.with_name(".b.13.json")).write_text('{"case": "b", ')
    assert [name for name, _ in states.others(["a"])] == ["b"]
    assert states.others(["a", "b"]) == []


@pytest.mark.parametrize("odd", [{"made_of": [[], 1]}, {"made_of": "x"}, {"source": 3}])
def test_a_state_of_another_shape_is_damaged(tmp_path: Path, odd: dict[str, object]) -> None:
    state = {**asdict(CaseState(DONE)), **odd}
    (state_folder(tmp_path) / "a.json").write_text(json.dumps({"case": "a", "state": state}))
    with pytest.raises(ConfigError, match=r"a\.json is damaged"):
        StateFolder(tmp_path).read("a")
