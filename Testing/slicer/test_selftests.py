"""The module's own self-tests, as Slicer's Reload & Test and ctest run them."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize("name", NAMES)
def test_selftest(cases: type[unittest.TestCase], name: str, tmp_path: Path) -> None:
    import slicer

    scene, address = slicer.mrmlScene, (str(tmp_path / "mine.mrml"), str(tmp_path))
    scene.SetURL(address[0])  # the user's scene, which was saved there
    scene.SetRootDirectory(address[1])
    result = unittest.TestResult()
    cases(name).run(result)
    assert not result.skipped, result.skipped[0][1]
    problems = [text for _, text in [*result.errors, *result.failures]]
    assert not problems, problems[0]
    assert result.testsRun == 1
    assert (scene.GetURL(), scene.GetRootDirectory()) == address


def test_none_is_missing() -> None:
    assert {f"test_{name}" for name in REQUIRED} <= set(NAMES)


def test_slicer_finds_the_class_in_the_modules_file(cases: Any) -> None:
    found = unittest.defaultTestLoader.loadTestsFromTestCase(cases)
    assert found.countTestCases() == len(NAMES)
    assert Path(str(__import__("sys").modules[cases.__module__].__file__)).name == "MASAMSlicer.py"
