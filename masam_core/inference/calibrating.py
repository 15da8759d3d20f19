"""What an encoder is shown of real lesions: to find int8's scales on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.catalog.bundled import SAMPLES, sample_data_dir
from masam_core.errors import ConfigError
from masam_core.image.volume import read_labels, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.crops import tight_box
from masam_core.model.masam import MASAM
from masam_core.prompts.boxes import BoxPrompt

MOST_CASES, MOST_WINDOWS = 16, 32
Pair = tuple[Path, Path, str]  # image, label, modality


def calibration_pairs(data: Path | None) -> list[Pair]:
    """Images with their lesions: of a data set, or the samples that come with MASAM.

    Args:
        data: as for ``masam evaluate``; cases to be judged by (val, test) are left out where there
            are others.

    Raises:
        ConfigError, VolumeError: nothing there that can be read.
    """
    if data is None:
        folder = sample_data_dir()
        return [
            (folder / name / "image.nii.gz", folder / name / "expert.nii.gz", modality)
            for name, modality in SAMPLES.items()
        ]
    from masam_core.data.reading import read_cases

    cases = read_cases(data)
    cases = [case for case in cases if case.split not in ("val", "test")] or cases
    return [(case.image, case.label, case.modality) for case in evenly(cases, MOST_CASES)]


def calibration_windows(model: MASAM, pairs: Sequence[Pair]) -> list[NDArray[np.float32]]:
    """What the encoder is shown for these lesions, boxed tightly: each (1, D, S, S) or
    (1, D, 3, S, S).

    Raises:
        ConfigError: none of the labels marks a lesion.
    """
    windows: list[NDArray[np.float32]] = []
    with Segmenter(model, "cpu", "float32") as segmenter:
        runtime = segmenter.runtime
        embed = runtime.embed

        def heard(shown: NDArray[np.float32]) -> list[Any]:
            windows.extend(window[None].copy() for window in shown)
            return embed(shown)

        setattr(runtime, "embed", heard)  # noqa: B010 (a method, which mypy keeps)
        for image, label, modality in pairs:
            lesion = read_labels(label)[0] > 0
            if lesion.any():
                segmenter.set_volume(read_volume(image), modality or None)
                box = BoxPrompt.from_voxels(*tight_box(lesion))
                segmenter.segment(box, SegmentOptions(quality=Quality.FAST))
    if not windows:
        raise ConfigError("None of the images to calibrate on has a lesion in its label image.")
    return evenly(windows, MOST_WINDOWS)


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    """Pick at most so many of them, spread over all."""
    if len(items) <= most:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, most).astype(int)]
