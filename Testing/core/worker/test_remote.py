"""The segmenter whose model is in another process, against one whose model is here."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from masam_core.errors import BoxError, Cancelled, CheckpointError, ConfigError
from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import segment_boxes
from masam_core.lesion.lesion import Lesion
from masam_core.prompts.boxes import BoxPrompt
from masam_core.worker.client import WorkerError
from masam_core.worker.remote import RemoteSegmenter
from Testing.core.worker.conftest import ROOT

COMMAND = [sys.executable, str(Path(__file__).with_name("quick.py"))]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
SIX = (3, 9, 4, 9, 5, 9)


@pytest.fixture(scope="module")
def segmenter() -> Iterator[RemoteSegmenter]:
    with RemoteSegmenter(COMMAND, device="cpu", environment=ENVIRONMENT) as made:
        yield made


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(0).normal(size=(12, 13, 14)).astype(np.float32)
    return Volume(array, Geometry.from_spacing(array.shape, (1.0, 2.0, 3.0)), "MR", "scan")


def process_of(lesion: Lesion) -> int:
    return int(lesion.messages[3].split()[1])


def test_it_gives_what_the_same_model_gives_here(
    segmenter: RemoteSegmenter, volume: Volume
) -> None:
    told: list[tuple[float, str]] = []
    segmenter.set_volume(volume)
    lesion = segmenter.segment(SIX, quality="best", progress=lambda *two: told.append(two))
    local = Ellipsoid()
    local.set_volume(volume)
    expected = local.segment(BoxPrompt.from_voxels(*SIX))
    assert np.array_equal(lesion.mask_on_volume(), expected.mask_on_volume())
    assert lesion.measurements == expected.measurements
    assert (lesion.name, lesion.model, lesion.confidence) == ("Lesion", "quick", 0.75)
    assert lesion.messages[:3] == ("modality MR", "quality best", "device cpu")
    assert told == [(0.25, "window 1 of 4")]
    assert process_of(lesion) != os.getpid()


def test_arrays_modalities_and_files_are_taken_as_here(
    segmenter: RemoteSegmenter, volume: Volume
) -> None:
    segmenter.set_volume(volume)
    first = segmenter.segment(SIX)
    segmenter.set_volume(volume.array, "CT", spacing=(1.0, 2.0, 3.0))  # the same values, as a CT
    second = segmenter.segment(BoxPrompt.from_voxels(*SIX, name="Liver"))
    assert [found.messages[0] for found in (first, second)] == ["modality MR", "modality CT"]
    assert (second.name, process_of(second)) == ("Liver", process_of(first))
    assert np.array_equal(first.mask_on_volume(), second.mask_on_volume())


def test_what_reading_an_image_left_open_is_told_as_here(
    segmenter: RemoteSegmenter, volume: Volume
) -> None:
    note = "scan.nii does not say how large its voxels are."
    open_question = replace(volume, notes=(note,))
    segmenter.set_volume(open_question)
    assert segmenter.segment(SIX).messages[:2] == (note, "modality MR")


def test_errors_are_those_that_a_segmenter_here_raises(
    segmenter: RemoteSegmenter, volume: Volume
) -> None:
    segmenter.set_volume(volume)
    turned = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    with pytest.raises(BoxError, match="along the voxel axes"):
        segmenter.segment(BoxPrompt.from_oriented((5, 9, 9), turned, (4, 3, 5), volume.geometry))
    with pytest.raises(BoxError, match="has 3 numbers"):
        segmenter.segment((1, 2, 3))
    with pytest.raises(ConfigError, match="Unknown setting qualty"):
        segmenter.segment(SIX, qualty="best")
    segmenter.forget_volume()
    with pytest.raises(ConfigError, match="Choose a volume"):
        segmenter.segment(SIX)
    with (
        RemoteSegmenter(COMMAND, "gone", environment=ENVIRONMENT) as other,
        pytest.raises(CheckpointError, match="no weight file"),
    ):
        segment_boxes(other, volume, [BoxPrompt.from_voxels(*SIX)])
    with (
        RemoteSegmenter("no-such-program-here --now") as other,
        pytest.raises(WorkerError, match="could not be started"),
    ):
        segment_boxes(other, volume, [BoxPrompt.from_voxels(*SIX)])
    with pytest.raises(WorkerError, match="is empty"):
        RemoteSegmenter("")


def test_it_can_be_stopped_and_outlives_its_worker(
    segmenter: RemoteSegmenter, volume: Volume
) -> None:
    segmenter.set_volume(volume)
    before = process_of(segmenter.segment(SIX))
    heard: list[str] = []
    slow = BoxPrompt.from_voxels(*SIX, name="slow")
    with pytest.raises(Cancelled):
        segmenter.segment(
            slow,
            progress=lambda _, text: heard.append(text),
            cancelled=lambda: "waiting" in heard,
        )
    assert process_of(segmenter.segment(SIX)) == before
    with pytest.raises(WorkerError, match="ended unexpectedly") as caught:
        segmenter.segment(BoxPrompt.from_voxels(*SIX, name="crash"))
    assert caught.value.code == "died"
    assert process_of(segmenter.segment(SIX)) != before


def test_closing_ends_the_worker(volume: Volume) -> None:
    words = shlex.join(COMMAND)
    with RemoteSegmenter(words, environment=ENVIRONMENT) as segmenter:
        segmenter.set_volume(volume)
        segmenter.segment(SIX)
        assert segmenter._worker is not None
        transport = segmenter._worker.transport
        assert transport is not None
        assert transport.process is not None
        assert transport.process.poll() is None
    assert transport.process.poll() is not None
    segmenter.set_volume(volume)
    with pytest.raises(ConfigError, match="was closed"):
        segmenter.segment(SIX)
