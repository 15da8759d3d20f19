"""What is decoded for a box, against decoding and resampling whole slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from masam_core.image.volume import Volume
from masam_core.inference.job import Job, job_crop
from masam_core.inference.rectangle import Rectangle
from masam_core.inference.segmenter import Segmenter, in_batches
from masam_core.inference.sliding import restored
from masam_core.model.masam import Embedding
from masam_core.prompts.boxes import BoxPrompt

from .conftest import BuildModel


def job_of(segmenter: Segmenter, volume: Volume, box: BoxPrompt) -> Job:
    frame = volume.geometry.canonical_frame()
    prompt = box.slice_boxes(frame)
    return Job(frame, prompt, prompt, job_crop(prompt, prompt, frame, segmenter.config))


@pytest.mark.parametrize("field", ["prompt", "slice"])
@pytest.mark.parametrize(
    "box",
    [
        BoxPrompt.from_voxels(12, 32, 9, 29, 5, 13),
        BoxPrompt.from_voxels(0, 3, 30, 39, 0, 2),  # in a corner, where the crop overhangs
        BoxPrompt.from_voxels(47, 47, 0, 39, 19, 19),  # one column
    ],
)
def test_the_rectangle_is_cut_out_of_the_restored_crop(
    build_model: BuildModel, volume: Volume, field: str, box: BoxPrompt
) -> None:
    segmenter = Segmenter(build_model(field_of_view=field), device="cpu")
    job = job_of(segmenter, volume, box)
    side, grid = segmenter.config.logits_side, segmenter.config.grid
    logits = np.random.default_rng(1).normal(size=(3, 2, side, side)).astype(np.float32)
    rows, cols = job.in_crop()
    expected = restored(torch.from_numpy(logits), job.crop)[:, :, rows, cols].numpy()

    whole = Rectangle.of(job, side, None)
    assert whole.tokens is None
    assert np.allclose(whole.resample(logits), expected, atol=1e-4)

    pixel = side // grid
    part = Rectangle.of(job, side, pixel)
    assert part.tokens is not None
    r, c = (slice(t.start * pixel, t.stop * pixel) for t in part.tokens)
    assert np.allclose(part.resample(logits[:, :, r, c]), expected, atol=1e-4)
    _, extent_rows, extent_cols = job.extent()
    assert expected.shape[2:] == (
        extent_rows.stop - extent_rows.start,
        extent_cols.stop - extent_cols.start,
    )


def test_a_small_box_decodes_few_tokens(build_model: BuildModel, volume: Volume) -> None:
    segmenter = Segmenter(build_model(field_of_view="slice"), device="cpu")
    job = job_of(segmenter, volume, BoxPrompt.from_voxels(20, 24, 18, 22, 5, 6))
    pixel = segmenter.config.logits_side // segmenter.config.grid
    part = Rectangle.of(job, segmenter.config.logits_side, pixel)
    assert part.tokens is not None
    rows, cols = part.tokens
    assert (rows.stop - rows.start) * (cols.stop - cols.start) < segmenter.config.grid**2


def test_batches_keep_the_order_and_the_limit() -> None:
    def part(*slices: int) -> tuple[list[int], Embedding]:
        return list(slices), Embedding(torch.zeros(len(slices), 1), [])

    parts = [part(1), part(2, 3, 4), part(5), part(6, 7), part(8, 9, 10, 11, 12)]
    batches = [[i for slices, _ in batch for i in slices] for batch in in_batches(parts, 4)]
    assert batches == [[1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11, 12]]
    assert [len(batch) for batch in in_batches(parts, 1)] == [1] * 5
    assert list(in_batches([], 4)) == []
    joined = Embedding.join([e for _, e in parts])
    assert joined.image.shape == (12, 1)
    assert np.array_equal(joined.cut(slice(2, 4)).image.shape, (2, 1))
