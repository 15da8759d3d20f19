"""Words of the front ends: for a narrow panel, and for one and many."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("harness")

MIDDLE = "\N{HORIZONTAL ELLIPSIS}"
CPU = {"name": "cpu", "label": "CPU, 4 threads"}
OPENVINO = {"name": "openvino", "label": "CPU with OpenVINO, 2 threads"}
GPU = {"name": "cuda:0", "label": "NVIDIA L4"}


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    from MASAMSlicerLib.wording import shortened

    assert shortened("twelve chars", 12) == "twelve chars"
    for most in range(3, 12):
        short = shortened("twelve chars", most)
        first, last = short.split(MIDDLE)
        assert len(short) == most
        assert "twelve chars".startswith(first)
        assert "twelve chars".endswith(last)


@pytest.mark.parametrize(
    ("model", "name"),
    [("bundled", "Bundled model"), ("sam-vit-b", "sam-vit-b"), ("/data/my.pth", "my.pth")],
)
def test_a_model_is_called_by_its_name_or_its_file(model: str, name: str) -> None:
    from MASAMSlicerLib.wording import modelName

    assert modelName(model) == name


@pytest.mark.parametrize(
    ("devices", "chosen", "name"),
    [
        ([], "auto", "Best device"),
        ([], "cuda:1", "cuda:1"),
        ([GPU, CPU], "auto", "NVIDIA L4"),
        ([GPU, CPU], "cpu", "Processor (4 threads)"),
        ([OPENVINO, CPU], "auto", "Processor (2 threads)"),
        ([{"name": "cpu", "label": "CPU"}], "auto", "Processor"),
        ([GPU, CPU], "cuda:1", "cuda:1"),
    ],
)
def test_a_device_is_what_computes(devices: list[Any], chosen: str, name: str) -> None:
    from MASAMSlicerLib.wording import deviceName

    assert deviceName(devices, chosen) == name


def test_long_words_may_be_broken_and_the_words_stay_the_same() -> None:
    from MASAMSlicerLib.wording import breakable

    plain = "Saved to disk in a moment, as asked."
    assert breakable(plain) == plain
    for word in ("C:\\data\\hospital\\radiology\\models\\x.pth", "0123456789abcdef" * 4):
        text = breakable(f"The file {word} is here.")
        assert text.replace("\u200b", "") == f"The file {word} is here."
        assert max(len(part) for part in text.replace("\u200b", " ").split()) <= 24


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 segments measured again."),
        (1, "1 segment measured again."),
        (3, "3 segments measured again."),
    ],
)
def test_what_was_measured(harness: Any, count: int, words: str) -> None:
    from MASAMSlicerLib.wording import measuredWords

    assert measuredWords(count) == words


def test_what_has_become_of_a_box(harness: Any) -> None:
    from MASAMSlicerLib.scene.ends import BEYOND, PAIRED, SET, Ends
    from MASAMSlicerLib.wording import endWords

    assert endWords(Ends(1, PAIRED)).endswith("it holds 1 slice.")
    assert endWords(Ends(4, SET)) == "The box now ends at this slice; it holds 4 slices."
    assert "farther end and holds 12 slices" in endWords(Ends(12, BEYOND))
