"""The module's own self-tests, as Slicer's Reload & Test and ctest run them."""

from __future__ import annotations

import re
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from Testing.slicer.conftest import MODULE

SOURCE = (MODULE / "MASAMSlicerLib" / "selftest.py").read_text("utf-8")
NAMES = re.findall(r"def (test_\w+)", SOURCE)
REQUIRED = (
    "boxOnSyntheticTumour",
    "correctionByAClick",
    "obliqueFlippedAnisotropicVolumes",
    "transformedVolume",
    "rotatedRoi",
    "severalLesions",
    "neighboursAndLockedSegmentsUntouched",
    "undoRedo",
    "cancel",
    "batchWithOneBrokenCase",
    "saveLoadRerun",
    "workerKilled",
)


@pytest.fixture(scope="module")
def cases(harness: Any) -> Iterator[type[unittest.TestCase]]:
    module = harness.loadModule(MODULE / "MASAMSlicer.py", ("MASAMSlicerLib",))
    yield module.MASAMSlicerTest
    module.MASAMSlicerTest.tearDownClass()


def saved_at(folder: Path) -> tuple[str, str]:
    """Say that the user's scene was saved in a folder; its URL and root directory."""
    import slicer

    slicer.mrmlScene.SetURL(str(folder / "mine.mrml"))
    slicer.mrmlScene.SetRootDirectory(str(folder))
    return address_now()


def address_now() -> tuple[str, str]:
    """URL and root directory of the scene."""
    import slicer

    return slicer.mrmlScene.GetURL(), slicer.mrmlScene.GetRootDirectory()


def move_away() -> None:
    """Change the address, as writing a bundle does."""
    import slicer

    slicer.mrmlScene.SetURL("elsewhere.mrml")
    slicer.mrmlScene.SetRootDirectory("elsewhere")


@pytest.mark.parametrize("name", NAMES)
def test_selftest(cases: type[unittest.TestCase], name: str, tmp_path: Path) -> None:
    address = saved_at(tmp_path)
    result = unittest.TestResult()
    cases(name).run(result)
    assert not result.skipped, result.skipped[0][1]
    problems = [text for _, text in [*result.errors, *result.failures]]
    assert not problems, problems[0]
    assert result.testsRun == 1
    assert address_now() == address


def test_reload_and_test_runs_all_and_leaves_the_scene_its_address(
    cases: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = saved_at(tmp_path)
    case = cases()
    assert set(case.moduleTestNames) == set(NAMES)
    ran = []
    for name in NAMES:  # what they test is tested above; here, that each is run
        monkeypatch.setattr(cases, name, lambda _self, name=name: (ran.append(name), move_away()))
    case.runTest()
    assert set(ran) == set(NAMES)
    assert address_now() == address
    assert sys.modules["MASAMSlicerLib.selftest"].SelfTests.session is None


def test_a_failure_in_reload_and_test_leaves_nothing_behind(
    cases: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = saved_at(tmp_path)

    def fail(self: Any) -> None:
        move_away()
        self.fail("on purpose")

    monkeypatch.setattr(cases, NAMES[0], fail)
    case = cases()
    case.moduleTestNames = [NAMES[0]]
    with pytest.raises(AssertionError, match="on purpose"):
        case.runTest()
    assert address_now() == address
    assert sys.modules["MASAMSlicerLib.selftest"].SelfTests.session is None


def test_none_is_missing() -> None:
    assert {f"test_{name}" for name in REQUIRED} <= set(NAMES)


def test_slicer_finds_the_class_in_the_modules_file(cases: Any) -> None:
    found = unittest.defaultTestLoader.loadTestsFromTestCase(cases)
    assert found.countTestCases() == len(NAMES)
    assert Path(str(__import__("sys").modules[cases.__module__].__file__)).name == "MASAMSlicer.py"
