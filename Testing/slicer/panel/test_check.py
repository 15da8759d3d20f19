"""Check this installation: by its button, with a real worker."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Person


def nodes(scene: Any) -> list[tuple[str, int]]:
    """Every node of the scene, and how often it was changed."""
    found = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return [(node.GetID(), node.GetMTime()) for node in found]


def test_one_click_checks_everything_and_leaves_the_scene_alone(
    person: Person,
    case: Any,
    scene: Any,
    sarcoma: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import qt

    from masam_core.catalog import bundled

    # In thick slices the sample gives the same figures; all are in Testing/core/cli/test_check.py.
    (tmp_path / "sarcoma_mr").symlink_to(sarcoma)
    monkeypatch.setattr(bundled, "sample_data_dir", lambda: tmp_path)
    person.choose(case.volume)
    person.ui.advancedCollapsibleButton.collapsed = False
    person.wait()
    assert not person.ui.copyReportButton.enabled
    assert person.ui.copyReportButton.toolTip
    before, lesions = nodes(scene), person.lesions()
    person.ui.checkButton.click()
    assert person.panel.check.running  # the click returned at once
    assert person.ui.checkButton.text == "Cancel"
    told: set[str] = set()
    shown: list[int] = []

    def ended() -> bool:
        told.add(str(person.ui.checkLabel.text).split(",")[0])
        shown.append(int(person.ui.checkProgressBar.value))
        return not person.panel.check.running

    person.wait(ended, 300.0)
    person.wait()
    assert len(told) > 3  # it was followed
    assert shown[-1] > shown[0]
    text = str(person.ui.checkText.plainText)
    assert "Sample mask" in text
    assert "Dice with the expert 0.88" in " ".join(text.split())
    assert "WRONG" not in text
    assert "3D Slicer 5.10.0" in text
    assert person.ui.checkLabel.text.startswith(("Everything works", "Works, with a remark"))
    assert f"/{getpass.getuser()}/" not in text
    assert str(Path.home()) + "/" not in text
    person.ui.copyReportButton.click()
    copied = qt.QApplication.clipboard().text()
    assert copied.split() == text.split()
    assert max(map(len, text.splitlines())) < max(map(len, copied.splitlines())) <= 96
    assert nodes(scene) == before
    assert person.lesions() == lesions
    assert person.ui.checkButton.text == "Check this installation"


def test_a_check_can_be_stopped_and_says_what_it_had_found(person: Person) -> None:
    person.ui.checkButton.click()
    worker = person.panel.check.checker._run._client._transport
    person.wait(lambda: "starting" not in person.panel.check.checker._run.words)
    person.ui.checkButton.click()
    assert not person.panel.check.running
    assert person.ui.checkLabel.text.startswith("Stopped (")
    assert "Worker" in person.ui.checkText.plainText
    assert not person.ui.checkProgressBar.visible
    assert worker._process is None  # its worker has ended, too
    person.wait()
    assert person.ui.copyReportButton.enabled


def test_a_missing_pytorch_and_another_command_are_said_in_plain_words(
    person: Person, tmp_path: Path
) -> None:
    script = tmp_path / "worker without torch.py"
    script.write_text(
        "import sys\n"
        "sys.modules.update(torch=None, torchvision=None, openvino=None)\n"
        "from masam_core.worker.server import serve\n"
        "serve()\n"
    )
    person.ui.workerEdit.text = f'"{sys.executable}" "{script}"'
    person.ui.workerEdit.editingFinished.emit()
    person.ui.checkButton.click()
    person.wait(lambda: not person.panel.check.running)
    words = "Something is wrong. PyTorch is not installed, so nothing can be segmented."
    assert person.ui.checkLabel.text == words
    assert "c62828" in person.ui.checkLabel.styleSheet
    text = " ".join(person.ui.checkText.plainText.split())
    assert "press Install at the top of the MASAM panel" in text
    assert "on this machine, started by a command of yours" in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize("command", ["no-such-program-here", '"no end'])
def test_a_command_that_can_not_be_started_is_a_finding(person: Person, command: str) -> None:
    import qt

    qt.QSettings().setValue("MASAM/workerCommand", command)
    person.ui.checkButton.click()
    person.wait(lambda: not person.panel.check.running)
    assert person.ui.checkLabel.text.startswith("Something is wrong. Worker:")


def test_it_waits_for_a_run_and_ends_with_the_module(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(type(person.session), "busy", property(lambda _: True))
        person.panel.refresh()
        assert not person.ui.checkButton.enabled
        assert "Wait" in person.ui.checkButton.toolTip
    person.panel.refresh()
    person.ui.checkButton.click()
    run = person.panel.check.checker._run
    person.panel.check.cleanup()
    assert run.finished
