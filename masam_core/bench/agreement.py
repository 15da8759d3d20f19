"""Do the faster settings give the same masks? On real lesions with experts' masks."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from masam_core.bench.rows import Row, Setup
from masam_core.errors import ConfigError
from masam_core.image.volume import Volume, read_labels, read_volume
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.lesion.crops import tight_box
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.metrics import dice

TITLE = "Agreement on real lesions"
Setting = tuple[str, Quality]  # precision and quality
Masks = dict[Setting, NDArray[np.bool_]]


def agreement_rows(setup: Setup, data: Path, split: str = "val") -> list[Row]:
    """Dice of the settings with the slower ones that they stand for, and with the experts.

    Args:
        setup: its model is a trained one.
        data: as for ``masam evaluate``.
        split: of the cases.

    Raises:
        ConfigError: no case of that split.
    """
    from masam_core.data.reading import read_cases

    cases = [case for case in read_cases(data) if case.split == split]
    if not cases:
        raise ConfigError(f"{data} lists no case with split '{split}'.")
    asked = _settings(setup)
    segmenters = {
        precision: Segmenter(setup.build(), setup.device, precision, copy=False)
        for precision in dict.fromkeys(precision for precision, _ in asked)
    }
    with_best: dict[str, list[float]] = defaultdict(list)
    with_expert: dict[str, list[float]] = defaultdict(list)
    for number, case in enumerate(cases, 1):
        setup.tell(f"agreement, case {number} of {len(cases)}")
        volume = read_volume(case.image)
        expert = read_labels(case.label)[0] > 0
        masks = _masks(segmenters, asked, volume, case.modality or None, expert)
        for (precision, quality), mask in masks.items():
            name = f"{quality}, {precision}"
            with_expert[name].append(dice(mask, expert))
            for title, reference in _references(setup, precision, quality).items():
                with_best[f"{name} with {title}"].append(dice(mask, masks[reference]))
    rows = [
        Row(
            TITLE,
            f"{name} with the experts",
            float(np.mean(values)),
            "Dice",
            note=f"{len(values)} cases of split '{split}'",
        )
        for name, values in with_expert.items()
    ]
    rows += [
        Row(
            TITLE,
            name,
            float(np.mean(values)),
            "Dice",
            aim="0.99" if "int8" in name else "0.98" if "with best" in name else "",
            note=f"least {min(values):.3f}",
            details={"each": values},
        )
        for name, values in with_best.items()
    ]
    return rows


def _settings(setup: Setup) -> list[Setting]:
    """What is compared."""
    qualities = [(setup.precision, quality) for quality in reversed(Quality)]
    others = ["float32", "int8"] if setup.device.type == "cpu" else ["float32"]
    return list(dict.fromkeys([*qualities, *((other, Quality.BALANCED) for other in others)]))


def _references(setup: Setup, precision: str, quality: Quality) -> dict[str, Setting]:
    """What a setting stands for: the same precision at its best, the same quality in float32."""
    out = {}
    if precision == setup.precision and quality is not Quality.BEST:
        out["best"] = (precision, Quality.BEST)
    if precision != "float32" and quality is Quality.BALANCED:
        out["float32"] = ("float32", Quality.BALANCED)
    return out


def _masks(
    segmenters: dict[str, Segmenter],
    asked: list[Setting],
    volume: Volume,
    modality: str | None,
    expert: NDArray[np.bool_],
) -> Masks:
    box = BoxPrompt.from_voxels(*tight_box(expert))
    masks: Masks = {}
    for precision, quality in asked:
        segmenter = segmenters[precision]
        segmenter.set_volume(volume, modality)
        lesion = segmenter.segment(box, SegmentOptions(quality=quality))
        masks[precision, quality] = lesion.mask_on_volume()
    return masks
