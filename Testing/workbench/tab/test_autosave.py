"""Who may write a piece of unsaved work: one tab at a time, and none over another one's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from masam_core.errors import MasamError
from Testing.workbench.conftest import requireWorkbench


@pytest.fixture
def works(harness: Any, tmp_path: Path) -> Any:
    requireWorkbench()
    from masam_workbench.tab.works import Works

    return Works(tmp_path / "works")


@pytest.fixture
def keeping(works: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes tabs whose work is a text."""
    from masam_workbench.tab import autosave

    monkeypatch.setattr(autosave, "isPlain", lambda *_: True)

    class Keeping(autosave.Autosave):
        text = ""

        async def _writeParts(self, folder: Path, volume: Any) -> None:
            self._mark = works.write(folder, {"text": self.text})

        def keep(self, text: str) -> Path:
            self.text = text
            asyncio.run(self._write())
            assert self.folder is not None
            return self.folder

    def make(watched: bool) -> Keeping:
        context: Any = SimpleNamespace(volume=1, scene=None, refreshSoon=lambda: None)
        made = Keeping(context, works, dict)
        made.setWatched(watched)
        return made

    return make


def test_a_tab_without_a_page_writes_nothing_over_work_that_is_open_elsewhere(
    works: Any, keeping: Any
) -> None:
    from masam_workbench.tab.works import Claim

    left = keeping(watched=False)
    folder, other = left.keep("first"), Claim()
    assert other.hold(folder)  # a tab without a page claims nothing
    own = left.keep("a run that ended late")
    assert own != folder
    assert works.read(folder)["text"] == "first"
    assert works.read(own)["text"] == "a run that ended late"


def test_what_another_tab_has_written_and_left_stays(works: Any, keeping: Any) -> None:
    left = keeping(watched=False)
    folder = left.keep("first")
    works.write(folder, {"text": "by another tab, which has ended"})
    assert left.keep("late") != folder
    assert works.read(folder)["text"] == "by another tab, which has ended"
    # Neither does it delete that, nor take it for its own when its page comes back.
    again = keeping(watched=False)
    folder = again.keep("first")
    works.write(folder, {"text": "another's"})
    again.drop()
    assert works.read(folder)["text"] == "another's"
    again.setWatched(True)
    assert again.folder is None


def test_a_tab_goes_on_in_its_own_folder(works: Any, keeping: Any) -> None:
    tab = keeping(watched=True)
    folder = tab.keep("first")
    assert works.listed() == []
    tab.setWatched(False)
    assert tab.keep("second") == folder
    assert [each["id"] for each in works.listed()] == [folder.name]
    tab.setWatched(True)
    assert tab.keep("third") == folder
    assert works.read(folder)["text"] == "third"
    tab.drop()
    assert not folder.exists()


def test_a_large_scene_is_not_written_after_each_change(
    works: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from masam_workbench.tab import autosave

    clock = SimpleNamespace(now=100.0)

    def save(_scene: Any, path: Path) -> None:
        path.write_bytes(b"scene")
        clock.now += 2.0

    asked: list[int] = []
    context: Any = SimpleNamespace(
        volume=1, scene=None, lesions=list, later=lambda ms, _: asked.append(ms) or (lambda: None)
    )
    monkeypatch.setattr(autosave, "isPlain", lambda *_: False)
    monkeypatch.setattr(autosave, "saveScene", save)
    monkeypatch.setattr(autosave, "time", SimpleNamespace(monotonic=lambda: clock.now))
    tab = autosave.Autosave(context, works, dict)
    monkeypatch.setattr(tab, "_content", lambda *_: {})
    tab.look("first", unsaved=True)
    asyncio.run(tab._write())
    tab.look("second", unsaved=True)
    clock.now += 4.0
    tab.look("third", unsaved=True)  # does not put it off
    clock.now += 60.0
    tab.look("fourth", unsaved=True)
    assert asked == [autosave.SOON_MS, 10_000, 6_000, autosave.SOON_MS]


def test_work_that_another_tab_takes_up_at_the_same_moment_is_refused_before_anything_leaves(
    works: Any, keeping: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from masam_workbench.tab.continuing import Continuing
    from masam_workbench.tab.works import Claim

    folder, other = works.new(), Claim()
    works.write(folder, {"name": "x"})
    assert other.hold(folder)
    monkeypatch.setattr(works, "folder", lambda _: folder)  # it was free when it was looked up
    tab = keeping(watched=True)
    tab.context.state = SimpleNamespace(works=[])

    class Images:
        async def open(self, *_: Any, **__: Any) -> bool:
            raise AssertionError("the image that is shown must stay")

    taking = Continuing(tab.context, tab, lambda: None).take(Images(), folder.name)
    with pytest.raises(MasamError, match="open in another tab"):
        asyncio.run(taking)
    assert tab.folder is None
