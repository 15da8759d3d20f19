"""The front process, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .conftest import requireWorkbench


def test_the_tab_that_was_left_longest_makes_room_for_another(
    harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from MASAMSlicerLib.workbench import gate as module

    gate = module.Gate(module.Options())
    ended: list[str] = []

    def tab(name: str, alone: float) -> Any:
        async def end() -> None:
            ended.append(name)

        return SimpleNamespace(id=name, alone=alone, end=end)

    monkeypatch.setattr(module, "MOST_TABS", 2)
    gate.tabs = {"used": tab("used", 0.0)}
    assert asyncio.run(gate._makeRoom())
    gate.tabs["left"] = tab("left", 20.0)
    assert not asyncio.run(gate._makeRoom())  # it may be reloading
    gate.tabs["left"].alone = 300.0
    assert asyncio.run(gate._makeRoom())
    assert (ended, list(gate.tabs)) == (["left"], ["used"])
