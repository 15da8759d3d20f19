"""The front process, without a network."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from Testing.workbench.conftest import environment, requireWorkbench


def test_the_tab_that_was_left_longest_makes_room_for_another(
    harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from masam_workbench.front import gate as module

    gate = module.Gate(module.Options())
    ended: list[str] = []

    def tab(name: str, alone: float) -> Any:
        async def end() -> None:
            ended.append(name)

        return SimpleNamespace(id=name, alone=alone, end=end, hadImage=False)

    monkeypatch.setattr(module, "MOST_TABS", 2)
    gate.tabs = {"used": tab("used", 0.0)}
    assert asyncio.run(gate._makeRoom())
    gate.tabs["left"] = tab("left", 20.0)
    assert not asyncio.run(gate._makeRoom())  # it may be reloading
    gate.tabs["left"].alone = 300.0
    assert asyncio.run(gate._makeRoom())
    assert (ended, list(gate.tabs)) == (["left"], ["used"])


def test_a_tab_with_an_image_is_kept_for_its_time_and_an_empty_one_is_not(
    harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requireWorkbench()
    from types import SimpleNamespace

    from masam_workbench.front import gate as module

    gate = module.Gate(module.Options(timeout=1800))
    ended: list[str] = []

    def add(name: str, alone: float, hadImage: bool) -> None:
        async def end() -> None:
            ended.append(name)

        gate.tabs[name] = SimpleNamespace(  # type: ignore[assignment]
            id=name, alone=alone, end=end, hadImage=hadImage, running=True
        )

    monkeypatch.setattr(module, "MOST_TABS", 2)
    add("work", 1700.0, True)
    add("other work", 300.0, True)
    assert not asyncio.run(gate._makeRoom())
    gate.tabs["work"].alone = 1800.0  # type: ignore[misc]
    assert asyncio.run(gate._makeRoom())
    assert ended == ["work"]
    add("reloading", 30.0, False)
    add("empty", 121.0, False)
    asyncio.run(gate._tidy())
    assert (ended, list(gate.tabs)) == (["work", "empty"], ["other work", "reloading"])


def test_a_tab_that_says_much_is_heard_to_the_end(harness: Any, tmp_path: Path) -> None:
    requireWorkbench()
    from masam_core.worker.protocol import encode
    from masam_workbench.front.link import IMAGE
    from masam_workbench.front.processes import TabProcess

    frames = encode({"type": "segment", "id": 3, "data": bytes(3_000_000)})
    frames += b"a library prints this" + encode({"type": IMAGE})
    said = tmp_path / "said"
    said.write_bytes(frames)
    code = f"import sys; sys.stdout.buffer.write(open({str(said)!r}, 'rb').read())"
    heard: list[int] = []

    async def check() -> TabProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
        )
        tab = TabProcess(process, tmp_path / "tab", "secret")
        tab.ask = lambda message: heard.append(len(message["data"]))
        with pytest.raises(ValueError, match="ended"):
            await asyncio.wait_for(tab.reachable(), 20)
        await asyncio.wait_for(process.wait(), 20)
        return tab

    assert asyncio.run(check()).hadImage
    assert heard == [3_000_000]


def test_a_tab_says_when_it_has_an_image(harness: Any, sample_data: Path) -> None:
    requireWorkbench()
    from masam_workbench.front.processes import startTab

    image = str(sample_data / "sarcoma_ct" / "image.nii.gz")
    settings = {
        "limit": 1,
        "device": "auto",
        "worker": "",
        "timeout": 60,
        "keep": False,
        "owner": "",
    }

    async def check() -> None:
        empty, tab = [await startTab({**settings, "image": each}) for each in ("", image)]
        try:
            deadline = time.monotonic() + 60
            while not tab.hadImage and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            assert (tab.hadImage, empty.hadImage) == (True, False)
        finally:
            await tab.end()
            await empty.end()

    asyncio.run(check())


@pytest.mark.parametrize("what", ["mkdtemp", "create_subprocess_exec"])
def test_a_tab_that_the_system_has_no_room_for_is_told_in_words(
    harness: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    requireWorkbench()
    from masam_core.errors import MasamError
    from masam_workbench.front import processes

    def full(*_: object, **__: object) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(processes.tempfile, "tempdir", str(tmp_path))
    where = processes.tempfile if what == "mkdtemp" else asyncio
    monkeypatch.setattr(where, what, full)
    with pytest.raises(MasamError, match="No space left on device"):
        asyncio.run(processes.startTab({}))
    assert list(tmp_path.iterdir()) == []


def test_the_front_process_loads_nothing_of_slicer() -> None:
    """It passes on what others compute; Slicer's core would cost each start a second."""
    requireWorkbench()
    code = "import sys, masam_workbench.front.gate; print('slicer_core' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout.strip() == "False"
