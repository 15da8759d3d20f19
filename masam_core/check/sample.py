"""A mask on the bundled sample, against the figures that this version is known to give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from masam_core.installation.finding import Finding, State

if TYPE_CHECKING:
    from masam_core.image.volume import Volume
    from masam_core.prompts.boxes import BoxPrompt

TITLE = "Sample mask"
NAME = "sarcoma_mr"
SLOW_SECONDS = 60.0


@dataclass(frozen=True)
class Expected:
    """Figures of the bundled model on the sample, at default settings.

    Attributes:
        dice: overlap with the expert's mask.
        dice_tolerance: how far it may be off; precisions differ by less than 0.002.
        volume_ml: of the mask.
        volume_tolerance: share of it.
    """

    dice: float = 0.885
    dice_tolerance: float = 0.02
    volume_ml: float = 182.1
    volume_tolerance: float = 0.03


@dataclass(frozen=True, eq=False)
class Sample:
    """A bundled image, its box, and the expert's mask (bool KJI on the image's grid)."""

    volume: Volume
    box: BoxPrompt
    expert: NDArray[np.bool_]


def read_sample() -> Sample:
    """Read the sample from its files; needs SimpleITK.

    Raises:
        VolumeError, BoxError: an incomplete or damaged installation.
    """
    from masam_core.catalog.bundled import sample_data_dir
    from masam_core.image.volume import read_labels, read_volume
    from masam_core.prompts.roi import read_roi

    folder = sample_data_dir() / NAME
    volume = read_volume(folder / "image.nii.gz")
    expert = read_labels(folder / "expert.nii.gz")[0] > 0
    return Sample(volume, read_roi(folder / "box.mrk.json", volume.geometry)[0], expert)


def judge_mask(
    sample: Sample,
    mask: NDArray[np.bool_],
    offset_kji: tuple[int, int, int],
    seconds: float,
    device: str,
    expected: Expected | None = None,
) -> Finding:
    """Compare a mask with the expert's, and the figures with those expected.

    Args:
        sample: what was segmented.
        mask: bool KJI crop.
        offset_kji: index of its first voxel in the volume.
        seconds: that segmenting took.
        device: where it was computed.
        expected: figures; None are those of the bundled model.
    """
    expected = expected or Expected()
    whole = np.zeros_like(sample.expert)
    k, j, i = offset_kji
    whole[k : k + mask.shape[0], j : j + mask.shape[1], i : i + mask.shape[2]] = mask
    overlap = 2.0 * np.count_nonzero(whole & sample.expert)
    dice = overlap / (np.count_nonzero(whole) + np.count_nonzero(sample.expert))
    voxel_ml = abs(np.linalg.det(sample.volume.geometry.ijk_to_lps[:3, :3])) / 1000
    volume = np.count_nonzero(whole) * voxel_ml
    words = (
        f"Dice with the expert {dice:.3f} (expected {expected.dice:.3f} within "
        f"{expected.dice_tolerance:g}), {volume:.1f} ml (expected {expected.volume_ml:.1f} within "
        f"{expected.volume_tolerance:.0%}), {seconds:.1f} s on {device}"
    )
    off = abs(volume - expected.volume_ml) > expected.volume_tolerance * expected.volume_ml
    if abs(dice - expected.dice) > expected.dice_tolerance or off:
        return Finding(
            TITLE,
            State.PROBLEM,
            f"{words}. The mask is not what it should be.",
            "Do not trust masks of this installation. Try the device 'cpu', install PyTorch and "
            "MASAM again, and report it.",
        )
    if seconds > SLOW_SECONDS:
        return Finding(
            TITLE,
            State.NOTE,
            f"{words}. That is slow.",
            "Are other programs busy? On two free cores it takes about 4 s.",
        )
    return Finding(TITLE, State.OK, words)
